#!/bin/bash
# Inside user-mode Linux: a disk whose sectors fail, while it is formatted and opened. $1 is an empty disk.
set -euo pipefail
: "${SALLYPORT:=}" "${KEY:=}"
disk=$1
sectors=$(blockdev --getsz "$disk")
cd "$TMPDIR"
printf 'volumes: {attachments: %s/attachments}\n' "$TMPDIR" > agent.yaml
volume() { "$SALLYPORT" volume "$@" --config "$TMPDIR/agent.yaml"; }
table() {
    if dmsetup status bad > /dev/null 2>&1; then
        dmsetup reload bad
        dmsetup suspend --noflush bad
        dmsetup resume bad
    else
        dmsetup create bad
    fi
}
# Eight sectors from this one on cannot be read or written.
errors_at() {
    { [[ $1 -eq 0 ]] || echo "0 $1 linear $disk 0"
      echo "$1 8 error"
      [[ $(($1 + 8)) -eq $sectors ]] || echo "$(($1 + 8)) $((sectors - $1 - 8)) linear $disk $(($1 + 8))"; } | table
}
sound() { echo "0 $sectors linear $disk 0" | table; echo 1 > /proc/sys/vm/drop_caches; }
flaky() { echo "0 $sectors flakey $disk 0 0 3600 1 $1" | table; }
fails() {
    local words=$1 output status=0
    shift
    output=$("$@" 2>&1) || status=$?
    [[ $status -eq 1 && $output == *"$words"* ]] || { printf 'expected "%s", got %s: %s\n' "$words" "$status" "$output"; exit 1; }
}
content() { volume inspect /dev/mapper/bad -f value -c content; }
# Its ends are zeros again.
blank() {
    dd if=/dev/zero of="$disk" bs=1M count=20 conv=notrunc,fsync status=none
    echo 1 > /proc/sys/vm/drop_caches
}

for sector in 0 8 32 64 600 32000 $((sectors - 8)); do
    blank
    errors_at "$sector"
    fails 'cannot ' volume format /dev/mapper/bad --key-file "$KEY"
    sound
    [[ $(content) == blank || $(content) == interrupted_format ]]
    volume format /dev/mapper/bad --key-file "$KEY" > /dev/null
    volume test /dev/mapper/bad --key-file "$KEY" > /dev/null
done
echo 'ok a format that meets bad sectors fails, and can be repeated without force'

for way in error_writes drop_writes; do
    blank
    flaky "$way"
    fails '/dev/mapper/bad' volume format /dev/mapper/bad --key-file "$KEY"
    sound
    [[ $(content) == blank || $(content) == interrupted_format ]]
    volume format /dev/mapper/bad --key-file "$KEY" > /dev/null
done
echo 'ok so does one whose writes fail or get lost'

# The primary header's first sector, its JSON, and the key slot.
for sector in 0 8 64; do
    errors_at "$sector"
    echo 1 > /proc/sys/vm/drop_caches
    fails '/dev/mapper/bad' volume open /dev/mapper/bad --key-file "$KEY" --name data
    fails '/dev/mapper/bad' volume open /dev/mapper/bad --key-file "$KEY" --name data --first-use
    [[ ! -e /dev/mapper/data ]]
    sound
    volume open /dev/mapper/bad --key-file "$KEY" --name data > /dev/null
    volume close data
done
echo 'ok an open that meets bad sectors fails and maps nothing, formats nothing; the repaired disk opens'
