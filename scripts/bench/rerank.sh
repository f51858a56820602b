#!/usr/bin/env bash
# Lists re-ranked a second, by method: 100,000 made lists of 20 candidates, clustered as real ones are (a third of the
# candidates near one of three places, the others anywhere).
#   scripts/bench/rerank.sh [LISTS] [THREADS]
# To expect on two cores: more than 100,000 a second for every method (docs/reranking.md). Reading and writing the CSV
# file is timed apart: the line "whole command".
set -euo pipefail
cd "$(dirname "$0")/../.."
count=${1:-100000}
threads=${2:-2}
dualgeo=${DUALGEO:-build/release/tools/dualgeo}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
awk -v n="$count" 'BEGIN {
  srand(1); print "query_id,rank,gallery_id,lat,lon,score,author,set";
  for (q = 0; q < n; ++q) {
    for (c = 0; c < 3; ++c) { la[c] = rand() * 140 - 70; lo[c] = rand() * 360 - 180 }
    for (r = 1; r <= 20; ++r) {
      c = int(rand() * 3); s = exp(rand() * 7 - 6);
      if (rand() < 0.35) { lat = la[c] + s * (rand() - .5); lon = lo[c] + s * (rand() - .5) }
      else { lat = rand() * 140 - 70; lon = rand() * 360 - 180 }
      if (lon > 180) lon -= 360; if (lon < -180) lon += 360;
      printf "q%d,%d,%d,%.6f,%.6f,,,similar\n", q, r, int(rand() * 4e6), lat, lon
    }
  }
}' >"$folder/candidates.csv"
for method in none dbscan density multiscale bayes; do
  start=$(date +%s.%N)
  "$dualgeo" rerank --candidates "$folder/candidates.csv" --out "$folder/out.csv" --method $method --threads "$threads"
  echo "$method: whole command $(echo "$(date +%s.%N) - $start" | bc) s" >&2
done
