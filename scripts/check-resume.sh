#!/usr/bin/env bash
# Kills a training 20 times (SIGKILL) at random moments, resumes it each time, and compares the weights, byte for byte,
# with those of a training that was left alone; and with a second one, for "the same seed gives the same bytes".
# usage: scripts/check-resume.sh [kills] [seed of the moments]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
kills=${1:-20}
RANDOM=${2:-1}
dualgeo=${DUALGEO:-build/release/tools/dualgeo}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$dualgeo" -q world --out "$work/world" --places 12 --views 6 --seed 5 >/dev/null
cat >"$work/tiny.yaml" <<YAML
extends: $PWD/configs/quickstart.yaml
data:
  train: {csv: $work/world/train.csv, images: $work/world/images, masks: $work/world/masks}
  validation: {fraction: 0.2}
  benchmarks: {}
model: {image_encoder: {weights: null}}
train: {epochs: 12, batch_size: 32, checkpoint_every_steps: 3}
YAML

train() { "$dualgeo" -q train --config "$work/tiny.yaml" --set "run_dir=$1" "${@:2}" >/dev/null; }
weights() { sha256sum "$1/checkpoint/last/model.safetensors" | cut -d' ' -f1; }

start=$(date +%s%N)
train "$work/whole"
seconds=$((($(date +%s%N) - start) / 1000000))
train "$work/again"
[ "$(weights "$work/whole")" = "$(weights "$work/again")" ] || { echo "FAILED: two equal runs differ" >&2; exit 1; }
echo "an uninterrupted run takes ${seconds} ms; run twice it gives the same bytes"

killed=0
tries=0
while [ "$killed" -lt "$kills" ] && [ "$tries" -lt $((kills * 10)) ]; do
  tries=$((tries + 1))
  # Not through the function: that would be killed in its subshell's stead.
  "$dualgeo" -q train --config "$work/tiny.yaml" --set "run_dir=$work/killed" --resume >/dev/null 2>&1 &
  pid=$!
  # Anywhere from the program's start to about a quarter of the run later.
  sleep "$(printf '%d.%03d' $((RANDOM % (seconds / 4 + 200) / 1000)) $((RANDOM % 1000)))"
  if kill -9 "$pid" 2>/dev/null; then killed=$((killed + 1)); fi
  if wait "$pid" 2>/dev/null; then
    # It finished before the kill: take it as a result too, and start over.
    [ "$(weights "$work/whole")" = "$(weights "$work/killed")" ] || { echo "FAILED: resumed weights differ" >&2; exit 1; }
    rm -rf "$work/killed"
  fi
done
train "$work/killed" --resume
if [ "$(weights "$work/whole")" != "$(weights "$work/killed")" ]; then
  echo "FAILED: weights differ after $killed kills" >&2
  exit 1
fi
echo "$killed kills, resumed each time: the same weights, bit for bit"
