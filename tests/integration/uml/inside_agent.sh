#!/bin/bash
# Inside user-mode Linux: the agent fetches the key and maps the volume; the command line only names both. $1 is an empty
# disk.
set -euo pipefail
: "${SALLYPORT:=}" "${KEY:=}"
disk=$1
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
sallyport() { "$SALLYPORT" "$@" --config "$TMPDIR/agent.yaml"; }

sallyport db create --generate-kek > /dev/null
"$SALLYPORT" serve --config agent.yaml 2> agent.log &
agent=$!
for _ in $(seq 100); do [[ ! -S agent.sock ]] || break; sleep 0.1; done
id=$(sallyport secret store --name disk-key --file "$KEY" -a aes -b 256 -s symmetric -f value -c 'Secret href')

sallyport volume format "$disk" --key "$id" > /dev/null
sallyport volume test "$disk" --key "$id" > /dev/null
sallyport volume open "$disk" --key "$id" --name data > /dev/null
mkfs.ext4 -q /dev/mapper/data
mount /dev/mapper/data /mnt
echo kept > /mnt/file
umount /mnt
sallyport volume close data
sallyport volume open "$disk" --key-file "$KEY" --name data > /dev/null
mount -o ro /dev/mapper/data /mnt
[[ $(< /mnt/file) == kept ]]
umount /mnt
sallyport volume close data
kill -TERM "$agent"
wait "$agent"
echo 'ok the agent maps a volume by the id of its key'
