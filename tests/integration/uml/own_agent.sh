# Sourced inside user-mode Linux: an agent of the test's own, on a database of its own in $TMPDIR.
: "${SALLYPORT:=}"
cd "$TMPDIR"
cat > agent.yaml <<YAML
roles: [keymanager, volumes]
listen:
  - {unix: $TMPDIR/agent.sock, mode: "0600"}
database: sqlite:///$TMPDIR/keys.db
secret_stores:
  - {name: Software, type: simple_crypto, kek_files: [$TMPDIR/kek]}
volumes: {attachments: $TMPDIR/attachments}
auth:
  peers:
    - {uid: 0, project: node, roles: [admin]}
YAML

start_agent() {
    rm -f agent.sock
    "$SALLYPORT" serve --config agent.yaml 2>> agent.log &
    agent=$!
    for _ in $(seq 100); do [[ ! -S agent.sock ]] || break; sleep 0.1; done
}

"$SALLYPORT" db create --generate-kek --config agent.yaml > /dev/null
start_agent
