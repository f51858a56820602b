#!/usr/bin/env bash
# Configures and builds. usage: scripts/build.sh [preset] [target...]     (default: release, everything)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
preset=${1:-release}
shift || true
cmake --preset "$preset" >build-configure.log 2>&1 || { cat build-configure.log >&2; exit 1; }
rm -f build-configure.log
ninja -C "build/$preset" "$@"
