#!/usr/bin/env bash
# clang-tidy over our own sources, both cores. usage: scripts/tidy.sh [layer ...]     (default: everything)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# 16 or newer: 14, the distribution's default, cannot read LibTorch's headers in C++20.
if ! command -v clang-tidy-16 >/dev/null || ! command -v clang++ >/dev/null; then
  if [ "$(id -u)" -eq 0 ]; then sudo=(); else sudo=(sudo); fi
  "${sudo[@]}" apt-get update -qq
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends clang clang-tidy-16 >&2
fi
# A configuration of its own: GCC's precompiled headers mean nothing to clang.
cmake --preset tidy -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON -DDUALGEO_TESTS=OFF >/dev/null
if [ $# -gt 0 ]; then
  files=()
  for layer in "$@"; do files+=("src/$layer"/*.cpp); done
else
  files=(src/*/*.cpp tools/*.cpp)
fi
printf '%s\0' "${files[@]}" | xargs -0 -n 2 -P "$(nproc)" clang-tidy-16 -p build/tidy --quiet
