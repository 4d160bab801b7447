#!/usr/bin/env bash
# Everything a GPU is needed for, in one go: benchmarks/gpu.sh [--dry-run] OUT
#
# Each part has its own time limit in seconds, together under eight minutes, and its own log in OUT; a
# part that is done is not done again. CIFAR-10's folder is named by PITFALLS_DATA. --dry-run takes every
# part at toy size on the processor: what can fail without a GPU fails there.
set -uo pipefail
dry=
if [ "${1:-}" = --dry-run ]; then
  dry=--toy
  shift
fi
if [ $# -ne 1 ]; then
  echo "usage: benchmarks/gpu.sh [--dry-run] OUT" >&2
  exit 2
fi
mkdir -p "$1" && out=$(cd "$1" && pwd) || exit 2
cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}
command -v "$python" >/dev/null || python=python3
export PYTHONPATH="src:.${PYTHONPATH:+:$PYTHONPATH}"
device=cuda data=${PITFALLS_DATA:-} seeds=10
targets='--targets 94-six'
[ -z "$dry" ] || device=cpu data=digits seeds=1 targets=--targets

size=full
[ -z "$dry" ] || size=toy
if [ -e "$out/size" ] && [ "$(cat "$out/size")" != $size ]; then
  echo "gpu.sh: $out holds parts of $(cat "$out/size") size. Give another folder for those of $size size." >&2
  exit 2
fi

"$python" -m benchmarks.gpu check --device "$device" --data "$data" || exit 2
echo $size >"$out/size"

failed=
part() {
  local name=$1 limit=$2 start=$SECONDS
  shift 2
  [ -z "$dry" ] || limit=$((10 * limit)) # the processor may be busy
  if [ -e "$out/$name.done" ]; then
    echo "$name: done before"
    return
  fi
  timeout -k 5 "$limit" "$@" >"$out/$name.log" 2>&1
  local rc=$?
  if [ $rc -eq 0 ]; then
    touch "$out/$name.done"
    echo "$name: done in $((SECONDS - start)) s: $(tail -n 1 "$out/$name.log")"
  else
    failed="$failed $name"
    [ $rc -ne 124 ] || echo "stopped after $limit s" >>"$out/$name.log"
    echo "$name: FAILED after $((SECONDS - start)) s: $(tail -n 1 "$out/$name.log")"
  fi
}
own() { # a part of benchmarks/gpu.py
  local name=$1 limit=$2
  shift 2
  part "$name" "$limit" "$python" -m benchmarks.gpu "${name%%-*}" --device "$device" --data "$data" \
    --out "$out" $dry "$@"
}

if [ -z "$dry" ]; then
  part tests 90 "$python" -m pytest -q -p no:cacheprovider -k cuda \
    tests/parity/signal tests/parity/test_walsh.py tests/moments tests/diagnosis/test_entry.py
fi
own resume 40
own walsh 30
own signal-30 40 --d 30
part recipes 100 "$python" -m benchmarks.images.record_recipe "$data" --state "$out" --device "$device" \
  --seeds "$seeds" $targets ${dry:+--subset 100}
own resnet18 110
own signal-36 60 --d 36

if [ -n "$failed" ]; then
  echo "not done:$failed; their logs are in $out. The same command does the rest."
  exit 1
fi
echo "all parts are done; logs and results are in $out"
