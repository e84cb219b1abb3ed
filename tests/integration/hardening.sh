#!/usr/bin/env bash
# Why: a compiler flag that somebody drops is missed by nobody. What Debian asks of its packages is
# looked for in the binary itself, and what leaves no trace there in the commands that built it.
# usage: hardening.sh [BINARY [COMPILE_COMMANDS]]
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
build=${LEVERD_BUILD:-$here/build}
binary=${1:-$build/leverd}
commands=${2:-$build/compile_commands.json}
passed=0
failed=0

check() { # check NAME COMMAND...
    local name=$1
    shift
    if "$@" > /dev/null 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAIL %s\n' "$name"
    fi
}
elf() { # elf PATTERN OPTIONS...: readelf says a line like this; read to its end, for pipefail
    local pattern=$1 said
    shift
    said=$(readelf --wide "$@" "$binary")
    grep -Eq "$pattern" <<< "$said"
}
not() { ! "$@"; }
built_with() { # built_with FLAG: every source of the product was
    python3 - "$commands" "$1" "$here" << 'PY'
import json, os, sys
path, flag, here = sys.argv[1:]
parts = [os.path.join(here, part) + os.sep
         for part in ("core", "config", "policies", "probes", "exporters", "daemon")]
mine = [c for c in json.load(open(path))
        if any(os.path.realpath(c["file"]).startswith(p) for p in parts)]
sys.exit(0 if mine and all(flag in c["command"].split() for c in mine) else 1)
PY
}

check "it is position independent" elf 'Type: +DYN' -h
check "its relocations become read-only" elf 'GNU_RELRO' -l
check "all symbols are bound at the start" elf '\(FLAGS_1\).*NOW|\(BIND_NOW\)' -d
check "its stack is not executable" not elf 'GNU_STACK.* RWE' -l
check "its stack is guarded" elf '__stack_chk_fail' --dyn-syms
check "calls of the C library are checked for size" elf '__(mem|str|fd|read|recv|poll|s|v|f)[a-z]*_chk' --dyn-syms
check "containers check their indices" elf '__glibcxx_assert_fail' --dyn-syms
check "stack clashes are caught" built_with -fstack-clash-protection
case $(uname -m) in
    x86_64)
        check "control flow is guarded" built_with -fcf-protection=full
        ;;
    aarch64) check "control flow is guarded" built_with -mbranch-protection=standard ;;
esac

echo "hardening: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
