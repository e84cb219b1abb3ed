#!/usr/bin/env bash
# Why: every test that CI runs, in the order in which a fault is cheapest to find, each step with its
# time. A step that fails does not stop the others; the last line counts what passed and failed.
# Nothing in here judges how fast the machine is: a ceiling only says when to give up.
#
# usage: scripts/test.sh [STEP...]        (what `make test` runs when none is named)
#        scripts/test.sh all [STEP...]    (the full campaigns and both Debian releases)
set -uo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root" || exit 1
logs=$root/build-logs
mkdir -p "$logs"
jobs=${JOBS:-$(nproc)}
passed=0
failed=0
failures=()

# Counts a ctest run by its tests and anything else as one.
count() { # count NAME STATUS LOG
    local total bad
    total=$(sed -n 's/.* tests\{0,1\} failed out of \([0-9]*\)$/\1/p' "$3" | tail -1)
    bad=$(sed -n 's/.*, \([0-9]*\) tests\{0,1\} failed out of .*/\1/p' "$3" | tail -1)
    if [ -n "$total" ] && [ -n "$bad" ] && { [ "$bad" -gt 0 ] || [ "$2" -eq 0 ]; }; then
        passed=$((passed + total - bad))
        failed=$((failed + bad))
    elif [ "$2" -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
    fi
    if [ "$2" -ne 0 ]; then
        failures+=("$1")
    fi
}

log_of() { echo "$logs/${1//[^a-z0-9_-]/_}.log"; }

perform() { # perform NAME COMMAND...: leaves its log, its status and its seconds
    local log status=0 begun=$SECONDS cpu
    log=$(log_of "$1")
    shift
    cpu=$({ TIMEFORMAT='%U %S'; time "$@" > "$log" 2>&1; } 2>&1) || status=$?
    echo "$status $((SECONDS - begun)) $(awk '{ printf "%d", $1 + $2 }' <<< "$cpu")" > "$log.end"
}

report() { # report NAME: what `perform` left
    local log status took cpu
    log=$(log_of "$1")
    read -r status took cpu < "$log.end"
    rm -f "$log.end"
    count "$1" "$status" "$log"
    if [ "$status" -ne 0 ]; then
        tail -n 60 "$log"
        printf '   FAILED after %s s (%s s of processor), whole log: %s\n' "$took" "$cpu" \
            "${log#"$root"/}"
    else
        printf '   ok, %s s, %s s of processor: %s\n' "$took" "$cpu" "$(grep -v '^$' "$log" | tail -n 1 | cut -c 1-100)"
    fi
    return "$status"
}

step() {
    printf '== %s\n' "$1"
    perform "$@"
    report "$1"
}

running=()
beside() { # beside NAME COMMAND...: starts it as soon as there is room
    while [ "$(jobs -rp | wc -l)" -ge $((jobs + 2)) ]; do
        wait -n || true
    done
    perform "$@" &
    running+=("$1")
}
all_beside() {
    local name
    wait
    for name in "${running[@]}"; do
        printf '== %s\n' "$name"
        report "$name" || true
    done
    running=()
}

built() { # built PRESET TARGETS...: configures and builds
    local preset=$1
    shift
    cmake --preset "$preset" "${cmake_extra[@]}" && cmake --build "build-$preset" -j "$jobs" \
        ${1:+--target "$@"}
}
cmake_extra=()

tested() { # tested PRESET [CTEST-ARGUMENTS...]
    local preset=$1
    shift
    ctest --test-dir "build-$preset" --output-on-failure --no-tests=error -j "$jobs" "$@"
}

alerts() {
    promtool check rules exporters/prometheus/leverd.rules.yml &&
        promtool test rules exporters/prometheus/leverd.*rules_test.yml &&
        amtool check-config exporters/prometheus/alertmanager.example.yml
}

step_setup() { step setup scripts/setup.sh test; }
step_format() { step format scripts/format.sh; }
step_tidy() {
    step tidy-rules python3 tests/tidy/tidy_test.py
    step tidy python3 tests/tidy/tidy.py
}
step_alerts() {
    step alerts alerts
    step dashboard python3 tests/integration/dashboard_check.py
}
# Units and simulation run once, under the sanitizers: what passes there passes without them.
step_unit() {
    export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:check_initialization_order=1
    export UBSAN_OPTIONS=print_stacktrace=1
    export ASAN_SYMBOLIZER_PATH=/usr/bin/llvm-symbolizer-19
    step build-asan built asan || return
    step unit-asan tested asan
    step fuzz tests/fuzz/run.sh build-asan 5
}
# The sanitizers see three worlds; here are enough of them, optimised, to meet what is rare.
step_sim() {
    step sim tests/sim/run.sh "$incidents"
    step build-sim built_sim || return
    # A thousand broken firings of each lever, judged by what production saw.
    beside campaign env LEVER_RUNS="$campaign" build/lever_campaign
    # The whole process in virtual time, killed and started again.
    beside process env SIM_SEEDS="$seeds" build/sim_app
    # Ten thousand tenants with thirty thousand workspaces; the sanitizers see fewer.
    beside outage env MASS_TENANTS=10000 build/unit_replay "a fleet that*"
    all_beside
}
built_sim() {
    cmake --preset release && cmake --build build -j "$jobs" --target lever_campaign sim_app unit_replay
}
# The binaries that people run, against the sandbox and against real neighbours. They mostly wait, so
# a few run beside each other; what measures latencies or costs runs alone.
step_integration() {
    local script
    step build-release cmake_release || return
    step sandbox tests/sandbox/smoke_test.sh build/leverd-sandbox
    export LEVERD_BUILD=$root/build
    # The longest ones begin.
    for script in tests/integration/{sweep,storyline,levers}.sh tests/integration/*.sh \
        tests/browser/*.sh; do
        case " events probes mass ${running[*]} " in
            *" $(basename "$script" .sh) "*) ;;
            *) beside "$(basename "$script" .sh)" apart "$script" ;;
        esac
    done
    all_beside
    for script in tests/integration/{events,probes,mass}.sh; do
        step "$(basename "$script" .sh)" apart "$script"
    done
}
# Each script has a loopback of its own where that is allowed: no port is taken twice, and nothing
# outside can be reached.
apart() {
    if unshare --net true 2> /dev/null; then
        timeout "$give_up" unshare --net sh -c 'ip link set lo up && exec "$@"' apart "$@"
    else
        timeout "$give_up" "$@"
    fi
}
cmake_release() {
    cmake --preset release && cmake --build build -j "$jobs" --target leverd leverd-sandbox
}
# Threads meet in the ledger, the network side and the web server; the rest runs on one.
step_tsan() {
    export TSAN_OPTIONS=halt_on_error=1
    step build-tsan built tsan unit_ledger unit_net unit_web &&
        step tsan tested tsan -R '^unit_(ledger|net|web)$'
}
# The second compiler checks the product; the first one has run its tests. It takes what the
# integration scripts, which mostly wait, leave of the processors.
step_gcc() {
    cmake_extra=(-DBUILD_TESTING=OFF -DLEVERD_SYNTAX_ONLY=ON)
    beside gcc modestly built gcc leverd_objects
    cmake_extra=()
}
# The shipped unit under a real systemd in a container.
step_service() {
    local suite
    step build-release cmake_release || return
    for suite in $releases; do
        step "service-$suite" tests/service/run.sh "$suite"
    done
}
modestly() {
    renice -n 19 "$BASHPID" > /dev/null
    "$@"
}

all=(setup format tidy alerts unit tsan sim gcc integration service)
# shellcheck disable=SC1091
releases=$(. /etc/os-release && echo "$VERSION_CODENAME")
incidents=10000
seeds=20
campaign=1000
give_up=1800 # seconds for one script
if [ "${1:-}" = all ]; then
    shift
    releases="bookworm trixie"
    incidents=100000
    seeds=200
    campaign=5000
    give_up=7200
fi
chosen=("$@")
if [ "${#chosen[@]}" -eq 0 ]; then
    chosen=("${all[@]}")
fi
for name in "${chosen[@]}"; do
    if ! declare -F "step_$name" > /dev/null; then
        echo "no such step: $name; there are: ${all[*]}" >&2
        exit 64
    fi
done
for name in "${chosen[@]}"; do
    "step_$name" || true
done
all_beside
printf '== all steps took %s s\n' "$SECONDS"
if [ "${#failures[@]}" -gt 0 ]; then
    printf '   failed: %s\n' "${failures[*]}"
fi
echo "$passed passed, $failed failed" | tee "$logs/summary"
[ "$failed" -eq 0 ]
