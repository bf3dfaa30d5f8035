#!/bin/bash
# mount_in_uml.sh VOLUME SUMS < PASSPHRASE: opens a LUKS volume with Linux's dm-crypt in user-mode Linux, mounts what is in
# it read-only and checks its files against SUMS (sha256sum's format). Prints one line on what was seen.
set -euo pipefail
: "${sums:=}"
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")

if [[ ${INSIDE_UML:-} != yes ]]; then
    exec "$here/../uml/run.sh" -e INSIDE_UML=yes -e sums="$(readlink -e "$2")" "${BASH_SOURCE[0]}" "$1"
fi

cryptsetup open --readonly --key-file - "$1" demo
mount -t ext4 -o ro /dev/mapper/demo /mnt
cd /mnt
sha256sum --check --quiet "$sums"
printf 'Linux %s, dm-crypt %s: ext4 mounted, %d files identical\n' "$(uname -r)" \
    "$(dmsetup table demo | cut -d' ' -f4)" "$(wc -l < "$sums")"
cd /
umount /mnt
cryptsetup close demo
