#!/usr/bin/env bash
# Why: a leverd that cannot see says so first, everywhere, and never that all is well.
exec python3 -B "$(dirname "$0")/blind.py" "$@"
