#!/usr/bin/env bash
# Configures and builds.
# usage: scripts/build.sh [--torch distribution|auto|PREFIX] [preset] [target...]     (default: release, everything)
#   --torch  which LibTorch: the distribution's (default); auto: the one inside the PyTorch of the active Python; PREFIX:
#            a PyTorch's CMake folder (python3 -c 'import torch; print(torch.utils.cmake_prefix_path)'), its `torch`
#            folder, or an unpacked LibTorch. Another than the distribution's is built in build/PRESET-pytorch.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
torch=distribution
if [ "${1:-}" = --torch ]; then
  torch=${2:?build: --torch needs distribution, auto or a folder}
  shift 2
fi
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
# DUALGEO_WERROR=ON: warnings are errors. Not for users, whose newer compiler may warn of more.
options+=("-DDUALGEO_WERROR=${DUALGEO_WERROR:-OFF}")

log=$(mktemp)
trap 'rm -f "$log"' EXIT
cmake --preset "$preset" -B "$folder" "${options[@]}" >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
ninja -C "$folder" "$@"
