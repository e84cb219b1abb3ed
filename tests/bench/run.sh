#!/usr/bin/env bash
# Why: what leverd costs beside what it replaces, in one run on one machine, so that the ratios mean
# something. Everything is on loopback and in one temporary directory that goes away at the end.
#
# usage: tests/bench/run.sh [BUILD_DIR]
#   ROUNDS=3 SECONDS_PER_ROUND=5 TARGETS=1000   how much
#   ENTRIES=3000000                             in the ledger of the measured start
#   CASES="http-new https-full"                 only these (names: bench.py --list)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=${1:-$here/../../build}
leverd=$build/leverd
PATH=$PATH:/usr/sbin:/sbin
export PYTHONDONTWRITEBYTECODE=1  # no caches in the tree

if [ "${1:-}" = --list ]; then
    exec python3 "$here/bench.py" --list
fi
missing=()
for tool in nginx openssl prometheus-blackbox-exporter wrk python3; do
    command -v "$tool" > /dev/null || missing+=("$tool")
done
if [ "${#missing[@]}" -gt 0 ]; then
    echo "bench: missing: ${missing[*]} (scripts/setup.sh bench)" >&2
    exit 1
fi
if [ ! -x "$leverd" ]; then
    echo "bench: no leverd in $build; make build" >&2
    exit 1
fi

if [ -z "${CASES:-}" ] && [ -x "$build/bench_engine" ]; then
    "$build/bench_engine" "$here/../../config/leverd.toml" ||
        echo "bench: the engine misses a target, see above"
fi

if [ -z "${CASES:-}" ] && [ -x "$build/bench_ledger" ]; then
    python3 "$here/start.py" --build "$build" --config "$here/../../config" \
        --entries "${ENTRIES:-3000000}" ||
        echo "bench: the start misses its target, see above"
fi

# A thousand kept connections need a descriptor at each end, and nginx keeps some in reserve.
hard=$(ulimit -Hn)
ulimit -n "$hard" 2> /dev/null || true
if [ "$(ulimit -n)" != unlimited ] && [ "$(ulimit -n)" -lt 4096 ]; then
    echo "bench: needs 4096 descriptors, the limit here is $(ulimit -n)" >&2
    exit 1
fi

exec python3 "$here/bench.py" --leverd "$leverd" --config "$here/../../config" \
    --rounds "${ROUNDS:-3}" --seconds "${SECONDS_PER_ROUND:-5}" --targets "${TARGETS:-1000}" \
    ${CASES:+--cases "$CASES"}
