#!/bin/bash
# Inside user-mode Linux: keys of volumes that are in use. $1 is an empty disk of at least 64 MiB.
set -euo pipefail
: "${SALLYPORT:=}" "${KEY:=}" "${OTHER_KEY:=}"
disk=$1
ok() { printf 'ok %s\n' "$*"; }
volume() { "$SALLYPORT" volume "$@"; }
opens() { volume test "${2:-$disk}" --key-file "$1" > /dev/null 2>&1; }
opens_no_more() { if opens "$@"; then echo "$1 still opens"; exit 1; fi; }
# Maps all of the disk as "half", sectors $1 to $1 + 7 of it unreadable and unwritable; without $1 all are well.
map_half() {
    local size table
    size=$(blockdev --getsz "$disk")
    if [[ -n ${1:-} ]]; then
        table="$1 8 error
$(($1 + 8)) $((size - $1 - 8)) linear $disk $(($1 + 8))"
        [[ $1 -eq 0 ]] || table="0 $1 linear $disk 0
$table"
    else
        table="0 $size linear $disk 0"
    fi
    if [[ -e /dev/mapper/half ]]; then
        dmsetup suspend half && dmsetup load half <<< "$table" && dmsetup resume half
    else
        dmsetup create half <<< "$table"
    fi
}

for version in luks1 luks2; do
    volume format "$disk" --key-file "$KEY" --luks "$version" --force > /dev/null
    volume open "$disk" --key-file "$KEY" --name data > /dev/null
    mkfs.ext4 -q /dev/mapper/data
    mount /dev/mapper/data /mnt
    echo "kept in $version" > /mnt/file
    old=$KEY new=$OTHER_KEY kills=0
    for point in write:2 write:5 fsync:2 fsync:5; do
        strace -f -qq -o /dev/null -e "trace=${point%:*}" -e "inject=${point%:*}:signal=SIGKILL:when=${point#*:}" \
            "$SALLYPORT" volume rotate "$disk" --key-file "$old" --new-key-file "$new" > /dev/null 2>&1 || kills=$((kills + 1))
        opens "$old" || opens "$new" || { echo "nothing opens after $point"; exit 1; }
        volume rotate "$disk" --key-file "$old" --new-key-file "$new" > /dev/null
        opens "$new"
        opens_no_more "$old"
        kept=$old old=$new new=$kept
    done
    [[ $kills -ge 3 ]]
    echo 'written meanwhile' >> /mnt/file
    umount /mnt
    volume close data
    volume open "$disk" --key-file "$old" --name data > /dev/null
    mount -o ro /dev/mapper/data /mnt
    [[ $(head -1 /mnt/file) == "kept in $version" && $(tail -1 /mnt/file) == 'written meanwhile' ]]
    umount /mnt
    volume close data
    ok "$version: rotated in use, killed $kills times"
done

for version in luks1 luks2; do
    for bad in 0 32 264 520; do
        map_half
        volume format /dev/mapper/half --key-file "$KEY" --luks "$version" --force > /dev/null
        map_half "$bad"
        volume rotate /dev/mapper/half --key-file "$KEY" --new-key-file "$OTHER_KEY" > /dev/null 2>&1 || true
        map_half
        opens "$KEY" /dev/mapper/half || opens "$OTHER_KEY" /dev/mapper/half ||
            { echo "$version: nothing opens after errors at sector $bad"; exit 1; }
        volume rotate /dev/mapper/half --key-file "$KEY" --new-key-file "$OTHER_KEY" > /dev/null
        opens "$OTHER_KEY" /dev/mapper/half
        opens_no_more "$KEY" /dev/mapper/half
    done
    ok "$version: bad sectors anywhere in the header lose no key"
done
dmsetup remove half

volume format "$disk" --key-file "$KEY" --force > /dev/null
volume open "$disk" --key-file "$KEY" --name data > /dev/null
mkfs.ext4 -q /dev/mapper/data
mount /dev/mapper/data /mnt
status=0
output=$("$SALLYPORT" volume erase "$disk" --key-file "$KEY" --yes --folder "$TMPDIR/erasures" 2>&1) || status=$?
[[ $status -eq 1 && $output == *'is in use'* ]]
umount /mnt
volume close data
volume erase "$disk" --key-file "$KEY" --yes --folder "$TMPDIR/erasures" > "$TMPDIR/erased"
grep -q erased "$TMPDIR/erased"
opens_no_more "$KEY"
ok 'erased, but not in use'
