#!/bin/bash
# demo.sh SALLYPORT: the main job on real input, told as it goes: a key goes from the key manager to a disk and an object.
# The witnesses are stock tools: barbican (client), curl, cryptsetup, qemu-img, and Linux's dm-crypt in user-mode Linux.
# Exits with 1 at the first step that fails. Leaves nothing behind; ends only what it started, by pid.
set -euo pipefail

SALLYPORT=$(readlink -f "$1")
HERE=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
readonly SALLYPORT HERE ROOT="$HERE/../../.."
readonly PROJECT=6d8d9e2f5f2b4f6a9d6b3f3f0f6c1a2b
export PATH="$PATH:/usr/sbin:/sbin" LC_ALL=C.UTF-8

work="" agent_pid="" step="" step_started=0
summary=()

# --- telling ---------------------------------------------------------------------------------------------------------

now_ms() { echo $(($(date +%s%N) / 1000000)); }

begin() {
    step="$1"
    step_started=$(now_ms)
    printf '%2d. %s\n' $((${#summary[@]} + 1)) "$step"
}

done_with() {
    printf '    %s\n' "$1"
    summary+=("$(printf '%-68s %6d ms   ok' "${step%%:*}" $(($(now_ms) - step_started)))")
}

fail() {
    printf '    FAILED: %s\n' "$*" >&2
    [[ ! -s $work/agent.log ]] || { echo '    the agent says:'; tail -20 "$work/agent.log"; } >&2
    exit 1
}

clean_up() {
    local status=$?
    [[ -z $agent_pid ]] || kill -KILL "$agent_pid" 2> /dev/null || true
    [[ -z $work ]] || rm -rf "$work"
    if [[ $status -ne 0 ]]; then echo "demo: failed at: ${step:-start}" >&2; fi
    exit "$status"
}
trap clean_up EXIT

need() { command -v "$1" > /dev/null || { echo "demo: $1 is missing: apt-get install --no-install-recommends $2" >&2; exit 1; }; }

# --- the agent -------------------------------------------------------------------------------------------------------

free_port() {
    PYTHONPATH="$HERE/.." PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -c 'import harness; print(harness.free_port())'
}

# $1: extra sections.
write_config() {
    cat > "$work/agent.yaml" <<YAML
roles: [$1]
listen:
  - tcp: 127.0.0.1:$port
  - {unix: $work/agent.sock, mode: "0600"}
database: sqlite:///$work/keys.db
secret_stores:
  - {name: Software, type: simple_crypto, kek_files: [$work/kek]}
auth:
  peers:
    - {uid: $(id -u), project: $PROJECT, roles: [admin]}
  insecure_no_auth: true
${2:-}
YAML
}

start_agent() {
    "$SALLYPORT" serve --config "$work/agent.yaml" >> "$work/agent.log" 2>&1 &
    agent_pid=$!
    for _ in $(seq 500); do
        kill -0 "$agent_pid" 2> /dev/null || { agent_pid=""; fail "the agent ended at once"; }
        ! curl -s -o /dev/null "$url/" || return 0
        sleep 0.02
    done
    fail "the agent did not answer within 10 s"
}

stop_agent() {
    local status=0
    kill -TERM "$agent_pid"
    wait "$agent_pid" || status=$?
    agent_pid=""
    [[ $status -eq 0 ]] || fail "the agent ended with exit status $status"
}

# The stock client, without Keystone. Secrets go in by file and out by standard output, never by argument.
barbican_client() { barbican --no-auth --endpoint "$url" --os-project-id "$PROJECT" "$@" 2> "$work/client.err" || fail "$(< "$work/client.err")"; }

# One column of the client's table; the row of `secret order get` has a space in its name.
order_key() {
    local order
    order=$(barbican_client secret order create --name "$1" --algorithm aes --bit-length 256 --mode cbc -f value -c 'Order href' key)
    barbican_client secret order get -f value -c 'Secret href' "$order"
}

raw_key() { curl -sf -H "X-Project-Id: $PROJECT" -H 'X-Roles: admin' -H 'Accept: application/octet-stream' "$1/payload"; }

# What Nova and os-brick give to LUKS: the key's bytes in lower-case hex, no newline.
passphrase_of() { raw_key "$1" | od -An -v -tx1 | tr -d ' \n'; }

# --- steps -----------------------------------------------------------------------------------------------------------

make_database() {
    begin "A key-encryption key is made, and a database that it can open"
    write_config "keymanager, volumes"
    "$SALLYPORT" db create --generate-kek --config "$work/agent.yaml" > "$work/create.out" || fail "db create"
    [[ $(stat -c %a "$work/kek") =~ ^[46]00$ ]] || fail "the KEK file is not private: mode $(stat -c %a "$work/kek")"
    done_with "kek: $(stat -c '%s bytes, mode %a' "$work/kek"); keys.db: $(stat -c '%s bytes' "$work/keys.db")"
}

start() {
    begin "The agent starts on them"
    start_agent
    done_with "pid $agent_pid, $url, $(awk '/VmRSS/ {printf "%.0f MB resident", $2 / 1024}' "/proc/$agent_pid/status")"
}

store_secret() {
    begin "The stock client stores a secret: barbican secret store"
    printf 'correct horse battery staple %s' "$(openssl rand -hex 4)" > "$work/secret.txt"
    local href back
    href=$(barbican_client secret store --name demo-secret --file "$work/secret.txt" -f value -c 'Secret href')
    back=$(barbican_client secret get --payload -f value -c Payload "$href")
    [[ $back == "$(< "$work/secret.txt")" ]] || fail "the payload came back changed"
    ! grep -qaF "$(< "$work/secret.txt")" "$work"/keys.db* || fail "the payload is in the database in clear"
    done_with "$href: read back identical; not in the database file"
}

order_keys() {
    begin "The stock client orders two AES-256 keys: barbican secret order create"
    volume_key=$(order_key demo-volume)
    root_secret=$(order_key demo-objects)
    [[ $(raw_key "$volume_key" | wc -c) -eq 32 ]] || fail "the key is not 32 bytes"
    done_with "for the volume ${volume_key##*/}, for the objects ${root_secret##*/}"
}

make_image() {
    begin "An ext4 image is made of this tree's own files"
    mkdir "$work/files"
    cp -r "$ROOT"/{LICENSE,README.md,docs,keymanager} "$work/files/"
    head -c 8388608 /dev/urandom > "$work/files/random.bin"
    (cd "$work/files" && find . -type f -exec sha256sum {} + > "$work/files.sha256")
    truncate -s 64M "$work/disk.img"
    mke2fs -q -t ext4 -L demo -d "$work/files" "$work/disk.img"
    done_with "64 MiB, $(wc -l < "$work/files.sha256") files"
}

encrypt_image() {
    begin "It is encrypted into LUKS volumes with that key: sallyport volume encrypt"
    local version
    for version in luks2 luks1; do
        "$SALLYPORT" volume encrypt "$work/disk.img" "$work/disk.$version" --key "${volume_key##*/}" --luks "$version" \
            --config "$work/agent.yaml" > "$work/encrypt.out" || fail "volume encrypt --luks $version"
    done
    ! grep -qa 'Apache License' "$work/disk.luks2" || fail "the volume holds a file in clear"
    done_with "disk.luks2 and disk.luks1, $(stat -c %s "$work/disk.luks2") bytes; no file in clear in them"
}

cryptsetup_opens() {
    begin "Stock cryptsetup opens the LUKS2 volume: luksDump, --test-passphrase"
    local facts
    facts=$(cryptsetup luksDump "$work/disk.luks2" | awk '/Version|cipher:|Cipher:|PBKDF:/ && !s[$1]++ {printf "%s %s  ", $1, $2}')
    passphrase_of "$volume_key" | cryptsetup open --test-passphrase --key-file - "$work/disk.luks2" ||
        fail "cryptsetup refuses the passphrase"
    if openssl rand -hex 32 | tr -d '\n' | cryptsetup open --test-passphrase --key-file - "$work/disk.luks2" 2> /dev/null; then
        fail "cryptsetup opens it with any passphrase"
    fi
    done_with "$facts; a wrong passphrase is refused"
}

qemu_reads() {
    begin "Stock qemu-img reads the LUKS1 volume: the same bytes as the image"
    qemu-img convert --object secret,id=key,file=<(passphrase_of "$volume_key") \
        --image-opts driver=luks,key-secret=key,file.filename="$work/disk.luks1" -O raw "$work/disk.back"
    cmp "$work/disk.img" "$work/disk.back" || fail "qemu-img reads other bytes"
    done_with "$(qemu-img info "$work/disk.luks1" | awk '/file format/ {print "qemu-img says: " $3}'); 64 MiB compared equal"
    rm -f "$work/disk.back"
}

linux_mounts() {
    begin "Linux's own dm-crypt mounts it and reads every file: user-mode Linux"
    passphrase_of "$volume_key" | "$HERE/mount_in_uml.sh" "$work/disk.luks2" "$work/files.sha256" > "$work/uml.out" 2>&1 ||
        { cat "$work/uml.out" >&2; fail "the volume could not be mounted, or files differ"; }
    done_with "$(tail -1 "$work/uml.out")"
}

restart_with_objects() {
    begin "The agent restarts with the object filter, keys read back from the database"
    stop_agent
    mkdir "$work/objects"
    write_config "keymanager, objects" "objects:
  listen: 127.0.0.1:$objects_port
  upstream: {type: directory, path: $work/objects}
  project: $PROJECT
  root_secrets: {\"\": ${root_secret##*/}}
  active_root_secret: \"\""
    start_agent
    done_with "http://127.0.0.1:$objects_port/v1/..., over the folder objects/"
}

object_round_trip() {
    begin "A file goes through the object filter: curl PUT, bytes at rest, GET"
    local at="http://127.0.0.1:$objects_port/v1/AUTH_demo/papers" file="$work/files/README.md" stored
    curl -sf -o /dev/null -X PUT -H 'Content-Length: 0' "$at" || fail "the container was refused"
    curl -sf -o /dev/null -T "$file" -H 'X-Object-Meta-Colour: green' "$at/readme" || fail "the PUT was refused"
    stored=$(find "$work/objects" -type f -size "$(stat -c %s "$file")c" | head -1)
    [[ -n $stored ]] || fail "no object of that size lies in the folder"
    ! cmp -s "$file" "$stored" || fail "the object at rest is the file itself"
    ! grep -rqa -e 'key manager' -e green "$work/objects" || fail "text or metadata lies in clear at rest"
    printf '    sent   %s\n' "$(head -c 24 "$file" | od -An -v -tx1 -w24)"
    printf '    at rest%s\n' "$(head -c 24 "$stored" | od -An -v -tx1 -w24)"
    curl -sf "$at/readme" | cmp - "$file" || fail "the read-back differs"
    curl -sf -r 1000-1999 "$at/readme" | cmp - <(tail -c +1001 "$file" | head -c 1000) || fail "the range differs"
    curl -sfI "$at/readme" | grep -qi '^x-object-meta-colour: green' || fail "the metadata differs"
    done_with "$(stat -c %s "$file") bytes read back identical, a range and the metadata too"
}

stop() {
    begin "The agent stops cleanly"
    stop_agent
    [[ ! -e $work/agent.sock ]] || fail "its socket is still there"
    done_with "exit status 0"
}

main() {
    need barbican python3-barbicanclient
    need curl curl
    need cryptsetup cryptsetup-bin
    need qemu-img qemu-utils
    need mke2fs e2fsprogs
    work=$(mktemp -d)
    port=$(free_port) objects_port=$(free_port)
    url="http://127.0.0.1:$port"

    make_database
    start
    store_secret
    order_keys
    make_image
    encrypt_image
    cryptsetup_opens
    qemu_reads
    linux_mounts
    restart_with_objects
    object_round_trip
    stop

    printf '\n%s\n' "What was shown"
    printf '  %s\n' "${summary[@]}"
}

main
