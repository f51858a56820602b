#!/usr/bin/env bash
# The tables of docs/reranking.md, and the re-ranking parameters that ship.
#   scripts/reproduce/reranking.sh DATA [OUT]      DATA (or $DUALGEO_DATA) holds
#     retrieval/g3_im2gps3k_candidates_dev.csv     top 20 of G3's published index for 1450 photos of IM2GPS3k
#     retrieval/im2gps3k_truth_dev.csv             their true locations and authors
#     predictions/gemini2flash_im2gps3k.csv        answers of Gemini 2.0 Flash
# Needs a built dualgeo ($DUALGEO, default: build/release/tools/dualgeo). Takes some ten minutes on two cores, most of them for the small network. What to expect:
# docs/reranking.md. OUT (default: runs/reranking) gets bayes.yaml, fit.md, sweep.md and answers.md.
set -euo pipefail
cd "$(dirname "$0")/../.."
data=${1:-${DUALGEO_DATA:-}}
out=${2:-runs/reranking}
dualgeo=${DUALGEO:-build/release/tools/dualgeo}
[ -n "$data" ] || { echo "usage: $0 DATA [OUT]" >&2; exit 2; }
mkdir -p "$out"
lists=(--candidates "$data/retrieval/g3_im2gps3k_candidates_dev.csv" --truth "$data/retrieval/im2gps3k_truth_dev.csv"
       --distance great_circle)
answers=(--answers "$data/predictions/gemini2flash_im2gps3k.csv" --answer-columns IMG_ID,LAT_pred,LON_pred,success)

"$dualgeo" rerank fit "${lists[@]}" "${answers[@]}" --network --out "$out/bayes.yaml" \
  --note "rerank fit on 1450 real lists (G3 index, IM2GPS3k) and 1316 LMM answers; docs/reranking.md" >"$out/fit.md"
# The parameters that ship are this file's:
#   scripts/reproduce/rerank_defaults.sh OUT/bayes.yaml > src/refine/posterior_defaults.cpp
"$dualgeo" rerank sweep "${lists[@]}" >"$out/sweep.md"
"$dualgeo" rerank sweep "${lists[@]}" "${answers[@]}" >"$out/answers.md"
cat "$out/sweep.md" "$out/answers.md" "$out/fit.md"
