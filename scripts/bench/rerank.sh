#!/usr/bin/env bash
# Lists re-ranked a second, by method: 100,000 made lists of 20 candidates, clustered as real ones are (a third of the
# candidates near one of three places, the others anywhere).
#   scripts/bench/rerank.sh [LISTS] [THREADS] [--peer-python VENV/bin/python]
# To expect on two cores: more than 100,000 a second for every method (docs/reranking.md). The line "whole command" is with
# reading and writing the CSV file; the peer, pandas in the given Python, reads the same file and writes it with the columns
# that re-ranking adds, without re-ranking.
set -euo pipefail
cd "$(dirname "$0")/../.."
peer=
arguments=()
while [ $# -gt 0 ]; do
  case $1 in
    --peer-python) peer=${2:?--peer-python needs a Python with pandas}; shift 2 ;;
    *) arguments+=("$1"); shift ;;
  esac
done
count=${arguments[0]:-100000}
threads=${arguments[1]:-2}
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
if [ -z "$peer" ] || ! "$peer" -c 'import pandas' 2>/dev/null; then
  echo "pandas: skipped, no Python with it (--peer-python)" >&2
  exit 0
fi
"$peer" - "$folder/candidates.csv" "$folder/peer.csv" <<'EOF'
import sys, time
start = time.time()
import pandas
began = time.time()
table = pandas.read_csv(sys.argv[1])
read = time.time()
table["cluster"], table["rerank_score"], table["retrieval_rank"] = "", table["lat"] / 3, table["rank"]
for column in ["point_lat", "point_lon", "confidence_km", "p_1km", "p_25km", "p_200km", "p_750km", "p_2500km"]:
    table[column] = (table["lon"] / 3).where(table["rank"] == 1)
added = time.time()
table.to_csv(sys.argv[2], index=False)
end = time.time()
print(f"pandas {pandas.__version__}: import {began - start:.2f} s, read {read - began:.2f} s, "
      f"write {end - added:.2f} s, whole {end - start:.2f} s", file=sys.stderr)
EOF
