#!/usr/bin/env bash
# Why: a lever fired by hand goes through every guard, is confirmed, recorded, and never sent twice.
exec python3 -B "$(dirname "$0")/fire.py" "$@"
