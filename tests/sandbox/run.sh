#!/usr/bin/env bash
# Why: the first thing a newcomer sees. Starts the sandbox stack and leverd against it, lets the demo day play, and says
# at the end what happened. Usage: run.sh [BUILD_DIR]; FOR=90s ends it by itself, else Ctrl-C does.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:-$here/../../build}" && pwd)
state=$(mktemp -d "${TMPDIR:-/tmp}/leverd-demo.XXXXXX")
listen=${LISTEN:-127.0.0.1:9847}
sandbox= daemon=

stop() {
    [ -n "$daemon" ] && kill "$daemon" 2>/dev/null && wait "$daemon" 2>/dev/null || true
    [ -n "$sandbox" ] && kill "$sandbox" 2>/dev/null && wait "$sandbox" 2>/dev/null || true
    rm -rf "$state"
}
trap stop EXIT

seconds() { # "90s", "2m", "90" -> seconds; empty stays empty
    case "${1:-}" in
        '') ;;
        *m) echo $((${1%m} * 60)) ;;
        *) echo "${1%s}" ;;
    esac
}
limit=$(seconds "${FOR:-}")

"$build/leverd-sandbox" --dir "$state" --port 0 --dns-port 0 --control-port 0 --story none \
    --leverd-listen "$listen" --config-dir "$here/config" \
    --operator "http://$listen" --operator-token-file "$state/api-token" >"$state/story.log" 2>&1 &
sandbox=$!
for _ in $(seq 100); do
    [ -s "$state/ports.json" ] && break
    kill -0 "$sandbox" 2>/dev/null || { cat "$state/story.log" >&2; echo "the sandbox did not start" >&2; exit 1; }
    sleep 0.1
done
control=$(sed -n 's/.*"control": *\([0-9]*\).*/\1/p' "$state/ports.json")

"$build/leverd" run --config "$state/leverd.toml" 2>"$state/leverd.log" &
daemon=$!
for _ in $(seq 100); do
    curl -fsS -o /dev/null "http://$listen/-/ready" 2>/dev/null && break
    kill -0 "$daemon" 2>/dev/null || { cat "$state/leverd.log" >&2; daemon=; exit 1; }
    sleep 0.1
done
curl -fsS -o /dev/null -X POST -H 'Content-Type: application/json' -d '{"name":"day"}' "http://127.0.0.1:$control/story"

cat <<EOF
leverd watches the sandbox stack; the demo day takes 84 seconds.
  page      http://$listen/
  metrics   http://$listen/metrics
  ask it    $build/leverd why --socket $state/leverd.sock tenant/acme
  approve   the on-call operator of the demo approves the platform rollback by himself
EOF
[ -n "$limit" ] && echo "  ends after $limit s" || echo "  Ctrl-C ends it"
echo

tail -n +1 -F --pid="$sandbox" "$state/story.log" 2>/dev/null &
tail=$!
trap 'kill $tail 2>/dev/null || true; echo; summary; stop; trap - EXIT; exit 0' INT TERM

summary() {
    echo "What happened:"
    "$build/leverd" incidents --socket "$state/leverd.sock" || true
    echo
    "$build/leverd" status --socket "$state/leverd.sock" || true
    echo
    "$build/leverd" ledger verify --state "$state/state"
    echo "Calls that changed something in the stack:"
    curl -fsS "http://127.0.0.1:$control/journal?effects=1" |
        python3 -c 'import json,sys
for c in json.load(sys.stdin):
    if c.get("host") not in ("user","person","story"):
        print("  {:6} {:28} {}".format(c.get("method","")[:6], c.get("host","")[:28], c.get("effect","")))'
}

if [ -n "$limit" ]; then
    left=$limit
    while [ "$left" -gt 0 ]; do
        kill -0 "$daemon" 2>/dev/null || { echo "leverd ended early" >&2; cat "$state/leverd.log" >&2; exit 1; }
        sleep 1
        left=$((left - 1))
    done
    kill "$tail" 2>/dev/null || true
    echo
    summary
else
    wait "$daemon"
fi
