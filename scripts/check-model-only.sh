#!/usr/bin/env bash
# The layers util, io, geo and model alone (-DDUALGEO_MODEL_ONLY=ON), as on a machine that has a PyTorch and little else:
# configured with every other package hidden, and built with their tests.
#   scripts/check-model-only.sh [--configure] [LIBTORCH]
#     --configure  only configure, and check that no file of these layers includes a higher one: seconds
#     LIBTORCH     a PyTorch's folder (python3 -c 'import torch; print(torch.utils.cmake_prefix_path)'); default: the
#                  distribution's
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
only_configure=
if [ "${1:-}" = --configure ]; then only_configure=yes; shift; fi
build=build/model-only
hidden=()
for package in OpenCV faiss yaml-cpp CURL SQLite3 JPEG OpenMP CLI11; do
  hidden+=("-DCMAKE_DISABLE_FIND_PACKAGE_$package=ON")
done
rm -f "$build/CMakeCache.txt"  # which would remember what was hidden once
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DDUALGEO_MODEL_ONLY=ON "${hidden[@]}" \
  ${1:+"-DCMAKE_PREFIX_PATH=$1"} >"$build.log" 2>&1 || { cat "$build.log" >&2; exit 1; }
rm -f "$build.log"
higher=$(grep -srnE '#include "(dualgeo/)?(config|cells|data|synthetic|degrade|runtime|train|gallery|refine|lmm|eval|report|pipeline)/' \
  {include/dualgeo,src,tests}/{util,io,geo,model} || true)
[ -z "$higher" ] || { echo "check-model-only: these layers build alone, and include a higher one:"; echo "$higher"; exit 1; } >&2
if [ -z "$only_configure" ]; then
  ninja -C "$build"
  ctest --test-dir "$build" --output-on-failure --parallel "$(nproc)" --no-tests=error
fi
echo "check-model-only: passed"
