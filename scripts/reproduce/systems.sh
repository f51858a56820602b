#!/usr/bin/env bash
# The table of docs/systems.md: the systems of the comparison at laboratory size, three seeds each, with a rule in the place of
# the language model (stand_in_server.py). An hour and more on two cores; safe to stop and to run again.
#   scripts/reproduce/systems.sh [OPTION of dualgeo ablate...]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
dualgeo=${DUALGEO:-build/release/tools/dualgeo}
mkdir -p runs/systems/vocabulary
[ -e runs/systems/vocabulary/merges.txt ] || python3 - runs/systems/vocabulary <<'END'
"""A vocabulary in CLIP's format without merges: every byte, every byte at a word's end, start and end."""
import json
import pathlib
import sys

shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
letters = [chr(b) if b in shown else None for b in range(256)]
letters = [chr(256 + letters[:b].count(None)) if letter is None else letter for b, letter in enumerate(letters)]
tokens = letters + [letter + "</w>" for letter in letters] + ["<|startoftext|>", "<|endoftext|>"]
folder = pathlib.Path(sys.argv[1])
(folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}))
(folder / "merges.txt").write_text("#version: 0.2\n")
END
# What ISN's networks learn from: the training photos of each season.
"$dualgeo" run --config configs/systems/lab/base.yaml --set 'run.steps=[world]' --set run_dir=runs/systems/seasons
for season in spring summer autumn winter; do
  awk -F, -v season="$season" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "SEASON") at = i } NR == 1 || $at == season' \
    runs/systems/world/train.csv > "runs/systems/seasons/$season.csv"
done
scripts/reproduce/stand_in_server.py --port 8089 >/dev/null &
trap "kill $! 2>/dev/null || true" EXIT
"$dualgeo" ablate --config configs/ablations/systems.yaml "$@"
