#!/usr/bin/env bash
# What similarity scores and the match with the candidates' coordinates add to ranks, on folds of other photographers.
#   scripts/reproduce/rerank_evidence.sh CANDIDATES.csv TRUTH.csv      (candidates with the columns score and gps_score)
# For example after scripts/quickstart.sh: runs/quickstart/query/candidates.csv runs/world/query.csv
set -euo pipefail
candidates=$1
truth=$2
dualgeo=${DUALGEO:-"$(dirname "$0")/../../build/release/tools/dualgeo"}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
echo "| evidence | < 1 km % | < 25 km % | < 200 km % | < 750 km % | < 2500 km % | Brier, 1 km | < 1 km % of the surest half |"
echo "|---|---|---|---|---|---|---|---|"
for evidence in "" score gps_score score,gps_score; do
  "$dualgeo" rerank fit --candidates "$candidates" --truth "$truth" --out "$folder/p.yaml" --evidence "$evidence" \
    >"$folder/report.md" 2>"$folder/log" || { cat "$folder/log" >&2; exit 1; }
  awk -F'|' -v name="ranks and places${evidence:+, }$evidence" '
    /answer point, fitted on the other folds/ { for (i = 5; i <= 9; ++i) { sub(/ p=.*/, "", $i); gsub(/^ +| +$/, "", $i); accuracy = accuracy " " $i " |" } }
    /^\| 1 km \| [0-9.]+ \| [0-9.]+ \| [0-9.]+ \|/ { brier = $5 }
    /^\| surest \|/ { surest = 1 }
    /^\| 50 % \|/ && surest { half = $5; surest = 0 }
    END { print "| " name " |" accuracy brier "|" half "|" }' "$folder/report.md"
done
