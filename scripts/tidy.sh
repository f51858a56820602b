#!/usr/bin/env bash
# clang-tidy over our own sources, all cores. A file that includes LibTorch takes about a minute.
# usage: scripts/tidy.sh [--light | FILE.cpp ...]     (default: everything; --light: the layers without LibTorch, as CI does)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if ! command -v clang-tidy >/dev/null || ! command -v clang++ >/dev/null; then
  if [ "$(id -u)" -eq 0 ]; then sudo=(); else sudo=(sudo); fi
  "${sudo[@]}" apt-get update -qq
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends clang clang-tidy >&2
fi
# A configuration of its own: file by file, and GCC's precompiled headers mean nothing to clang.
cmake --preset tidy -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON -DDUALGEO_UNITY=OFF -DDUALGEO_TESTS=OFF >/dev/null

# Clang instantiates C++20's constexpr std::vector where LibTorch's IValue is still incomplete. For reading, a copy of
# libstdc++'s vector that is not constexpr; vector<bool> stays as it is.
bits=$(dirname "$(echo '#include <vector>' | clang++ -x c++ -std=c++20 -E - | grep -o -m 1 '/[^"]*bits/stl_vector.h')")
mkdir -p build/tidy/include/bits
sed 's/_GLIBCXX20_CONSTEXPR//' "$bits/stl_vector.h" >build/tidy/include/bits/stl_vector.h
sed '1,/^  \/\/ vector<bool>/s/_GLIBCXX20_CONSTEXPR//' "$bits/vector.tcc" >build/tidy/include/bits/vector.tcc

files=("$@")
if [ "${1:-}" = --light ]; then files=(src/{util,geo,config,cells}/*.cpp); fi
if [ $# -eq 0 ]; then files=(src/*/*.cpp src/*/*/*.cpp tools/*.cpp); fi
printf '%s\0' "${files[@]}" |
  xargs -0 -n 1 -P "$(nproc)" clang-tidy -p build/tidy --quiet "--extra-arg-before=-isystem$PWD/build/tidy/include"
