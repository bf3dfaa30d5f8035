#!/bin/bash
# Inside user-mode Linux: volumes are attached as a node does it, by the names and links of os-brick. $1 is an empty disk,
# $2 a plain volume with the key PLAIN_KEY, whose first 16 KiB have the SHA-256 PLAIN_SHA256.
set -euo pipefail
: "${SALLYPORT:=}" "${KEY:=}" "${OTHER_KEY:=}" "${PLAIN_KEY:=}" "${PLAIN_SHA256:=}"
disk=$1 plain=$2
# shellcheck source=tests/integration/uml/own_agent.sh
. "$(dirname "$0")/own_agent.sh"
ok() { printf 'ok %s\n' "$*"; }
volume() { "$SALLYPORT" volume "$@" --config "$TMPDIR/agent.yaml"; }
# The command must fail with 1 and say this.
refuses() {
    local words=$1 output status=0
    shift
    output=$("$@" 2>&1) || status=$?
    [[ $status -eq 1 && $output == *"$words"* ]] || { printf 'expected "%s", got %s: %s\n' "$words" "$status" "$output"; exit 1; }
}

id=$("$SALLYPORT" secret store --name disk-key --file "$KEY" -a aes -b 256 -s symmetric -f value -c 'Secret href' --config agent.yaml)
other=$("$SALLYPORT" secret store --name other --file "$OTHER_KEY" -a aes -b 256 -s symmetric -f value -c 'Secret href' --config agent.yaml)

name=ip-10.0.0.5:3260-iscsi-iqn.2010-10.org.openstack:volume-11111111-2222-4333-8444-555555555501-lun-1
link=/dev/disk/by-path/$name
mkdir -p /dev/disk/by-path
ln -s ../../"${disk#/dev/}" "$link"
before=$(readlink "$link")
is_as_before() {
    local records
    records=$(find attachments -name '*.json')
    [[ $(readlink "$link") == "$before" && ! -e /dev/mapper/crypt-$name && -z $records ]]
}

refuses 'was never formatted' volume open "$link" --key "$id" --link
[[ $(volume open "$link" --key "$id" --link --first-use -f value -c formatted) == True ]]
[[ $(readlink "$link") == "/dev/mapper/crypt-$name" ]]
mkfs.ext4 -q "$link"
mount "$link" /mnt
echo kept > /mnt/file
refuses 'mounted on /mnt' volume close "crypt-$name"
[[ $(readlink "$link") == "/dev/mapper/crypt-$name" ]]
ok 'first use: formatted, mapped and linked; a busy close says who'

kill -KILL "$agent"
wait "$agent" || true
start_agent
[[ $(volume status "crypt-$name" -f value -c link) == "$link" ]]
[[ $(volume open "$link" --key "$id" --link -f value -c adopted) == True ]]
refuses 'opens no key slot' volume open "$link" --key "$other" --link
umount /mnt
volume close "crypt-$name"
is_as_before
ok 'a restarted agent adopts what is mapped; close puts the link right'

refuses 'opens no key slot' volume open "$link" --key "$other" --link
is_as_before
for fault in fsync:when=3 symlink:when=1; do
    strace -f -qq -o /dev/null -e "trace=${fault%%:*}" -e "inject=${fault%%:*}:signal=SIGKILL:${fault#*:}" \
        "$SALLYPORT" volume open "$link" --key-file "$KEY" --link --config agent.yaml > /dev/null 2>&1 && exit 1
    [[ -e /dev/mapper/crypt-$name ]]
    if [[ $fault == fsync:* ]]; then
        kill -TERM "$agent"
        wait "$agent"
        start_agent
    else
        volume close "crypt-$name"
    fi
    is_as_before
done
ok 'an attach that was killed half-way is undone by the next agent, or by close'

volume open "$link" --key "$id" --link > /dev/null
"$SALLYPORT" volume close "crypt-$name" --config /nonexistent
refuses 'which is gone' volume open "$link" --name other --key "$id" --link
volume open "$link" --key "$id" --link > /dev/null
volume close "crypt-$name"
is_as_before
ok 'a link that somebody left dangling is put right by the next open'

sectors=$(blockdev --getsz "$disk")
echo "0 $sectors multipath 0 0 1 1 round-robin 0 1 1 $disk 1000" | dmsetup create mpatha -u mpath-360014050000000001
refuses 'is one path of the multipath device /dev/mapper/mpatha' volume open "$link" --key "$id" --link
mkdir -p /dev/disk/by-id
ln -s ../../mapper/mpatha /dev/disk/by-id/dm-uuid-mpath-360014050000000001
volume open /dev/disk/by-id/dm-uuid-mpath-360014050000000001 --key "$id" --link > /dev/null
[[ $(readlink /dev/disk/by-id/dm-uuid-mpath-360014050000000001) == /dev/mapper/crypt-dm-uuid-mpath-360014050000000001 ]]
volume close crypt-dm-uuid-mpath-360014050000000001
[[ $(readlink /dev/disk/by-id/dm-uuid-mpath-360014050000000001) == ../../mapper/mpatha ]]
"$SALLYPORT" volume open /dev/mapper/mpatha --key-file "$KEY" --name 360014050000000001 --config agent.yaml > /dev/null
[[ $(volume open /dev/disk/by-id/dm-uuid-mpath-360014050000000001 --multipath-id 360014050000000001 --key "$id" -f value -c name) == 360014050000000001 ]]
volume close 360014050000000001
dmsetup remove mpatha
ok 'multipath: the whole is mapped, never one path; a mapping called by the WWN is adopted'

echo "0 65536 linear $disk 0" | dmsetup create growing
volume open /dev/mapper/growing --key "$id" --name grows > /dev/null
size=$(blockdev --getsz /dev/mapper/grows)
echo "0 $sectors linear $disk 0" | dmsetup reload growing
dmsetup resume growing
volume resize grows --key "$id" > /dev/null
[[ $(blockdev --getsz /dev/mapper/grows) -eq $((size + sectors - 65536)) ]]
volume close grows
dmsetup remove growing
ok 'a mapping grows with its device'

volume open "$plain" --type plain --hash ripemd160 --cipher aes-xts-plain64 --key-size 256 --key-file "$PLAIN_KEY" --name plain --read-only > /dev/null
sum=$(head -c 16384 /dev/mapper/plain | sha256sum)
[[ ${sum%% *} == "$PLAIN_SHA256" ]]
[[ $(volume status plain -f value -c type) == PLAIN ]]
volume close plain
refuses 'is no plain volume' volume open "$disk" --type plain --hash sha256 --cipher aes-xts-plain64 --key-size 256 --key-file "$KEY" --name plain
ok 'a plain volume is mapped with the hash that was said'

dd if=/dev/urandom of="$disk" bs=4096 count=1 conv=notrunc status=none
dd if=/dev/urandom of="$disk" bs=4096 count=1 seek=4 conv=notrunc status=none
refuses "sallyport volume header restore $disk" volume open "$link" --key "$id" --link --first-use
is_as_before
ok 'a damaged header is reported and never formatted'

volume format "$disk" --key-file "$KEY" --header "$TMPDIR/header" --force > /dev/null
refuses 'was never formatted' volume open "$disk" --key-file "$KEY" --name apart --read-only
volume open "$disk" --key-file "$KEY" --name apart --header "$TMPDIR/header" > /dev/null
[[ $(blockdev --getsz /dev/mapper/apart) -eq $sectors ]]
echo 'the data of a volume whose header is apart' > /dev/mapper/apart
volume close apart
od -An -v -tx1 "$KEY" | tr -d ' \n' | cryptsetup open --readonly --key-file - --header "$TMPDIR/header" "$disk" stock
[[ $(head -n 1 /dev/mapper/stock) == 'the data of a volume whose header is apart' ]]
cryptsetup close stock
ok 'a volume with its header apart is read by stock cryptsetup too'
kill -TERM "$agent"
wait "$agent"
