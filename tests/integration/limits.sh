#!/usr/bin/env bash
# Why: what leverd may ask for and with what: a tenant whose rate limit runs low is left alone, and a
# credential is judged by an interface that really looks at it.
exec python3 -B "$(dirname "$0")/limits.py" "$@"
