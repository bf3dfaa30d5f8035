#!/bin/bash
# fresh.sh [COMMAND...]: runs the two README commands (or COMMANDs) on a clone of the last commit in a fresh Debian 12
# tree made by debootstrap, and says how long each took. Needs root, debootstrap, git and Debian's mirror; not part of
# `./dev test`. The bare tree is kept in $SALLYPORT_FRESH (default ~/.cache/sallyport-fresh) for the next run. With
# SALLYPORT_CCACHE=FOLDER what was compiled before is taken from there: quicker, but the times say nothing then.
set -euo pipefail
source_tree="$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../../.."
cache="${SALLYPORT_FRESH:-$HOME/.cache/sallyport-fresh}"
# Debian's mirrors: those of this machine, unless named.
mirror_ending() { grep -rhoE "https?://[^ ]+/$1/?" /etc/apt/sources.list /etc/apt/sources.list.d/ 2> /dev/null | grep -v snapshot | head -1 || return 0; }
mirror="${SALLYPORT_MIRROR:-$(mirror_ending debian)}"
security="${SALLYPORT_SECURITY_MIRROR:-$(mirror_ending debian-security)}"
[[ -n $mirror && -n $security ]] || { echo "fresh.sh: set SALLYPORT_MIRROR and SALLYPORT_SECURITY_MIRROR" >&2; exit 2; }

make_base() {
    [[ ! -e $cache/base.done ]] || return 0
    mkdir -p "$cache"
    rm -rf "$cache/base"
    debootstrap --variant=minbase bookworm "$cache/base" "$mirror" > "$cache/debootstrap.log"
    cat > "$cache/base/etc/apt/sources.list" <<LIST
deb $mirror bookworm main
deb $mirror bookworm-updates main
deb $security bookworm-security main
LIST
    touch "$cache/base.done"
}

# Mounts and processes live in namespaces of their own: when the shell in there ends, so does everything it started.
run_inside() {
    # shellcheck disable=SC2016
    unshare --mount --pid --fork --kill-child=KILL bash -euc '
        tree="$1" command="$2" ccache="$3"
        mount --make-rprivate /
        mount -t proc proc "$tree/proc"
        mount -t sysfs -o ro sysfs "$tree/sys"
        mount --rbind /dev "$tree/dev"
        mount -t tmpfs tmpfs "$tree/dev/shm"
        mount -t tmpfs tmpfs "$tree/tmp"
        if [[ -n $ccache ]]; then
            mkdir -p "$tree/var/cache/ccache"
            mount --bind "$ccache" "$tree/var/cache/ccache"
            shared=(CCACHE_DIR=/var/cache/ccache CCACHE_BASEDIR=/root/sallyport CCACHE_NOHASHDIR=1)
        else
            shared=()
        fi
        exec chroot "$tree" env -i "${shared[@]}" PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM=dumb \
            bash -c "cd /root/sallyport && $command" < /dev/null
    ' fresh "$@" "${SALLYPORT_CCACHE:-}" &
    inside=$!
    wait "$inside"
}

# shellcheck disable=SC2317  # the trap calls it
clean_up() {
    [[ -z $inside ]] || kill -KILL "$inside" 2> /dev/null || true
    rm -rf --one-file-system "$tree"
}

make_base
tree=$(mktemp -d "$cache/run.XXXXXX")
inside=""
trap clean_up EXIT
trap 'echo "fresh: stopped by a signal" >&2; exit 130' INT TERM HUP
cp -a "$cache/base/." "$tree"
cp -L /etc/resolv.conf "$tree/etc/resolv.conf"
git clone --quiet --no-hardlinks "$source_tree" "$tree/root/sallyport"
printf 'fresh: Debian %s, commit %s\n' "$(< "$tree/etc/debian_version")" "$(git -C "$source_tree" rev-parse --short HEAD)"

[[ $# -gt 0 ]] || set -- './dev demo' './dev test'
status=0
for command in "$@"; do
    printf 'fresh: %s\n' "$command"
    started=$SECONDS
    run_inside "$tree" "$command" || status=$?
    printf 'fresh: %s: exit %d after %d s\n' "$command" "$status" $((SECONDS - started))
    [[ $status -eq 0 ]] || break
done
exit "$status"
