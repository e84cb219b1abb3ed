#!/usr/bin/env bash
# Why: whether the freeze holds is asked of a forge, which may lie still, refuse or be gone.
exec python3 -B "$(dirname "$0")/release.py" "$@"
