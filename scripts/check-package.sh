#!/usr/bin/env bash
# Installs the package of scripts/package.sh with apt in a bare Debian that debootstrap makes, and uses it there as a user
# would: a small run, an answer, the man page, a shell's completion; then removes it. Needs root, the network (Debian's
# mirror), 3 GB, and two minutes when the bare Debian is there from the last time.
#   scripts/check-package.sh [FOLDER]     default: build/bare-debian, kept for the next time
set -euo pipefail
tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=$(realpath -m "${1:-$tree/build/bare-debian}")
[ "$(id -u)" -eq 0 ] || { echo "check-package: needs root (debootstrap and chroot)" >&2; exit 2; }
if ! unshare --mount true 2>/dev/null; then
  echo "check-package: skipped: no mount namespaces here"
  exit 0
fi
# Mounts are in a namespace of our own, and go with it.
if [ "${DUALGEO_OWN_MOUNTS:-}" != "$$" ]; then
  exec unshare --mount --propagation private bash -c 'DUALGEO_OWN_MOUNTS=$$ exec "$@"' _ "$tree/scripts/check-package.sh" "$folder"
fi
package=$(ls "$tree"/build/packages/dualgeo_*.deb 2>/dev/null) || { echo "check-package: no package; scripts/package.sh makes it" >&2; exit 2; }
command -v debootstrap >/dev/null || {
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends debootstrap >&2
}
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1)
[ -n "$mirror" ] || { echo "check-package: apt has no Debian mirror (apt-get update?)" >&2; exit 2; }
release=$(. /etc/os-release && echo "$VERSION_CODENAME")  # the package is for the one that it was built on

if [ ! -e "$folder.made" ]; then
  if [ -e "$folder" ] && [ ! -e "$folder.begun" ]; then
    echo "check-package: $folder is there and not from here; name a folder that is not there" >&2
    exit 2
  fi
  rm -rf --one-file-system "$folder"  # one that was interrupted
  mkdir -p "$folder"
  touch "$folder.begun"
  debootstrap --variant=minbase "$release" "$folder" "$mirror" >"$folder.log" 2>&1 || {
    tail -n 3 "$folder.log" >&2
    [ "${CI:-}" = true ] || exit 1
    echo "check-package: skipped: debootstrap makes no bare Debian here (its last lines above)"
    exit 0
  }
  touch "$folder.made"
fi
# What the package does stays out of the bare Debian: an overlay, in memory, that goes with our namespace. (Nothing is
# removed while something is mounted in it; and its /dev is not this machine's.)
layers=$folder.overlay
mkdir -p "$layers"
mount -t tmpfs -o size=6g tmpfs "$layers"
mkdir "$layers"/{upper,work,root}
mount -t overlay overlay -o "lowerdir=$folder,upperdir=$layers/upper,workdir=$layers/work" "$layers/root"
root=$layers/root
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/dev"
for device in null:3 zero:5 full:7 random:8 urandom:9; do mknod -m 666 "$root/dev/${device%:*}" c 1 "${device#*:}"; done
ln -s /proc/self/fd "$root/dev/fd"
mkdir -m 1777 "$root/dev/shm"
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
mkdir -p "$root/test" "$folder.apt"
mkdir -p "$root/var/cache/apt/archives"
mount --bind "$folder.apt" "$root/var/cache/apt/archives"  # downloads, for the next time
cp "$package" "$root/test/dualgeo.deb"
cp "$tree/scripts/smallest-run.sh" "$root/test"
inside=(env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/test LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive)
for name in http_proxy https_proxy no_proxy; do
  if [ -n "${!name:-}" ]; then inside+=("$name=${!name}"); fi
done
in_root() { chroot "$root" "${inside[@]}" "$@"; }

in_root bash -c 'echo "Binary::apt::APT::Keep-Downloaded-Packages \"true\";" >/etc/apt/apt.conf.d/keep; rm -f /etc/apt/apt.conf.d/docker-clean
  apt-get update -qq && apt-get install -y -qq --no-install-recommends /test/dualgeo.deb >/test/log 2>&1 || { cat /test/log >&2; exit 1; }'
in_root dualgeo --version
in_root dualgeo doctor
in_root bash -c 'cd /test && mkdir work && bash smallest-run.sh /usr/bin/dualgeo /test/work'
in_root dualgeo config --config /usr/share/dualgeo/configs/dualgeo.yaml >/dev/null
gzip -cd "$root/usr/share/man/man1/dualgeo.1.gz" | grep "dualgeo gallery build" >/dev/null || { echo "check-package: no man page" >&2; exit 1; }
words=$(in_root bash -c '. /usr/share/bash-completion/completions/dualgeo; COMP_WORDS=(dualgeo gallery bu); COMP_CWORD=2; _dualgeo; echo "${COMPREPLY[*]}"')
[ "$words" = build ] || { echo "check-package: the completion of \"dualgeo gallery bu\" is \"$words\"" >&2; exit 1; }
in_root apt-get purge -y -qq dualgeo >/dev/null 2>&1
left=$(find "$root/usr" -path '*dualgeo*' ! -path "$root/test/*" | head -n 3)
[ -z "$left" ] || { echo "check-package: left behind: $left" >&2; exit 1; }
echo "check-package: passed ($(basename "$package"), Debian $release)"
