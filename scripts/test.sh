#!/usr/bin/env bash
# Installs what is missing, builds everything, and runs all tests; fast ones first.
# usage: scripts/test.sh [--fast]      --fast leaves out the tests labelled "slow"
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exclude='^$'
if [ "${1:-}" = --fast ]; then exclude='^slow$'; fi
scripts/install-deps.sh
scripts/build.sh release
. scripts/openblas.sh
ctest --test-dir build/release --output-on-failure --parallel "$(nproc)" --no-tests=error -LE "$exclude"
