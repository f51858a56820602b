#!/usr/bin/env bash
# From JPEG bytes to the model's input beside Pillow (the distribution's python3-pil, which uses the same libjpeg), on one
# thread, in turn, in one run. CPU milliseconds a photo, medians of the rounds, as a Markdown table; "to pixels" is what
# Pillow gives, "to tensor" with numpy's normalisation behind it.
#   scripts/bench/photos.sh [--photos DIR] [--size N] [--side N] [--count N] [--rounds N] [--keep DIR]
#     --photos   a folder of JPEGs; default: made ones with the spectrum of photos, quality 90
#     --size     the model's input (default 224)
#     --side     longer side of the made photos (default 1024)
#     --count    how many are made (default 40)
#     --rounds   runs of each (default 5)
#     --keep     folder of the made photos; default: build/bench-photos
#   scripts/bench/photos.sh --index N [DIR]
#     a tar of N members (512 bytes each, in DIR, default build) opened for the first time and again
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
[[ " $* " == *" -h "* || " $* " == *" --help "* ]] && { sed -n '2,14p' "$0"; exit; }
if ! /usr/bin/python3 -c 'import numpy, PIL' 2>/dev/null; then
  if [ "$(id -u)" -eq 0 ]; then sudo=(); else sudo=(sudo); fi
  "${sudo[@]}" apt-get update -qq
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-numpy python3-pil >&2
fi
[ -x build/release/tools/photos_bench ] || scripts/build.sh release photos_bench >&2
if [ "${1:-}" = --index ]; then
  tar="${3:-build}/bench-index.tar"
  trap 'rm -f "$tar" "$tar.dualgeo-index"' EXIT
  build/release/tools/photos_bench make-tar "$tar" "$2"
  for _ in first again; do build/release/tools/photos_bench open-tar "$tar" "$2"; done
  ls -l "$tar.dualgeo-index" | awk '{ print "index: " $5 " bytes" }'
  exit
fi
exec /usr/bin/python3 scripts/bench/photos.py "$@"
