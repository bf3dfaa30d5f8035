#!/bin/bash
# run.sh [-t SECONDS] [-m MEMORY] [-e NAME=VALUE]... SCRIPT [DISK...]
# Runs SCRIPT as root under a real Linux kernel with device-mapper (Debian's user-mode Linux), on this machine's own file
# system. DISK files become block devices; SCRIPT gets their names as its arguments, and our standard input,
# read to its end before. Exit status: SCRIPT's; 124 time limit; 125 the kernel ended early.
# /dev, /proc, /sys, /run and /mnt are the guest's own; everything else is the host's, writable. No network, no udev.
# Packages: user-mode-linux kmod perl-base dmsetup cryptsetup-bin.
set -euo pipefail

limit=60 memory=512M variables=()
while getopts t:m:e: option; do
    case $option in
        t) limit="$OPTARG" ;;
        m) memory="$OPTARG" ;;
        e) variables+=("$OPTARG") ;;
        *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
[[ $# -ge 1 ]] || { sed -n '2,7s/^# //p' "$0" >&2; exit 2; }
script=$(readlink -e -- "$1") || { echo "run.sh: no script $1" >&2; exit 2; }
shift

kernel=$(command -v linux.uml || command -v linux) ||
    { echo 'user-mode Linux is missing: apt-get install --no-install-recommends user-mode-linux' >&2; exit 2; }
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
work=$(readlink -e "$(mktemp -d)")
private=$(mktemp -d /dev/shm/uml.XXXXXX)
trap 'rm -rf "$work" "$private"' EXIT

# Where the guest's init finds what to load: paths of modules, in the order that their dependencies ask for.
list_modules() {
    local release
    release=$(basename "$(printf '%s\n' /usr/lib/uml/modules/* | sort -V | tail -1)")
    mkdir -p "$work/lib/modules"
    ln -s "/usr/lib/uml/modules/$release" "$work/lib/modules/$release"
    local module
    # The guest's kernel asks for ciphers that it lacks by running modprobe, which finds nothing: all are loaded before.
    for module in hmac sha256_generic cbc ecb xts essiv loop dm-mod dm-crypt dm-flakey dm-dust dm-multipath \
        dm-round-robin algif_skcipher algif_hash; do
        /sbin/modprobe -d "$work" -S "$release" --show-depends "$module" 2> "$work/echo" || true
    done | awk '$1 == "insmod" && !seen[$2]++ {print $2}'
}

write_command() {
    local variable
    for variable in "${variables[@]}"; do printf 'export %s=%q\n' "${variable%%=*}" "${variable#*=}"; done
    printf 'cd %q\nexec %q' "$PWD" "$script"
    printf ' %q' "$@"
    echo
}

disks=() devices=() letters=(a b c d e f g h)
for disk in "$@"; do
    disks+=("ubd${#disks[@]}=$(readlink -e -- "$disk")")
    devices+=("/dev/ubd${letters[${#devices[@]}]}")
done
list_modules > "$work/modules"
write_command "${devices[@]}" > "$work/command"
cp "$here/init.pl" "$work/init"
chmod 755 "$work/init"

# Standard input may be a secret: it waits on tmpfs, and init unlinks it before SCRIPT starts.
[[ -t 0 ]] || cat > "$private/input"

# The kernel's last word is not the script's.
set +o pipefail
timeout --kill-after=2 "$limit" "$kernel" umid=guest uml_dir="$work/" rootfstype=hostfs rw init="$work/init" mem="$memory" \
    "${disks[@]}" private="$private" con=null con0=null,fd:1 quiet loglevel=1 < /dev/null | sed -u '/^reboot: System halted$/d'
status=${PIPESTATUS[0]}
if [[ -s $work/status ]]; then exit "$(< "$work/status")"; fi
if [[ $status -eq 124 || $status -eq 137 ]]; then exit 124; fi
exit 125
