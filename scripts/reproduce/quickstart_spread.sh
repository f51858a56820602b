#!/usr/bin/env bash
# How far the quickstart's numbers move with the processor's instructions, the LibTorch and the seed: the table of
# docs/findings.md, "What moves the numbers".
#   scripts/reproduce/quickstart_spread.sh [OUT [RUN...]]      # default: runs/spread, all; safe to interrupt and run again
# Needs a built dualgeo ($DUALGEO, default: build/release/tools/dualgeo); the one built against a PyTorch's LibTorch
# (scripts/build.sh --torch ..., build/release-pytorch/tools/dualgeo) takes part where it is there. One run a core.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
out=${1:-runs/spread}
wanted=" ${*:2} "
export DUALGEO=${DUALGEO:-build/release/tools/dualgeo} out
mkdir -p "$out"
jobs=$(nproc)  # which minds OMP_NUM_THREADS
# One world for all, as configs/quickstart.yaml has it, and one thread a run.
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
"$DUALGEO" world --places 60 --views 30 --out runs/world >&2

# one NAME BINARY SEED [VARIABLE=VALUE...]
one() {
  local name=$1 binary=$2 seed=$3
  shift 3
  env "$@" "$binary" run --config configs/quickstart.yaml --set "run_dir=$out/$name" --set "seed=$seed" --set threads=1 \
    --set 'run.steps=[train_segmenter, segment, train, gallery, fit_rerank, search, rerank, predict, evaluate]' \
    >"$out/$name.log" 2>&1 || { echo "$name failed: $out/$name.log" >&2; exit 1; }
}
export -f one
avx2="DUALGEO_CPU=avx2 ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 OPENBLAS_CORETYPE=Haswell MKL_ENABLE_INSTRUCTIONS=AVX2"
plain="DUALGEO_CPU=plain ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=SSE41 OPENBLAS_CORETYPE=Nehalem MKL_ENABLE_INSTRUCTIONS=SSE4_2"
pytorch=build/release-pytorch/tools/dualgeo
{
  echo "one as_it_is $DUALGEO 0"
  echo "one avx2 $DUALGEO 0 $avx2"
  echo "one plain $DUALGEO 0 $plain"
  echo "one seed_1 $DUALGEO 1"
  echo "one seed_2 $DUALGEO 2"
  if [ -x "$pytorch" ]; then
    echo "one pytorch $pytorch 0"
    echo "one pytorch_avx2 $pytorch 0 $avx2"
  fi
} | while read -r line; do
  set -- $line
  if [ "$wanted" = "  " ] || [[ $wanted == *" $2 "* ]]; then echo "$line"; fi
done | xargs -d '\n' -n 1 -P "$jobs" bash -c

python3 - "$out" <<'PYTHON'
import json, pathlib, sys
print("| run | 1 km | 25 km | 200 km | 750 km | 2500 km |\n| --- | ---: | ---: | ---: | ---: | ---: |")
for log in sorted(pathlib.Path(sys.argv[1]).glob("*.log"), key=lambda path: path.stat().st_ctime):
    metrics = json.load(open(log.with_suffix("") / "query" / "metrics.json"))
    print(f"| {log.stem} | " + " | ".join(f"{metrics['accuracy'][km]:.2f}" for km in ("1", "25", "200", "750", "2500")) + " |")
PYTHON
