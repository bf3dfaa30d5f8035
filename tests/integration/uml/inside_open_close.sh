#!/bin/bash
# Inside user-mode Linux: volumes of ours and of stock cryptsetup through real dm-crypt. $1 is an empty disk.
set -euo pipefail
: "${SALLYPORT:=}" "${KEY:=}" "${OTHER_KEY:=}"
disk=$1
ok() { printf 'ok %s\n' "$*"; }
printf 'volumes: {attachments: %s/attachments}\n' "$TMPDIR" > "$TMPDIR/agent.yaml"
volume() { "$SALLYPORT" volume "$@" --config "$TMPDIR/agent.yaml"; }
# The command must fail with 1 and say this.
refuses() {
    local words=$1 output status=0
    shift
    output=$("$@" 2>&1) || status=$?
    [[ $status -eq 1 && $output == *"$words"* ]] || { printf 'expected "%s", got %s: %s\n' "$words" "$status" "$output"; exit 1; }
}
passphrase() { od -An -v -tx1 "$KEY" | tr -d ' \n'; }

for version in luks1 luks2; do
    volume format "$disk" --key-file "$KEY" --luks "$version" --force > /dev/null
    volume open "$disk" --key-file "$KEY" --name ours > /dev/null
    mkfs.ext4 -q /dev/mapper/ours
    mount /dev/mapper/ours /mnt
    printf 'written through %s\n' "$version" > /mnt/file
    refuses 'mounted on /mnt' volume close ours
    [[ $(volume open "$disk" --key-file "$KEY" --name ours -f value -c adopted) == True ]]
    refuses 'opens no key slot' volume open "$disk" --key-file "$OTHER_KEY" --name ours
    refuses 'is in use: held by dm-0 (ours)' volume format "$disk" --key-file "$KEY" --force
    refuses 'in use' volume open "$disk" --key-file "$KEY" --name again
    [[ $(volume status ours -f value -c device) == "$disk" ]]
    umount /mnt
    exec 8< /dev/mapper/ours
    refuses 'open in ' volume close ours
    exec 8<&-
    volume close ours
    refuses 'there is no dm-crypt mapping ours' volume close ours
    ok "$version: format, open, use, busy close, close"

    passphrase | cryptsetup open --readonly --key-file - "$disk" stock
    mount -o ro /dev/mapper/stock /mnt
    [[ $(< /mnt/file) == "written through $version" ]]
    umount /mnt
    cryptsetup close stock
    ok "$version: stock cryptsetup reads ours"

    refuses "this key opens no key slot of $disk (${version^^}, slots 0)" volume open "$disk" --key-file "$OTHER_KEY" --name ours
    [[ ! -e /dev/mapper/ours ]]
    ok "$version: a wrong key maps nothing"

    passphrase | cryptsetup luksFormat -q --type "$version" --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file - "$disk"
    volume open "$disk" --key-file "$KEY" --name theirs > /dev/null
    [[ $(blockdev --getsz /dev/mapper/theirs) -gt 0 ]]
    volume close theirs
    ok "$version: we open stock cryptsetup's"
done

volume format "$disk" --key-file "$KEY" --force > /dev/null
volume open "$disk" --key-file "$KEY" --name ours --read-only > /dev/null
refuses '' dd if=/dev/zero of=/dev/mapper/ours bs=4096 count=1 status=none
volume close ours
ok 'a read-only mapping cannot be written'
