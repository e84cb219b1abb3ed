#!/usr/bin/env bash
# Why: no byte that leverd stores, shows or sends to the wrong place may hold a secret, whatever the
# other side does with what it was sent.
exec python3 -B "$(dirname "$0")/canary.py" "$@"
