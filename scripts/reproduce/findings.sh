#!/usr/bin/env bash
# Puts the tables that scripts/reproduce/synthetic.sh made (runs/reproduce/tables) between the markers of
# docs/findings.md; what is written around them stays.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
page=docs/findings.md
for file in runs/reproduce/tables/*.md; do
  name=$(basename "$file" .md)
  grep -q "^<!-- table $name -->$" "$page" || { echo "$page has no place for $name" >&2; exit 2; }
  awk -v name="$name" -v file="$file" '
    $0 == "<!-- table " name " -->" { print; print ""; while ((getline line < file) > 0) print line; print ""; skip = 1 }
    $0 == "<!-- end " name " -->" { skip = 0 }
    !skip { if ($0 != "<!-- table " name " -->") print }
  ' "$page" >"$page.part"
  mv "$page.part" "$page"
done
