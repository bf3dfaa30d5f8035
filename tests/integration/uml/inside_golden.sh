#!/bin/bash
# Inside user-mode Linux: the first MiB of each volume, mapped by us, has the SHA-256 that its index says.
# EXPECTED holds "sha256 keyfile" for each disk in order.
set -euo pipefail
: "${SALLYPORT:=}" "${EXPECTED:=}"
read -ra expected <<< "$EXPECTED"
number=0
printf 'volumes: {attachments: %s/attachments}\n' "$TMPDIR" > "$TMPDIR/agent.yaml"
volume() { "$SALLYPORT" volume "$@" --config "$TMPDIR/agent.yaml"; }
for disk in "$@"; do
    volume open "$disk" --key-file "${expected[number + 1]}" --name golden --read-only > /dev/null
    sum=$(head -c 1048576 /dev/mapper/golden | sha256sum)
    [[ ${sum%% *} == "${expected[number]}" ]] || { echo "disk $disk: ${sum%% *}, not ${expected[number]}"; exit 1; }
    volume close golden
    printf 'ok %s\n' "$disk"
    number=$((number + 2))
done
