#!/usr/bin/env bash
# Why: a short look for inputs that break a parser of outside bytes; what it finds belongs into
# tests/fuzz/corpus, where the unit test reads it for ever.
#
# usage: tests/fuzz/run.sh BUILD [SECONDS-PER-TARGET]
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:?the build folder}" && pwd)
seconds=${2:-5}
jobs=${JOBS:-$(nproc)}
scratch=$(mktemp -d -t leverd-fuzz.XXXXXX)
trap 'rm -rf "$scratch"' EXIT
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1}

one() {
    local name=$1 found=$scratch/$1
    mkdir -p "$found/new"
    # The fuzzer writes what it finds into the first folder and only reads the second.
    if LEVERD_FUZZ=$name "$build/leverd-fuzz" -max_total_time="$seconds" -timeout=10 \
        -rss_limit_mb=1024 -max_len=65536 -print_final_stats=1 -artifact_prefix="$found/" \
        "$found/new" "$here/corpus/$name" > "$found/log" 2>&1; then
        printf '  ok      %-18s %s runs\n' "$name" \
            "$(sed -n 's/^stat::number_of_executed_units: *//p' "$found/log")"
    else
        printf '  FAILED  %s\n' "$name"
        tail -n 40 "$found/log"
        for input in "$found"/crash-* "$found"/timeout-* "$found"/oom-* "$found"/leak-*; do
            if [ -f "$input" ]; then
                printf '          the input, for %s: ' "tests/fuzz/corpus/$name/"
                base64 -w 0 "$input" | head -c 4000
                echo
            fi
        done
        return 1
    fi
}

failed=0
running=0
for folder in "$here"/corpus/*/; do
    one "$(basename "$folder")" &
    running=$((running + 1))
    if [ "$running" -ge "$jobs" ]; then
        wait -n || failed=$((failed + 1))
        running=$((running - 1))
    fi
done
while [ "$running" -gt 0 ]; do
    wait -n || failed=$((failed + 1))
    running=$((running - 1))
done
echo "fuzz: $seconds s per target, $failed of $(find "$here/corpus" -mindepth 1 -maxdepth 1 -type d | wc -l) targets failed"
[ "$failed" -eq 0 ]
