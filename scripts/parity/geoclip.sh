#!/usr/bin/env bash
# GeoCLIP's answers, from photo files to places, by given weights: a gallery of the given coordinates is built and the
# photos are looked up in it (configs/systems/geoclip.yaml).
#   scripts/parity/geoclip.sh --clip F --weights DIR --gallery CSV --photos CSV --images DIR --out candidates.csv
#     [--top-k 20] [--heads N] [--activation quick_gelu|gelu] [--work DIR] [--set KEY=VALUE]...
# --clip     CLIP's image tower with its projection, of any size: any file or folder that `dualgeo weights inspect` knows. Its
#            sizes are read from it (geoclip_sizes.py says how heads are found). May be left out where it is in the weights or in
#            the one folder below them.
# --weights  folder with image_encoder_mlp_weights.pth, location_encoder_weights.pth and logit_scale_weights.pth, or a release
#            folder of the package geoclip 1.3 (config.json, model.safetensors).
# --gallery  places, columns LAT and LON.   --photos  table with IMG_ID, the photos' names below --images.
# --work     where the gallery is kept (WORK/gallery) and taken from when it is there; default: a folder that goes away.
# A score in candidates.csv is the place's probability over the whole gallery; gallery_id is its row there, from 0.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
dualgeo=${DUALGEO:-$root/build/release/tools/dualgeo}
usage() { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }
weights= gallery= photos= images= out= work= top_k=20
sizes=()
given=()
while [ $# -gt 0 ]; do
  [ $# -ge 2 ] || usage
  case $1 in
    --clip | --heads | --activation) sizes+=("$1" "$2") ;;
    --weights) weights=$2 ;;
    --gallery) gallery=$2 ;;
    --photos) photos=$2 ;;
    --images) images=$2 ;;
    --out) out=$2 ;;
    --top-k) top_k=$2 ;;
    --work) work=$2 ;;
    --set) given+=(--set "$2") ;;
    *) usage ;;
  esac
  shift 2
done
for needed in "$weights" "$gallery" "$photos" "$images" "$out"; do [ -n "$needed" ] || usage; done
[ -x "$dualgeo" ] || { echo "geoclip: $dualgeo: no such program (scripts/build.sh, or \$DUALGEO)" >&2; exit 2; }
if [ -z "$work" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
fi
settings=$(python3 "$root/scripts/parity/geoclip_sizes.py" --dualgeo "$dualgeo" --weights "$weights" "${sizes[@]}")
common=(--config "$root/configs/systems/geoclip.yaml" --checkpoint none)
while IFS= read -r setting; do common+=(--set "$setting"); done <<<"$settings"
common+=("${given[@]}")
mkdir -p "$work"
[ -d "$work/gallery" ] ||
  "$dualgeo" gallery build "${common[@]}" --coordinates "$gallery" --out "$work/gallery"
"$dualgeo" search "${common[@]}" --set "search.top_k=$top_k" --set search.exclude_same_id=false \
  --gallery "$work/gallery" --photos "$photos" --images "$images" --out "$out"
