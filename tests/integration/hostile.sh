#!/usr/bin/env bash
# Why: what a remote side sends can neither crash nor bloat leverd, nor make it act.
exec python3 -B "$(dirname "$0")/hostile.py" "$@"
