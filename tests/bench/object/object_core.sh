#!/bin/bash
# The object filter's core on one thread, 64 KiB chunks, against OpenSSL's own figure for its cipher. Informational.
set -euo pipefail
read -r cipher put get < <("$SALLYPORT_BIN/object_core_bench")
# "openssl speed" prints thousands of bytes a second, with a k behind.
openssl=$(openssl speed -elapsed -seconds 2 -bytes 65536 -evp aes-256-ctr 2> /dev/null \
    | awk '/^AES-256-CTR|^aes-256-ctr/ { sub(/k$/, "", $NF); printf "%d", $NF / 1000 }')
result() {
    printf '{"what": "%s", "ours": "%s MB/s", "other": "%s MB/s (openssl speed aes-256-ctr)", "ratio": %s}\n' \
        "$1" "$2" "$openssl" "$(awk "BEGIN { printf \"%.2f\", $2 / $openssl }")"
}
result "object cipher, 64 KiB" "$cipher"
result "object PUT core (AES and two MD5)" "$put"
result "object GET core" "$get"
