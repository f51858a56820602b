#!/usr/bin/env bash
# Micro-benchmarks of the loader, attention, re-ranking and tables (micro.cpp), each as a multiple of a piece of arithmetic that
# runs beside them, so that machines can be compared, beside the stored ones. Warns of what has become slower.
#   scripts/bench/micro.sh [--store]     --store: what is measured becomes scripts/bench/micro_baseline.json
set -euo pipefail
cd "$(dirname "$0")/../.."
if ! dpkg -s libbenchmark-dev >/dev/null 2>&1; then
  if [ "$(id -u)" -eq 0 ]; then sudo=(); else sudo=(sudo); fi
  "${sudo[@]}" apt-get update -qq
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libbenchmark-dev >&2
fi
[ -e build/release/build.ninja ] || scripts/build.sh release >&2
cmake build/release >/dev/null
ninja -C build/release micro_bench >&2
result=$(mktemp)
trap 'rm -f "$result"' EXIT
build/release/tools/micro_bench --benchmark_repetitions=5 --benchmark_report_aggregates_only=true --benchmark_format=json >"$result"
python3 - "$result" scripts/bench/micro_baseline.json "${1:-}" <<'END'
import json
import pathlib
import sys

result, baseline, store = json.load(open(sys.argv[1])), pathlib.Path(sys.argv[2]), sys.argv[3] == "--store"
median = {run["run_name"].split("/")[0]: run["cpu_time"] for run in result["benchmarks"] if run["aggregate_name"] == "median"}
ratios = {name: time / median["Calibration"] for name, time in median.items() if name != "Calibration"}
processor = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown")
if store:
    baseline.write_text(json.dumps({"processor": processor, "times": {k: round(v, 2) for k, v in ratios.items()}}, indent=1) + "\n")
known = json.loads(baseline.read_text())
print(f"{processor}; baseline: {known['processor']}\n\n| | CPU ms | times the arithmetic | baseline | ratio |\n| --- | ---: | ---: | ---: | ---: |")
slower = []
for name, ratio in ratios.items():
    before = known["times"].get(name)
    print(f"| {name} | {median[name]:.2f} | {ratio:.2f} | {before} | {ratio / before if before else float('nan'):.2f} |")
    if before and ratio > 1.3 * before:
        slower.append(name)
if slower:
    print(f"\nWARNING: slower than the baseline by more than 30 %: {', '.join(slower)}")
END
