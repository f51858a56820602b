#!/usr/bin/env bash
# Img2Loc's and G3's ways at laboratory size on the synthetic world, with a rule in the place of the language model
# (stand_in_server.py), beside retrieval alone: docs/lmm.md. Asks, then replays from the cache alone and compares. Some minutes
# on two cores; safe to run again.
#   scripts/reproduce/lmm.sh [SEED...]      default: 0 1 2
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
dualgeo=${DUALGEO:-build/release/tools/dualgeo}
[ -e runs/world/world.json ] ||
  "$dualgeo" world --config configs/quickstart.yaml --out runs/world
seeds=(${@:-0 1 2})
scripts/reproduce/stand_in_server.py --port 8089 >/dev/null &
server=$!
trap 'kill $server 2>/dev/null || true' EXIT
run() { # SYSTEM SEED FOLDER [OPTION...]
  "$dualgeo" run --config "configs/systems/lab/$1.yaml" --set seed="$2" --set run_dir="$3" "${@:4}" >/dev/null
}
groups=()
for system in img2loc g3 image_gps; do
  name=$system-stand-in
  [ $system != image_gps ] || name=image_gps
  files=
  for seed in "${seeds[@]}"; do
    folder=runs/systems/$name-$seed
    run $system "$seed" "$folder"
    files+=${files:+,}$folder/query/predictions.csv
  done
  groups+=(--group "$name=$files")
done
kill $server
for system in img2loc g3; do
  for seed in "${seeds[@]}"; do
    folder=runs/systems/$system-stand-in-$seed
    cp "$folder/query/predictions.csv" "$folder/query/predictions.asked.csv"
    rm "$folder/query/predictions.csv"
    run $system "$seed" "$folder" --set predict.lmm.offline=true
    cmp "$folder/query/predictions.asked.csv" "$folder/query/predictions.csv"
  done
done
"$dualgeo" compare --truth runs/world/query.csv "${groups[@]}" --against image_gps
