#!/usr/bin/env bash
# Indexes beside each other, in one run: ours, those of the FAISS that the build is linked with, and those of the Python
# package faiss-cpu; on made-up clustered unit vectors (scripts/bench/index.cpp), 4,000 queries at once. Each index is
# built and searched by a process of its own. Prints a Markdown table.
#   scripts/bench/index.sh [--peer-python PYTHON] [--count N] [--dimension D] [--queries N] [--threads N] [--lists N]
#                          [--rounds N] [--only WORD;WORD] [--keep DIR] [--keep-indexes]
#     --peer-python   a Python that has faiss-cpu and numpy (a virtual environment's, say); without it no peers
#     --count         vectors (default 100,000; 1,000,000 are 6 GB on the disk, twice, and 7 GB of memory)
#     --lists         of FAISS's inverted lists (default: a power of two up to 4 roots of the count)
#     --only          of the rows those that hold one of the words; flat, the truth, has to be among them
#     --keep          folder of vectors and indexes (default build/bench-index), which a second run finds there
#     --keep-indexes  do not delete each index after it was measured
# "CPU ms a query" is the process's own time and holds on a machine that others use, too; queries/s does not. Recall is
# against FAISS's flat index. Slow indexes are asked fewer queries.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
[[ " $* " == *" -h "* || " $* " == *" --help "* ]] && { sed -n '2,16p' "$0"; exit; }
[ -x build/release/tools/index_bench ] || scripts/build.sh release dualgeo index_bench >&2
. scripts/openblas.sh
python=python3
for ((i = 1; i < $#; ++i)); do
  if [ "${!i}" = --peer-python ]; then j=$((i + 1)); python=${!j}; fi
done
exec "$python" scripts/bench/index.py --program build/release/tools/index_bench "$@"
