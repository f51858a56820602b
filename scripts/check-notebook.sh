#!/usr/bin/env bash
# Executes docs/notebook.ipynb on a run and fails where a cell does. Skipped, with a reason, where Jupyter is not there.
#   scripts/check-notebook.sh [RUN_DIR]     default: runs/quickstart where it is finished, else a small run made here
# The executed notebook is build/notebook/notebook.ipynb, from which scripts/docs.sh takes its page.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=
for one in python3 /usr/bin/python3; do  # the distribution's has what its Jupyter needs
  if "$one" -c 'import nbconvert, ipykernel, matplotlib, pandas' 2>/dev/null; then python=$one; break; fi
done
if [ -z "$python" ]; then
  echo "check-notebook: skipped: no Python with Jupyter (Debian: jupyter-nbconvert python3-ipykernel python3-matplotlib python3-pandas)"
  exit 0
fi
run=${1:-runs/quickstart}
mkdir -p build/notebook
if [ $# -eq 0 ] && [ ! -e "$run/report.html" ]; then
  run=build/notebook/run
  cat >build/notebook/config.yaml <<YAML
extends: $PWD/configs/quickstart.yaml
run_dir: $run
run: {steps: [world, train, gallery, search, rerank, predict, evaluate, untrained]}
world: {out: build/notebook/world, places: 8, views: 6, size: 64}
data:
  train: {csv: build/notebook/world/train.csv, images: build/notebook/world/images, masks: build/notebook/world/masks}
  benchmarks:
    query: {csv: build/notebook/world/query.csv, images: build/notebook/world/images, masks: build/notebook/world/masks}
    new_places: {csv: build/notebook/world/new_places.csv, images: build/notebook/world/images, masks: build/notebook/world/masks}
model: {image_encoder: {weights: null}}
train: {epochs: 1}
YAML
  build/release/tools/dualgeo run --config build/notebook/config.yaml >build/notebook/log 2>&1 || { cat build/notebook/log >&2; exit 1; }
fi
export PYDEVD_DISABLE_FILE_VALIDATION=1
DUALGEO_RUN=$(realpath "$run") "$python" -m nbconvert --to notebook --execute docs/notebook.ipynb --output-dir build/notebook \
  --ExecutePreprocessor.kernel_name=python3 --log-level ERROR
pictures=$(grep -c '"image/png"' build/notebook/notebook.ipynb)
[ "$pictures" -ge 5 ] || { echo "check-notebook: $pictures figures in build/notebook/notebook.ipynb" >&2; exit 1; }
echo "check-notebook: passed, $pictures figures of $run"
