#!/usr/bin/env bash
# Photos a second and peak memory of the encoders, beside the same models in Python (the distribution's PyTorch), in
# one run: from JPEG files to features or masks, random weights, float32 and bfloat16. Prints a Markdown table.
#   scripts/bench/encoders.sh [--quick] [--photos DIR] [--models a,b,...] [--rounds N] [--keep DIR]
#     --quick    a quarter of the photos, one round
#     --photos   a folder of JPEGs; default: the synthetic world's
#     --models   of vit-b-32,vit-l-14,segformer-b0,segformer-b5,dualgeo; default: all
#     --rounds   runs of each, alternating between the two (default 3); medians are printed
#     --keep     folder for weights and photos (2 GB), which a second run finds there; default: build/bench-encoders
# Python's packages are needed here only and are installed on the first run: python3-torch python3-pil.
# To expect (docs/performance.md): every ratio above 1. Both sides take all cores, so run nothing beside it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
missing=()
for package in python3-torch python3-pil; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" -eq 0 ]; then sudo=(); else sudo=(sudo); fi
  "${sudo[@]}" apt-get update -qq
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
fi
exec /usr/bin/python3 scripts/bench/encoders.py "$@"
