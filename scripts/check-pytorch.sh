#!/usr/bin/env bash
# Builds against the LibTorch inside a PyTorch, as people who train on a GPU do, and runs the tests of the networks there:
# model, runtime, train, gallery (but for the slow ones), and the comparison with PyTorch through the binary.
# usage: scripts/check-pytorch.sh [--howto] [PYTHON]
#   --howto  builds a copy with a made-up part of each kind, and uses these, too (scripts/check-howto.py): one build for both
#   PYTHON   one that has PyTorch; default: a virtual environment of its own, build/pytorch, with PyTorch 2.13 (its CPU build
#            where pip offers that)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
howto=
if [ "${1:-}" = --howto ]; then howto=yes; shift; fi
scripts/install-deps.sh
python=${1:-build/pytorch/bin/python}
if [ $# -eq 0 ] && ! "$python" -c 'import torch' 2>/dev/null; then
  mkdir -p build
  python3 -m venv build/pytorch
  "$python" -m pip install --quiet --disable-pip-version-check torch==2.13.0
fi
prefix=$("$python" -c 'import torch; print(torch.utils.cmake_prefix_path)')
"$python" -c 'import torch; print("check-pytorch: PyTorch", torch.__version__)'
source=.
[ -z "$howto" ] || source=$(scripts/check-howto.py prepare)
# PyTorch's headers are not ours to be without warnings.
DUALGEO_WERROR=OFF "$source/scripts/build.sh" --torch "$prefix" release dualgeo model_test runtime_test train_test gallery_test
build=$(realpath "$source/build/release-pytorch")
"$build/tools/dualgeo" doctor
jobs=$(nproc)  # which minds OMP_NUM_THREADS
export OMP_NUM_THREADS=1
printf '%s\n' gallery_test train_test runtime_test model_test |
  xargs -P "$jobs" -I{} sh -c "$build/{} --gtest_brief=1 --gtest_filter=-*Slow* >$build/{}.log 2>&1 || { cat $build/{}.log; exit 255; }"
grep -h 'suites ran' "$build"/{gallery,train,runtime,model}_test.log
DUALGEO=$build/tools/dualgeo scripts/parity/run.sh --small
[ -z "$howto" ] || scripts/check-howto.py run "$build/tools/dualgeo"
echo "check-pytorch: passed"
