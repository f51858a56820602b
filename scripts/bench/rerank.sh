#!/usr/bin/env bash
# Lists re-ranked a second, by method: 100,000 made lists of 20 candidates, clustered as real ones are (a third of the
# candidates near one of three places, the others anywhere).
#   scripts/bench/rerank.sh [LISTS] [THREADS] [--peer-python VENV/bin/python]
# Prints a Markdown table (docs/performance.md): the whole command, reading and writing the CSV file included; the peer, pandas in
# the given Python, reads the same file and writes it with the columns that re-ranking adds, without re-ranking.
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
echo "| $count lists of 20, $threads threads | whole command s | of it re-ranking s | CPU s |"
echo "| --- | ---: | ---: | ---: |"
for method in none dbscan density multiscale bayes; do
  /usr/bin/time -f "%e %U %S" -o "$folder/time" "$dualgeo" rerank --candidates "$folder/candidates.csv" --out "$folder/out.csv" \
    --method "$method" --threads "$threads" 2>"$folder/log" || { cat "$folder/log" >&2; exit 1; }
  read -r whole user system <"$folder/time"
  alone=$(sed -n 's/.* in \([0-9.]*\) s (.*/\1/p' "$folder/log")
  echo "| $method | $whole | $alone | $(echo "$user + $system" | bc) |"
done
if [ -z "$peer" ] || ! "$peer" -c 'import pandas' 2>/dev/null; then
  echo "pandas: skipped, no Python with it (--peer-python)" >&2
  exit 0
fi
"$peer" - "$folder/candidates.csv" "$folder/peer.csv" <<'EOF'
import sys, time
import pandas
start = time.time(), time.process_time()
table = pandas.read_csv(sys.argv[1])
table["cluster"], table["rerank_score"], table["retrieval_rank"] = "", table["lat"] / 3, table["rank"]
for column in ["point_lat", "point_lon", "confidence_km", "p_1km", "p_25km", "p_200km", "p_750km", "p_2500km"]:
    table[column] = (table["lon"] / 3).where(table["rank"] == 1)
table.to_csv(sys.argv[2], index=False)
print(f"| pandas {pandas.__version__} | {time.time() - start[0]:.2f} | 0 | {time.process_time() - start[1]:.2f} |")
EOF
