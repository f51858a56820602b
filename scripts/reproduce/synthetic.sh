#!/usr/bin/env bash
# The ablation and robustness tables of docs/findings.md: files of configs/ablations and configs/robustness*.yaml on the
# synthetic world, three seeds (fusion_plus, fusion_longer: five).
#   scripts/reproduce/synthetic.sh            # into runs/reproduce; safe to interrupt and to run again
# Needs a built dualgeo ($DUALGEO, default: build/release/tools/dualgeo). One run a core, one thread a run; what to
# expect is in docs/findings.md. Afterwards
#   scripts/reproduce/findings.sh             # puts the tables into docs/findings.md
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
dualgeo=${DUALGEO:-build/release/tools/dualgeo}
out=runs/reproduce
mkdir -p "$out/tables"
# LibTorch's and OpenBLAS's own threads would only get in the way of the other run.
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

# Whole, or not at all: an interrupted command leaves the older table.
table() {
  local name=$1 start=$SECONDS
  shift
  echo "== $name" >&2
  "$dualgeo" "$@" >"$out/tables/$name.md.part"
  mv "$out/tables/$name.md.part" "$out/tables/$name.md"
  echo "== $name: $((SECONDS - start)) s" >&2
}

begin=$SECONDS
for name in fusion fusion_plus fusion_longer views alignment gallery_features clustering released_code; do
  [ -e "configs/ablations/$name.yaml" ] || continue
  table "$name" ablate --config "configs/ablations/$name.yaml" "$@"
done
for name in robustness robustness_trained; do table "$name" robustness --config "configs/$name.yaml" "$@"; done
echo "all tables: $((SECONDS - begin)) s, in $out/tables" >&2
