#!/usr/bin/env bash
# Speed and peak memory of the encoders, from JPEG files to features or masks and of a training step (forward and
# backward of random input), beside the same models in Python, in one run. Random weights. Prints a Markdown table.
#   scripts/bench/encoders.sh [--peer-python PYTHON] [--cpu avx512|avx2|plain] [--quick] [--photos DIR] [--models a,b,...]
#                             [--train a,b,...] [--precisions fp32,bf16] [--rounds N] [--keep DIR]
#     --peer-python  a Python that has torch, transformers, numpy and pillow (a virtual environment's, say): the peers are
#                    then transformers' CLIP and SegFormer with PyTorch's fused attention, eager and torch.compile (which
#                    needs a C++ compiler; --peers eager leaves it out). The distribution's python3-torch is a peer as
#                    well where it is installed; without --peer-python it is the only one, and installed on the first run.
#     --cpu      forces instructions lower than the processor's, on both sides (docs/performance.md)
#     --quick    a quarter of the photos, one round
#     --photos   a folder of JPEGs; default: the synthetic world's
#     --models   of vit-b-32,vit-l-14,segformer-b0,segformer-b5,dualgeo; default: all; '': none
#     --train    of vit-b-32,segformer-b0,masks (the segmentation encoder); default: all; '': none
#     --rounds   runs of each, in turn (default 3); medians are printed
#     --keep     folder for weights and photos (2 GB), which a second run finds there; default: build/bench-encoders
# "CPU s a photo" is each process's own time and holds on a machine that others use, too; photos/s does not: both sides
# take all cores.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
[[ " $* " == *" -h "* || " $* " == *" --help "* ]] && { sed -n '2,20p' "$0"; exit; }
distribution() { /usr/bin/python3 -c 'import torch, numpy, PIL' 2>/dev/null; }
if [[ " $* " != *" --peer-python"* ]] && ! distribution; then
  if [ "$(id -u)" -eq 0 ]; then sudo=(); else sudo=(sudo); fi
  "${sudo[@]}" apt-get update -qq
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-torch python3-pil >&2
fi
scripts/build.sh release dualgeo encoders_bench >&2
. scripts/openblas.sh
extra=()
if distribution; then extra=(--distribution-python /usr/bin/python3); fi
exec python3 scripts/bench/encoders.py "$@" "${extra[@]}"
