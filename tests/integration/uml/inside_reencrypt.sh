#!/bin/bash
# Inside user-mode Linux: a volume is re-encrypted while a file system on it is in use, and killed; then the power goes. $1 is
# the disk, of 48 MiB: empty at first, and what the runs before this have left afterwards. $STATE is a folder outside, in which
# the runs find what they expect; $POINT is the call of fsync at which this one is killed, or "none".
set -euo pipefail
: "${SALLYPORT:=}" "${KEY:=}" "${STATE:=}" "${POINT:=none}"
disk=$1
ok() { printf 'ok %s\n' "$*"; }
# A hang is a failure of its own.
volume() { timeout -s KILL 60 "$SALLYPORT" volume "$@" --quiet --key-file "$KEY" > "$TMPDIR/answer"; }
fail() { echo "$*"; cat "$TMPDIR/answer"; cryptsetup luksDump "$disk" | head -40; exit 1; }
power_cut() { perl -e 'syscall(169, 0xfee1dead, 672274793, 0x4321fedc, 0); sleep 9'; }
digests() { cryptsetup luksDump "$disk" | sed -n '/^Digests/,$p' | sha256sum; }
use() { volume open "$disk" --name data && mount /dev/mapper/data /mnt; }
put_away() { umount /mnt && "$SALLYPORT" volume close data > /dev/null; }
check() {
    # Not what the page cache remembers.
    sync
    echo 3 > /proc/sys/vm/drop_caches
    [[ $(sha256sum < /mnt/file) == "$(< "$STATE/sum")" ]] || fail "the data changed: $*"
    [[ $(grep -c . /mnt/log) -eq $(grep -c . "$STATE/log") ]] || fail "what was written is gone: $*"
}
write() {
    echo "$1" >> /mnt/log
    echo "$1" >> "$STATE/log"
    sync
}

if [[ ! -e $STATE/sum ]]; then
    volume format "$disk"
    volume open "$disk" --name data
    mkfs.ext4 -q /dev/mapper/data
    mount /dev/mapper/data /mnt
    head -c 8388608 /dev/urandom > /mnt/file
    sha256sum < /mnt/file > "$STATE/sum"
    write 'first'
    before=$(digests)
    if volume reencrypt "$disk" 2> "$TMPDIR/words"; then fail 'a volume in use was not refused'; fi
    grep -q -- '--in-use' "$TMPDIR/words"
    strace -f -qq -o "$TMPDIR/calls" -e trace=fsync \
        "$SALLYPORT" volume reencrypt "$disk" --key-file "$KEY" --zone 4 --in-use --quiet > "$TMPDIR/answer"
    grep -q '"mapping": "data"' "$TMPDIR/answer"
    [[ $(digests) != "$before" ]] || fail 'the volume key is the old one'
    check 'undisturbed'
    grep -c 'fsync(' "$TMPDIR/calls" > "$STATE/calls"
    put_away
    use
    check 'opened anew'
    ok "re-encrypted in use, with $(< "$STATE/calls") flushes"
else
    # After the power cut: it opens as it is, and the same command goes on.
    use || fail 'does not open'
    check 'after the power cut'
    put_away
    volume reencrypt "$disk" --zone 4 || fail 'does not go on'
    grep -q '"finished": true' "$TMPDIR/answer" || fail 'is not finished'
    use || fail 'does not open after it was finished'
    check 'finished'
    put_away
    e2fsck -fn "$(volume open "$disk" --name data && echo /dev/mapper/data)" > /dev/null || fail 'the file system is damaged'
    mount /dev/mapper/data /mnt
    ok 'nothing is lost'
fi

if [[ $POINT == none ]]; then
    put_away
    exit 0
fi
write "before a kill at $POINT"
status=0
strace -f -qq -o /dev/null -e trace=fsync -e "inject=fsync:signal=SIGKILL:when=$POINT" \
    "$SALLYPORT" volume reencrypt "$disk" --key-file "$KEY" --zone 4 --in-use > /dev/null 2>&1 || status=$?
[[ $status -eq 137 ]] && echo "$POINT" >> "$STATE/kills"
# Nothing is flushed any more: what was killed may have left the mapping suspended.
power_cut
