#!/usr/bin/env bash
# From a fresh clone to a scored answer: installs what is missing, builds, and runs the whole pipeline on the synthetic
# world. Safe to run again: finished steps are skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/install-deps.sh
scripts/build.sh release dualgeo
build/release/tools/dualgeo run --config configs/quickstart.yaml "$@"
