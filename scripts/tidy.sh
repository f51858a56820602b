#!/usr/bin/env bash
# clang-tidy over our own sources, both cores. usage: scripts/tidy.sh [layer ...]     (default: everything)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
command -v clang-tidy >/dev/null || { echo "tidy: install clang and clang-tidy" >&2; exit 1; }
# A configuration of its own: GCC's precompiled headers mean nothing to clang.
cmake --preset tidy -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON -DDUALGEO_TESTS=OFF >/dev/null
if [ $# -gt 0 ]; then
  files=()
  for layer in "$@"; do files+=("src/$layer"/*.cpp); done
else
  files=(src/*/*.cpp tools/*.cpp)
fi
printf '%s\0' "${files[@]}" | xargs -0 -n 2 -P "$(nproc)" clang-tidy -p build/tidy --quiet
