#!/usr/bin/env bash
# launch-local.sh N COMMAND ...: N processes of one job on this machine (docs/processes.md); when one fails, all end.
set -euo pipefail
[ $# -ge 2 ] || { sed -n '2s/^# //p' "$0" >&2; exit 2; }
n=$1; shift
export WORLD_SIZE=$n MASTER_ADDR=127.0.0.1
export MASTER_PORT=${MASTER_PORT:-$(python3 -c 'import socket; s = socket.socket(); s.bind(("", 0)); print(s.getsockname()[1])')}
cores=$(nproc); export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$((cores > n ? cores / n : 1))}
declare -A rank_of
for ((r = 0; r < n; ++r)); do RANK=$r LOCAL_RANK=$r "$@" & rank_of[$!]=$r; done
stopping=; trap 'stopping=1' INT; trap 'stopping=1; kill -TERM $(jobs -rp) 2>/dev/null' TERM HUP
code=0 left=$n
while [ "$left" -gt 0 ]; do
  c=0; pid=; wait -n -p pid || c=$?
  [ -n "${pid:-}" ] || continue  # a signal
  left=$((left - 1))
  [ $c -eq 0 ] || [ $code -ne 0 ] || code=$c
  if [ $c -ne 0 ] && [ -z "$stopping" ]; then
    echo "launch-local: rank ${rank_of[$pid]} ended with code $c" >&2; stopping=1
    for _ in $(seq 80); do [ -n "$(jobs -rp)" ] || break; sleep 0.1; done  # the others find out, and say why
    kill -TERM $(jobs -rp) 2>/dev/null || true; sleep 0.5; kill -KILL $(jobs -rp) 2>/dev/null || true
  fi
done
exit $code
