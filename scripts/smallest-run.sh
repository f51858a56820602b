#!/usr/bin/env bash
# The smallest run there is with a dualgeo that is installed somewhere: a world of a few photos, an untrained model, a
# gallery. What a photo of the gallery is asked for must come first.
#   scripts/smallest-run.sh DUALGEO FOLDER     makes FOLDER/world and FOLDER/run
set -euo pipefail
dualgeo=$1 work=$2
cat >"$work/config.yaml" <<YAML
run_dir: $work/run
run: {steps: [world, train, gallery]}
world: {out: $work/world, places: 4, views: 3, size: 96}
data: {train: {csv: $work/world/photos.csv, images: $work/world/images}, validation: {fraction: 0}}
train: {epochs: 0}
model:
  embed_dim: 32
  views: image
  image_encoder: {preset: vit-tiny, width: 32, layers: 1, heads: 2}
gallery: {features: [image]}
search: {top_k: 3}
rerank: {method: none}
YAML
run() { "$@" 2>"$work/log" || { cat "$work/log" >&2; exit 1; }; }
run "$dualgeo" run --config "$work/config.yaml"
id=$(sed -n 2p "$work/run/gallery/items.csv" | cut -d, -f2)
run "$dualgeo" locate "$work/world/images/$id" --run "$work/run" --json >"$work/answer"
first=$(sed -n 's/.*"gallery_id": "\(.*\)".*/\1/p' "$work/answer" | head -n 1)
[ "$first" = "$id" ] || { cat "$work/answer" >&2; echo "smallest-run: the photo itself is not the first answer" >&2; exit 1; }
