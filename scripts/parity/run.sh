#!/usr/bin/env bash
# Does this program compute what PyTorch computes? Makes random weights under the published key names with Debian's
# PyTorch (CLIP ViT-L/14, SegFormer-B5, the released DualGeo's checkpoint and our own), runs the program and PyTorch with
# Pillow's preprocessing on the same JPEG files, and compares: cosine 0.99999 or more.
#   scripts/parity/run.sh [--small] [--photos TABLE.csv --images FOLDER] [--count N] [--bf16 PRESET]
# --small: tiny networks and, without --photos, synthetic photos: less than a minute; CI runs it. The full sizes need
# 8 GB of memory and of disk and some minutes. $DUALGEO: another build's program. --bf16 vit-b-32: instead, the program's own bf16 features against fp32.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
case "${1:-}" in -h | --help) sed -n '2,7p' "$0"; exit ;; esac

if ! /usr/bin/python3 -c 'import torch, numpy, PIL' 2> /dev/null; then
  sudo=$([[ $EUID == 0 ]] || echo sudo)
  $sudo apt-get update -qq
  $sudo apt-get install -y --no-install-recommends python3-torch python3-numpy python3-pil > /dev/null
fi
binary=${DUALGEO:-build/release/tools/dualgeo}
[[ -x $binary ]] || scripts/build.sh
work=$(mktemp -d "${TMPDIR:-/tmp}/dualgeo-parity-XXXXXX")
trap 'rm -rf "$work"' EXIT
/usr/bin/python3 scripts/parity/parity.py --binary "$binary" --work "$work" "$@"
