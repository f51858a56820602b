#!/usr/bin/env bash
# The cell systems at laboratory size on the synthetic world, beside retrieval with the same image encoder: docs/systems.md's
# table. Some minutes on two cores; safe to run again.
#   scripts/reproduce/cells.sh [SEED...]      default: 0 1 2
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
dualgeo=${DUALGEO:-build/release/tools/dualgeo}
[ -e runs/world/world.json ] ||
  "$dualgeo" world --config configs/quickstart.yaml --out runs/world
cells=runs/systems/cells
mkdir -p $cells
build() { [ -e "$1" ] || "$dualgeo" cells build --coordinates runs/world/train.csv --out "$@"; }
build $cells/coarse.csv --type s2_adaptive --start-level 0 --min 0 --max 400
build $cells/middle.csv --type s2_adaptive --start-level 2 --min 0 --max 100
build $cells/fine.csv --type s2_adaptive --start-level 2 --min 0 --max 20
for set in 1 2 3; do
  build $cells/set_$set.csv --type merged_regions --base-level 14 --classes 100 --seed $set
done
seeds=(${@:-0 1 2})
systems=(planet isn_base cplanet image_gps)
groups=()
for system in "${systems[@]}"; do
  files=
  for seed in "${seeds[@]}"; do
    run=runs/systems/$system-$seed
    "$dualgeo" run --config configs/systems/lab/$system.yaml --set seed="$seed" --set run_dir="$run" >/dev/null
    files+=${files:+,}$run/query/predictions.csv
  done
  groups+=(--group "$system=$files")
done
"$dualgeo" compare --truth runs/world/query.csv "${groups[@]}" --against image_gps
