#!/usr/bin/env bash
# Builds the fuzzers with clang and runs each for a while. usage: scripts/fuzz.sh [seconds each] [fuzzer...]
# An allocation of 64 MB at once, or 1 GB in all, is a finding: no input is longer than 16 kB.
# Findings are kept in build/fuzz/findings/<fuzzer>/; a fuzzer's corpus grows in build/fuzz/corpus/<fuzzer>/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
seconds=${1:-60}
shift || true
if ! echo 'int main() {}' | clang++ -fsanitize=fuzzer-no-link,address -x c++ - -o /dev/null 2>/dev/null; then
  if [ "$(id -u)" -eq 0 ]; then sudo=(); else sudo=(sudo); fi
  "${sudo[@]}" apt-get update -qq
  # With what it recommends: the sanitizers' libraries.
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq clang >&2
fi
scripts/build.sh fuzz fuzzers
fuzzers=("$@")
if [ ${#fuzzers[@]} -eq 0 ]; then
  for source in tests/fuzz/*_fuzz.cpp; do fuzzers+=("$(basename "$source" .cpp)"); done
fi
for fuzzer in "${fuzzers[@]}"; do
  mkdir -p "build/fuzz/corpus/$fuzzer" "build/fuzz/findings/$fuzzer"
  arguments=(-max_total_time="$seconds" -max_len=16384 -timeout=10 -malloc_limit_mb=64 -rss_limit_mb=1024 -print_final_stats=1 "-artifact_prefix=build/fuzz/findings/$fuzzer/")
  dictionary=tests/fuzz/${fuzzer%_fuzz}.dict
  if [ -f "$dictionary" ]; then arguments+=("-dict=$dictionary"); fi
  corpora=("build/fuzz/corpus/$fuzzer")
  if [ -d "tests/fuzz/${fuzzer%_fuzz}_seeds" ]; then corpora+=("tests/fuzz/${fuzzer%_fuzz}_seeds"); fi
  echo "== $fuzzer, $seconds s" >&2
  "build/fuzz/tests/fuzz/$fuzzer" "${arguments[@]}" "${corpora[@]}"
done
