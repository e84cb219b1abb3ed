#!/usr/bin/env bash
# Why: many seeded worlds, optimised and on every core; the sanitizers see a few of them elsewhere.
#
# usage: tests/sim/run.sh INCIDENTS [FIRST_SEED]
set -euo pipefail
cd "$(dirname "$0")/../.."
incidents=${1:?how many incidents}
first=${2:-1}
jobs=${JOBS:-$(nproc)}
logs=$PWD/build-logs
mkdir -p "$logs"
cmake --preset release > "$logs/sim-configure.log" 2>&1 || { cat "$logs/sim-configure.log"; exit 1; }
cmake --build build -j "$jobs" --target sim_engine > "$logs/sim-build.log" 2>&1 ||
    { tail -n 40 "$logs/sim-build.log"; exit 1; }

# Each core has seeds of its own, so a run is the same wherever it runs with as many cores.
begun=$SECONDS
share=$(((incidents + jobs - 1) / jobs))
workers=()
for ((i = 0; i < jobs; i++)); do
    SIM_FIRST=$((first + i * 1000000)) SIM_INCIDENTS=$share SIM_DISTRUST=60 \
        build/sim_engine > "$logs/sim-$i.log" 2>&1 &
    workers+=($!)
done
failed=0
for i in "${!workers[@]}"; do
    if ! wait "${workers[$i]}"; then
        failed=1
        cat "$logs/sim-$i.log"
    fi
done
done_now=0
for ((i = 0; i < jobs; i++)); do
    sed -n '/^simulated/,/^==/{/^==/!p}' "$logs/sim-$i.log"
    count=$(sed -n 's/^simulated .* twice: \([0-9]*\) incidents.*/\1/p' "$logs/sim-$i.log")
    done_now=$((done_now + ${count:-0}))
done
echo "sim: $done_now incidents, each world twice, in $((SECONDS - begun)) s on $jobs cores"
[ "$failed" -eq 0 ] && [ "$done_now" -ge "$incidents" ]
