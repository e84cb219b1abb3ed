#!/usr/bin/env bash
# Why: the demo day is the promise of the product; the sandbox's journal says whether it was kept.
exec python3 -B "$(dirname "$0")/storyline.py" "$@"
