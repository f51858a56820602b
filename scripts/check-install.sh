#!/usr/bin/env bash
# Installs the built tree into a folder of its own, builds examples/ against it with find_package(dualgeo), and runs the
# example on a small synthetic world: what a photo of the gallery is asked for must come first.
#   scripts/check-install.sh [PRESET]     default: release, which scripts/build.sh has built
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=build/${1:-release}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$build" --prefix "$work/prefix" >"$work/log" || { cat "$work/log" >&2; exit 1; }
cmake -S examples -B "$work/examples" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$work/prefix" \
  >"$work/log" 2>&1 && ninja -C "$work/examples" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }

scripts/smallest-run.sh "$work/prefix/bin/dualgeo" "$work"
gzip -cd "$work/prefix/share/man/man1/dualgeo.1.gz" | grep "dualgeo gallery build" >/dev/null || { echo "check-install: no man page" >&2; exit 1; }
id=$(sed -n 2p "$work/run/gallery/items.csv" | cut -d, -f2)
"$work/examples/locate_photo" "$work/run" "$work/world/images/$id" >"$work/answer" 2>"$work/log" || { cat "$work/log" >&2; exit 1; }
cat "$work/answer"
grep -q " 1\..* $id\$" "$work/answer" || { echo "check-install: the photo itself is not the first answer" >&2; exit 1; }
echo "check-install: passed"
