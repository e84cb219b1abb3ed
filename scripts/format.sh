#!/usr/bin/env bash
# Why: one format, checked by a step that fails, so that no review speaks of it.
#
# usage: scripts/format.sh [--mend]
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
if [ "${1:-}" = --mend ]; then
    git ls-files -z '*.cpp' '*.hpp' | xargs -0 clang-format-19 -i && echo "format: done"
    exit
fi
wrong=$(git ls-files -z '*.cpp' '*.hpp' |
    xargs -0 -P "$(nproc)" -n 50 clang-format-19 --dry-run -Werror 2>&1 | grep 'error:' | cut -d : -f 1 | sort -u)
if [ -n "$wrong" ]; then
    printf '%s\n' "$wrong"
    echo "format: $(printf '%s\n' "$wrong" | wc -l) files differ; mend them: make fmt"
    exit 1
fi
echo "format: $(git ls-files '*.cpp' '*.hpp' | wc -l) files ok"
