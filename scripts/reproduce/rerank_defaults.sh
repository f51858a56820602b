#!/usr/bin/env bash
# The re-ranking parameters that ship, as C++, from the YAML that `dualgeo rerank fit` wrote, without the router and the small network,
# which are asked for by a fit of one's own (on these lists neither is above what joins list and answers, docs/reranking.md):
#   scripts/reproduce/rerank_defaults.sh bayes.yaml > src/refine/posterior_defaults.cpp
set -euo pipefail
awk '
  BEGIN {
    print "// Made by scripts/reproduce/rerank_defaults.sh from the fit of scripts/reproduce/reranking.sh (docs/reranking.md).";
    print "#include \"dualgeo/refine/posterior_parameters.h\"\n\nnamespace dualgeo {\n";
    print "const PosteriorParameters& DefaultPosteriorParameters() {";
    print "  static const PosteriorParameters parameters = [] {\n    PosteriorParameters p;";
  }
  /^#/ { next }
  /^[^ ]/ { left_out = /^(mlp|router):$/ }
  left_out { next }
  /^[a-z_]+:$/ { group = $1; sub(":", ".", group); next }
  {
    name = $1; sub(":", "", name);
    value = $0; sub(/^ *[a-z_]+: */, "", value);
    if (substr($0, 1, 1) != " ") group = "";
    if (value == "[]" || value == "{}" || value == "\"\"" || (name == "rule" && value == "")) next;
    if (name == "inputs") { gsub(/[a-z_][a-z_.0-9]*/, "\"&\"", value) }
    gsub(/\[/, "{", value); gsub(/\]/, "}", value);
    if (name == "fitted_on" || name == "note" || name == "rule") { gsub(/"/, "", value); value = "\"" value "\"" }
    print "    p." group name " = " value ";";
  }
  END { print "    return p;\n  }();\n  return parameters;\n}\n\n}  // namespace dualgeo" }
' "$1" | clang-format --assume-filename=src/refine/posterior_defaults.cpp
