#!/usr/bin/env bash
# Why: each lever fires once, does what it says, and is proven; each nasty end is called what it is.
exec python3 -B "$(dirname "$0")/levers.py" "$@"
