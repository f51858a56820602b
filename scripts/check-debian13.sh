#!/usr/bin/env bash
# Builds this tree and runs all its tests under Debian 13 (GCC 14, LibTorch 2.6, FAISS 1.11, OpenCV 4.10), in a folder
# that debootstrap makes and chroot enters. Needs root, about 12 GB and, the first time, an hour; a second run compiles
# what changed.
#   scripts/check-debian13.sh [FOLDER] [COMMAND...]     default: build/debian13, scripts/test.sh
# COMMAND runs in the tree, for example: scripts/check-debian13.sh build/debian13 scripts/test.sh --fast
# DUALGEO_SHARED, if set, is a folder of real data for the tests that want it.
set -euo pipefail
tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=$(realpath -m "${1:-$tree/build/debian13}")
if [ $# -gt 0 ]; then shift; fi
if [ $# -eq 0 ]; then set -- scripts/test.sh; fi
[ "$(id -u)" -eq 0 ] || { echo "check-debian13: needs root (debootstrap and chroot)" >&2; exit 2; }

# Everything is mounted in a namespace of our own: the mounts go when this script ends, however it ends.
if [ "${DUALGEO_OWN_MOUNTS:-}" != "$$" ]; then
  exec unshare --mount --propagation private bash -c 'DUALGEO_OWN_MOUNTS=$$ exec "$@"' _ "$tree/scripts/check-debian13.sh" "$folder" "$@"
fi

command -v debootstrap >/dev/null || {
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends debootstrap >&2
}
# The mirror that this machine's own apt takes Debian from.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1)
[ -n "$mirror" ] || { echo "check-debian13: apt has no Debian mirror (apt-get update?)" >&2; exit 2; }

if [ ! -e "$folder/debian13-made" ]; then
  if [ -e "$folder/debian13-begun" ]; then rm -rf "$folder"; fi  # an interrupted run's
  if [ -n "$(ls -A "$folder" 2>/dev/null)" ]; then
    echo "check-debian13: $folder is not empty, and not made by this script" >&2
    exit 2
  fi
  mkdir -p "$folder"
  touch "$folder/debian13-begun"
  debootstrap --variant=minbase trixie "$folder" "$mirror" >&2
  touch "$folder/debian13-made"
fi

# The tree, with a build folder of its own over the tree's.
mkdir -p "$tree/build" "$folder"/{src/dualgeo,src/shared,src/build,src/ccache}
mount --bind "$tree" "$folder/src/dualgeo"
mount --bind "$folder/src/build" "$folder/src/dualgeo/build"
if [ -n "${DUALGEO_SHARED:-}" ]; then mount --bind -o ro "$DUALGEO_SHARED" "$folder/src/shared"; fi
mount -t proc proc "$folder/proc"
mount --rbind /dev "$folder/dev"
mount -t tmpfs tmpfs "$folder/tmp"
cp -L /etc/resolv.conf "$folder/etc/resolv.conf"  # apt's mirror is found by name

inside=(env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM="${TERM:-dumb}" CCACHE_DIR=/src/ccache)
for name in http_proxy https_proxy no_proxy; do
  if [ -n "${!name:-}" ]; then inside+=("$name=${!name}"); fi
done
chroot "$folder" "${inside[@]}" bash -c 'cd /src/dualgeo && scripts/install-deps.sh'
chroot "$folder" "${inside[@]}" bash -c 'cd /src/dualgeo && dpkg-query -W g++ libtorch-dev libfaiss-dev libopencv-dev && exec "$@"' _ "$@"
echo "check-debian13: passed: $*"
