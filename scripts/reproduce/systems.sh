#!/usr/bin/env bash
# The table of docs/systems.md: the systems of the comparison at laboratory size, three seeds each, with a rule in the place of
# the language model (stand_in_server.py). An hour and more on two cores; safe to stop and to run again.
#   scripts/reproduce/systems.sh [OPTION of dualgeo ablate...]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
dualgeo=${DUALGEO:-build/release/tools/dualgeo}
scripts/reproduce/stand_in_server.py --port 8089 >/dev/null &
trap "kill $! 2>/dev/null || true" EXIT
"$dualgeo" ablate --config configs/ablations/systems.yaml "$@"
