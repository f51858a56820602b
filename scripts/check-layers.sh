#!/usr/bin/env bash
# No file includes a header of a layer above its own, and no public header one that is not installed. The layers and their
# order are those of CMakeLists.txt.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mapfile -t layers < <(grep -oP '^\s*dualgeo_layer\(\K\w+' CMakeLists.txt)
[ ${#layers[@]} -gt 5 ] || { echo "check-layers: no layers found in CMakeLists.txt" >&2; exit 1; }
above=() failed=
for ((i = ${#layers[@]} - 1; i >= 0; --i)); do
  layer=${layers[i]}
  if [ ${#above[@]} -gt 0 ]; then
    pattern=$(IFS='|'; echo "#include \"(dualgeo/)?(${above[*]})/")
    if grep -srnE "$pattern" "include/dualgeo/$layer" "src/$layer"; then failed=yes; fi
  fi
  above+=("$layer")
done
if grep -rn '#include "' include | grep -v '#include "dualgeo/'; then
  echo "check-layers: these public headers need one of src" >&2
  exit 1
fi
[ -z "$failed" ] || { echo "check-layers: these includes point upwards" >&2; exit 1; }
echo "check-layers: passed (${layers[*]})"
