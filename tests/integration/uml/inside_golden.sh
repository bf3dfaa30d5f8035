#!/bin/bash
# Inside user-mode Linux: the first MiB of each volume, mapped by us, has the SHA-256 that its index says.
# EXPECTED holds "sha256 keyfile" for each disk in order.
set -euo pipefail
: "${SALLYPORT:=}" "${EXPECTED:=}"
read -ra expected <<< "$EXPECTED"
number=0
for disk in "$@"; do
    "$SALLYPORT" volume open "$disk" --key-file "${expected[number + 1]}" --name golden --read-only > /dev/null
    sum=$(head -c 1048576 /dev/mapper/golden | sha256sum)
    [[ ${sum%% *} == "${expected[number]}" ]] || { echo "disk $disk: ${sum%% *}, not ${expected[number]}"; exit 1; }
    "$SALLYPORT" volume close golden
    printf 'ok %s\n' "$disk"
    number=$((number + 2))
done
