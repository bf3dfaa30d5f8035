#!/bin/bash
# Inside user-mode Linux: sectors anywhere in the header fail while a volume is formatted and its key is rotated: they cannot be
# read or written (dm-error), take no writes or lose them (dm-flakey), or cannot be read until they are written (dm-dust, where
# the kernel has it). After the repair a volume opens with one of its two keys, and the same command finishes. $1 is an empty disk
# of 20 MiB; $SEED says which sectors, $TURNS how often.
set -euo pipefail
: "${SALLYPORT:=}" "${KEY:=}" "${OTHER_KEY:=}" "${SEED:=1}" "${TURNS:=12}"
disk=$1
RANDOM=$SEED
sectors=$(blockdev --getsz "$disk")
opens() { "$SALLYPORT" volume test /dev/mapper/bad --key-file "$1" > /dev/null 2>&1; }
fail() { echo "seed $SEED, turn $turn, $fault at sector $sector, $version: $*"; exit 1; }
load() {
    if [[ -e /dev/mapper/bad ]]; then
        dmsetup reload bad
        dmsetup suspend --noflush bad
        dmsetup resume bad
    else
        dmsetup create bad
    fi
}
sound() {
    echo "0 $sectors linear $disk 0" | load
    echo 1 > /proc/sys/vm/drop_caches
}
# Eight sectors from $sector on, of a kind of target.
some() {
    { [[ $sector -eq 0 ]] || echo "0 $sector linear $disk 0"
      echo "$sector 8 $1"
      echo "$((sector + 8)) $((sectors - sector - 8)) linear $disk $((sector + 8))"; } | load
    echo 1 > /proc/sys/vm/drop_caches
}
break_it() {
    case $fault in
        error) some error ;;
        error_writes | drop_writes) some "flakey $disk $sector 0 3600 1 $fault" ;;
        dust)
            echo "0 $sectors dust $disk 0 512" | load
            local bad
            for ((bad = sector; bad < sector + 8; bad++)); do dmsetup message bad 0 addbadblock "$bad"; done
            dmsetup message bad 0 enable > /dev/null
            echo 1 > /proc/sys/vm/drop_caches ;;
    esac
}
faults=(error error_writes drop_writes)
if dmsetup targets | grep -q '^dust'; then faults+=(dust); fi

hit=0
for ((turn = 0; turn < TURNS; turn++)); do
    if ((turn % 2 == 0)); then version=luks1; else version=luks2; fi
    fault=${faults[turn / 2 % ${#faults[@]}]}
    # Where the header's copies and the first two key slots lie.
    sector=$((RANDOM % 136 * 8))
    sound
    if ((turn % 3 == 2)); then
        dd if=/dev/zero of="$disk" bs=1M count=20 conv=notrunc,fsync status=none
        break_it
        "$SALLYPORT" volume format /dev/mapper/bad --key-file "$KEY" --luks "$version" > /dev/null 2>&1 || hit=$((hit + 1))
        sound
        opens "$KEY" || "$SALLYPORT" volume format /dev/mapper/bad --key-file "$KEY" --luks "$version" > /dev/null ||
            fail 'cannot be formatted again without force'
        opens "$KEY" || fail 'what was formatted does not open'
        continue
    fi
    "$SALLYPORT" volume format /dev/mapper/bad --key-file "$KEY" --luks "$version" --force > /dev/null
    break_it
    rotate=("$SALLYPORT" volume rotate /dev/mapper/bad --key-file "$KEY" --new-key-file "$OTHER_KEY")
    "${rotate[@]}" > /dev/null 2>&1 || hit=$((hit + 1))
    sound
    opens "$KEY" || opens "$OTHER_KEY" || fail 'no key opens it'
    "${rotate[@]}" > /dev/null || fail 'the rotation is not finished'
    opens "$OTHER_KEY" || fail 'the new key does not open it'
    if opens "$KEY"; then fail 'the old key opens it'; fi
done
dmsetup remove bad
echo "ok $TURNS faults of ${faults[*]} (seed $SEED), $hit of them met"
