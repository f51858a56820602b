#!/usr/bin/env bash
# Builds the Debian package of the programs: build/packages/dualgeo_VERSION_ARCHITECTURE.deb.
#   scripts/package.sh [PRESET]     default: release
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
preset=${1:-release}
scripts/install-deps.sh dpkg-dev
scripts/build.sh "$preset" dualgeo
rm -rf build/packages
(cd "build/$preset" && cpack --config CPackConfig.cmake -C Release) >build/package.log 2>&1 || { cat build/package.log >&2; exit 1; }
rm -rf build/packages/_CPack_Packages build/package.log
ls build/packages/*.deb
