#!/usr/bin/env bash
# The documentation as one site of plain HTML, without the network: README, docs/, the public headers by Doxygen, the notebook
# where Jupyter is there. Every link is checked. build/site/index.html is its first page.
#   scripts/docs.sh     installs doxygen and python3-markdown where they are missing
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/install-deps.sh doxygen python3-markdown
rm -rf build/site
mkdir -p build/site
doxygen docs/Doxyfile
if [ -s build/doxygen.log ]; then cat build/doxygen.log >&2; exit 1; fi
rm -f build/doxygen.log
if jupyter nbconvert --version >/dev/null 2>&1; then
  notebook=build/notebook/notebook.ipynb  # executed by scripts/check-notebook.sh
  [ -e "$notebook" ] || notebook=docs/notebook.ipynb
  jupyter nbconvert --to html --output-dir build/site --log-level ERROR "$notebook"
fi
scripts/docs/site.py
echo "open build/site/index.html"
