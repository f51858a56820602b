#!/usr/bin/env bash
# Builds with AddressSanitizer and UndefinedBehaviorSanitizer and runs the fast tests. The preset turns off one warning,
# which the sanitizers' own code makes GCC give for LibTorch's headers.
# usage: scripts/sanitize.sh [--light] [ctest's options]     --light: the layers without LibTorch alone
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
targets=()
if [ "${1:-}" = --light ]; then
  shift
  targets=(util_test geo_test config_test cells_test)
  set -- -R "^($(IFS='|'; echo "${targets[*]}"))[.]" "$@"
fi
scripts/install-deps.sh
scripts/build.sh asan "${targets[@]}"
# LibTorch and OpenCV keep memory until the process ends, so leaks are not looked for. Some of LibTorch's own
# allocations are freed by another library's deallocator, which ASan's type check reports.
export ASAN_OPTIONS=detect_leaks=0:alloc_dealloc_mismatch=0 UBSAN_OPTIONS=print_stacktrace=1
ctest --test-dir build/asan --output-on-failure --parallel "$(nproc)" --no-tests=error -LE slow "$@"
