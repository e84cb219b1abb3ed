#!/usr/bin/env bash
# Why: an outage of everything at once is when leverd is needed most, and must be its easy case: no
# more work than on a quiet day, one page about the outage itself, faces that answer, nothing left.
exec python3 -B "$(dirname "$0")/mass.py" "$@"
