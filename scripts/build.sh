#!/usr/bin/env bash
# Configures and builds.
# usage: scripts/build.sh [--torch distribution|auto|PREFIX] [--faiss PREFIX] [preset] [target...]
# (default: release, everything)
#   --torch  which LibTorch: the distribution's (default); auto: the one inside the PyTorch of the active Python; PREFIX:
#            a PyTorch's CMake folder (python3 -c 'import torch; print(torch.utils.cmake_prefix_path)'), its `torch`
#            folder, or an unpacked LibTorch. Another than the distribution's is built in build/PRESET-pytorch.
#   --faiss  where another FAISS than the distribution's is installed (a conda environment, or what cmake --install made of
#            its sources): of its libraries the one for the widest instructions that this machine has. Built in
#            build/PRESET-faiss.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
torch=distribution faiss=
while true; do
  case ${1:-} in
    --torch) torch=${2:?build: --torch needs distribution, auto or a folder} ;;
    --faiss) faiss=${2:?build: --faiss needs a folder} ;;
    *) break ;;
  esac
  shift 2
done
preset=${1:-release}
shift || true

folder=build/$preset
options=()
case $torch in
  distribution) ;;
  *)
    if [ "$torch" = auto ]; then
      torch=$(python3 -c 'import torch; print(torch.utils.cmake_prefix_path)') ||
        { echo "build: --torch auto: the active python3 ($(command -v python3 || echo none)) has no PyTorch" >&2; exit 2; }
    fi
    for prefix in "$torch" "$torch/share/cmake"; do
      if [ -e "$prefix/Torch/TorchConfig.cmake" ]; then options=("-DCMAKE_PREFIX_PATH=$(realpath "$prefix")"); fi
    done
    [ ${#options[@]} -gt 0 ] || { echo "build: --torch $torch: no Torch/TorchConfig.cmake there" >&2; exit 2; }
    folder+=-pytorch
    ;;
esac
if [ -n "$faiss" ]; then
  config=$(compgen -G "$faiss/lib*/cmake/faiss/faiss-config.cmake" || compgen -G "$faiss/share/faiss/faiss-config.cmake") ||
    { echo "build: --faiss $faiss: no lib/cmake/faiss/faiss-config.cmake there" >&2; exit 2; }
  target=faiss
  for set in avx2 avx512; do
    flag=$set
    [ "$set" = avx2 ] || flag=avx512vl
    if grep -qw "$flag" /proc/cpuinfo && grep -qsw "faiss_$set" "$(dirname "$config")"/faiss-targets*.cmake; then target=faiss_$set; fi
  done
  options+=("-Dfaiss_ROOT=$(realpath "$faiss")" "-DDUALGEO_FAISS=$target")
  folder+=-faiss
fi
# DUALGEO_WERROR=ON: warnings are errors. Not for users, whose newer compiler may warn of more.
options+=("-DDUALGEO_WERROR=${DUALGEO_WERROR:-OFF}")

log=$(mktemp)
trap 'rm -f "$log"' EXIT
cmake --preset "$preset" -B "$folder" "${options[@]}" >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
ninja -C "$folder" "$@"
