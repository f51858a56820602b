#!/usr/bin/env bash
# Every table of docs/performance.md, made anew in one go: us, the peer beside us in the same run, and their ratio, under a line that
# says machine, versions and date.
#   scripts/bench/run.sh [--peer-python VENV/bin/python] [--photos CSV --images DIR] [--only NAME,...] [OUT_FOLDER]
# The peer's Python should have torch, transformers, pillow, numpy, pandas and faiss-cpu; what it lacks is skipped and said.
# --photos, --images: a table and JPEG photos for the benchmarks that train on photos (frozen). With runs/quickstart the page and 50,000
# photos are measured, too. Hours with all; safe to stop: tables that are in OUT_FOLDER (default runs/bench) are not made again.
# scripts/bench/geoclip.sh needs GeoCLIP's files and is run by itself.
set -uo pipefail
cd "$(dirname "$0")/../.."
peer= photos= images= only= out=runs/bench
while [ $# -gt 0 ]; do
  case $1 in
    --peer-python) peer=$2; shift 2 ;;
    --photos) photos=$2; shift 2 ;;
    --images) images=$2; shift 2 ;;
    --only) only=$2; shift 2 ;;
    -*) sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    *) out=$1; shift ;;
  esac
done
dualgeo=${DUALGEO:-build/release/tools/dualgeo}
. scripts/openblas.sh
with_peer=()
[ -z "$peer" ] || with_peer=(--peer-python "$peer")
mkdir -p "$out"
failed=()

# NAME COMMAND...: OUT_FOLDER/NAME.md
table() {
  local name=$1
  shift
  [ -z "$only" ] || [[ ",$only," == *",$name,"* ]] || return 0
  if [ -e "$out/$name.md" ]; then
    echo "$name: is there ($out/$name.md)" >&2
    return 0
  fi
  echo "$name: $*" >&2
  {
    echo "## $name"
    echo
    echo "$(date +%F), $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg)," \
      "$("$dualgeo" --version | head -n 1): \`$*\`"
    echo
    "$@" 2>"$out/$name.log"
  } >"$out/$name.partial" && mv "$out/$name.partial" "$out/$name.md" && cat "$out/$name.md" && return 0
  failed+=("$name")
  echo "$name: failed, see $out/$name.log" >&2
}

table micro scripts/bench/micro.sh
table rerank scripts/bench/rerank.sh 100000 "$(nproc)" "${with_peer[@]}"
table curves "${peer:-python3}" scripts/bench/curves.py --dualgeo "$dualgeo" --svg "$out/curves.svg"
table photos scripts/bench/photos.sh
table index scripts/bench/index.sh "${with_peer[@]}"
table index_million scripts/bench/index.sh --count 1000000 --only 'Flat;grouped' "${with_peer[@]}"
table chunks scripts/bench/chunks.sh
[ -z "$photos" ] || table frozen scripts/bench/frozen.sh --photos "$photos" --images "$images" "${with_peer[@]}"
table tar_index scripts/bench/tar_index.sh
if [ -e runs/quickstart/checkpoint/best ]; then
  table serve scripts/bench/serve.py --run runs/quickstart --images runs/world/images
  table many_photos scripts/bench/many_photos.sh
else
  echo "serve, many_photos: need runs/quickstart (dualgeo run --config configs/quickstart.yaml)" >&2
fi
table encoders scripts/bench/encoders.sh "${with_peer[@]}"
[ ${#failed[@]} -eq 0 ] || { echo "failed: ${failed[*]}" >&2; exit 1; }
