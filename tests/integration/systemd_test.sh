#!/usr/bin/env bash
# Why: systemd only warns about a misspelt directive, so a unit must be checked for silence, and its
# exposure must not creep up.
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

check() { # check NAME COMMAND...: passes when the command succeeds and prints nothing
    local name=$1 out
    shift
    if out=$("$@" 2>&1) && [ -z "$out" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAIL %s\n%s\n' "$name" "$out"
    fi
}

# verify wants to see the programs of the unit; a stub stands in where leverd is not installed.
unit_with() { # unit_with SED-EXPRESSION: writes a copy of the unit that calls the stub
    printf '#!/bin/sh\nexit 0\n' > "$work/leverd"
    chmod 755 "$work/leverd"
    local file
    for file in leverd.service leverd-exec.socket leverd-exec@.service; do
        sed -e "s#/usr/bin/leverd#$work/leverd#" -e "/^Documentation=/d" -e "$1" \
            "$here/systemd/$file" > "$work/$file"
    done
}
verify() { systemd-analyze verify --man=no "$work/leverd.service"; }
verify_exec() { systemd-analyze verify --man=no "$work/leverd-exec.socket" "$work/leverd-exec@.service"; }
exposure_of() { # exposure_of UNIT TENTHS
    systemd-analyze security --offline=true --threshold="$2" --no-pager "$work/$1" \
        > "$work/security" || tail -1 "$work/security"
}
exposure() { exposure_of leverd.service 15; }
exec_exposure() { exposure_of leverd-exec@.service 30; }
# What makes the programs' unit worth having: another user, no way to secrets and state, and an end
# that takes everything along.
exec_is_apart() {
    local unit="$here/systemd/leverd-exec@.service" line
    for line in User=leverd-exec Group=leverd-exec KillMode=control-group NoNewPrivileges=yes \
        StandardInput=socket; do
        grep -qx "$line" "$unit" || echo "missing: $line"
    done
    for line in /var/lib/leverd /etc/leverd/credentials /run/credentials; do
        grep -q "^InaccessiblePaths=.*-$line\b" "$unit" || echo "reachable: $line"
    done
    grep -qx 'Accept=yes' "$here/systemd/leverd-exec.socket" || echo "one instance for all runs"
    grep -qx 'SocketMode=0660' "$here/systemd/leverd-exec.socket" || echo "open to others"
}
exec_socket_is_used() {
    local path
    path=$(sed -n 's/^ListenStream=//p' "$here/systemd/leverd-exec.socket")
    grep -qx "exec_socket = \"$path\"" "$here/config/leverd.toml" || echo "the config names another"
}
refused() { # refused FUNCTION: silent when the function complains
    local out
    if out=$("$1" 2>&1) && [ -z "$out" ]; then
        echo "was accepted"
    fi
}
sysusers() { systemd-sysusers --root="$work/root" "$here/systemd/leverd.sysusers" 2>&1 |
    { grep -v '^Creating ' || true; }; }
users_made() { grep -q '^leverd:' "$work/root/etc/passwd" && grep -q '^leverd-exec:' "$work/root/etc/passwd"; }
tmpfiles() { systemd-tmpfiles --root="$work/root" --create "$here/systemd/leverd.tmpfiles"; }
credentials_closed() { [ "$(stat -c %a "$work/root/etc/leverd/credentials")" = 700 ]; }
# A credential that the shipped config names and the unit does not deliver would stop the start.
credentials_delivered() {
    local name
    for name in $(sed -n 's/.*credential = "\([^"]*\)".*/\1/p' "$here/config/leverd.toml"); do
        grep -q "^LoadCredential=$name:" "$here/systemd/leverd.service" || { echo "missing: $name"; return 1; }
    done
}
reload_checks_first() {
    [ "$(grep -m1 '^ExecReload=' "$here/systemd/leverd.service")" = \
        'ExecReload=/usr/bin/leverd reload --wait' ]
}

mkdir -p "$work/root/etc"
unit_with ''
check "verify is silent" verify
check "exposure is at most 1.5" exposure
check "the units for programs verify silently" verify_exec
check "their exposure is at most 3.0" exec_exposure
check "programs run apart from leverd" exec_is_apart
check "the shipped config uses the socket" exec_socket_is_used
check "reload checks the configuration first" reload_checks_first
check "the unit delivers every credential that the shipped config names" credentials_delivered
unit_with 's/^WatchdogSec=/WatchdogSecs=/'
check "a misspelt directive is noticed" refused verify
unit_with 's/^CapabilityBoundingSet=.*//; s/^ProtectSystem=.*//; s/^NoNewPrivileges=.*//'
check "a weaker unit is noticed" refused exposure
check "sysusers is accepted" sysusers
check "the users are made" users_made
check "tmpfiles is accepted" tmpfiles
check "the credentials' directory is closed" credentials_closed

echo "systemd_test: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
