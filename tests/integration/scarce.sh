#!/usr/bin/env bash
# Why: whoever takes no connection on, and a process that may hardly open anything, hold nobody up.
exec python3 -B "$(dirname "$0")/scarce.py" "$@"
