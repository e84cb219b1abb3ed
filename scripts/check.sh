#!/usr/bin/env bash
# Why: minutes, not an hour, between an edit and the first fault found: format, the tidy rules, and
# the unit tests of the folders that changed since the branch left origin/main (all of them when
# git cannot say).
#
# usage: scripts/check.sh [BASE]   (default: origin/main, else the last commit)
set -uo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root" || exit 1
jobs=${JOBS:-$(nproc)}
base=${1:-origin/main}
git rev-parse -q --verify "$base" > /dev/null || base=HEAD

mapfile -t changed < <({
    git diff --name-only "$(git merge-base HEAD "$base" 2> /dev/null || echo HEAD)"
    git ls-files --others --exclude-standard
} | sort -u)

failed=()
part() { # part NAME COMMAND...
    local name=$1
    shift
    printf '== %s\n' "$name"
    if ! "$@"; then
        failed+=("$name")
    fi
}

# The tests of a folder, by the first words of a changed path.
targets() {
    local path
    for path in "${changed[@]}"; do
        case $path in
            core/base/* | tests/unit/base/*) echo unit_base ;;
            core/model/* | tests/unit/model/*) echo unit_model unit_policies ;;
            core/net/* | tests/unit/net/*) echo unit_net ;;
            core/ledger/* | tests/unit/ledger/*) echo unit_ledger ;;
            core/stack/* | probes/* | tests/unit/probes/*) echo unit_probes ;;
            policies/levers/* | tests/unit/levers/*) echo unit_levers ;;
            policies/* | tests/unit/policies/*) echo unit_policies ;;
            config/*.[ch]pp | config/CMakeLists.txt | tests/unit/config/*) echo unit_config ;;
            exporters/prometheus/* | tests/unit/exporters/metrics_test.cpp) echo unit_metrics ;;
            exporters/* | tests/unit/exporters/* | daemon/cli_*) echo unit_web ;;
            daemon/* | tests/unit/daemon/*) echo unit_daemon unit_log ;;
        esac
    done | tr ' ' '\n' | sort -u
}

units() {
    local wanted known
    cmake --preset asan > build-check.log 2>&1 || { cat build-check.log; return 1; }
    rm -f build-check.log
    known=$(cmake --build build-asan --target help | sed -n 's/^\(unit_[a-z]*\):.*/\1/p' | sort -u)
    wanted=$(targets | comm -12 - <(echo "$known"))
    if [ -z "$wanted" ]; then
        echo "no unit test belongs to what changed"
        return 0
    fi
    echo "$wanted" | paste -sd ' '
    # shellcheck disable=SC2086
    cmake --build build-asan -j "$jobs" --target $wanted &&
        ctest --test-dir build-asan --output-on-failure --no-tests=error -j "$jobs" \
            -R "^($(echo "$wanted" | paste -sd '|'))\$"
}

part format scripts/format.sh
part tidy-rules python3 tests/tidy/tidy_test.py
part tidy python3 tests/tidy/tidy.py
part units units
printf '== %s s, %s files changed since %s\n' "$SECONDS" "${#changed[@]}" "$base"
if [ "${#failed[@]}" -gt 0 ]; then
    echo "check: failed: ${failed[*]}"
    exit 1
fi
echo "check: ok. Before a push: make test"
