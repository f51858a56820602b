#!/usr/bin/env bash
# 50,000 synthetic photos through the whole pipeline (configs/many_photos.yaml: heads trained on frozen features, gallery, search,
# re-ranking, scores), in one process and in two: seconds of each step, CPU time and peak memory of all, and whether the answers are the same.
#   scripts/bench/many_photos.sh [--set KEY=VALUE]...     needs runs/quickstart; the world is made on the first run
set -euo pipefail
cd "$(dirname "$0")/../.."
dualgeo=${DUALGEO:-build/release/tools/dualgeo}
out=runs/many_photos
"$dualgeo" run --config configs/many_photos.yaml "$@" --set 'run.steps=[world]' --set run_dir="$out/world" >&2
run() {
  local name=$1
  shift
  /usr/bin/time -f "%e %M %U %S" -o "$out/$name.time" "$@" --config configs/many_photos.yaml "${settings[@]}" --set run_dir="$out/$name" \
    >"$out/$name.txt" 2>"$out/$name.log" || { tail -3 "$out/$name.log" >&2; exit 1; }
  awk -v name="$name" '{ printf "%s: %.0f s, %.0f CPU-s, peak of a process %.0f MB\n", name, $1, $3 + $4, $2 / 1024 }' "$out/$name.time"
  python3 - "$out/$name/steps" <<'END'
import json
import pathlib
import sys

for file in sorted(pathlib.Path(sys.argv[1]).glob("*.json"), key=lambda path: path.stat().st_mtime):
    seconds = json.loads(file.read_text()).get("seconds")
    if seconds is not None:
        print(f"    {file.stem}: {seconds:.1f} s")
END
}
settings=("$@")
run one "$dualgeo" run
run two scripts/launch-local.sh 2 "$dualgeo" run
python3 - "$out" <<'END'
import csv
import sys

def rows(name):
    with open(f"{sys.argv[1]}/{name}/query/predictions.csv") as file:
        return {row["IMG_ID"]: row for row in csv.DictReader(file)}

one, two = rows("one"), rows("two")
same = sum((one[i]["LAT"], one[i]["LON"]) == (two[i]["LAT"], two[i]["LON"]) for i in one)
print(f"{same} of {len(one)} answers are the same place; photos: {'the same' if one.keys() == two.keys() else 'OTHERS'}")
END
cat "$out/one.txt"
