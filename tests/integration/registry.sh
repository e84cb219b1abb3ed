#!/usr/bin/env bash
# Why: the template rollback works on a real registry, not only on ours.
exec python3 -B "$(dirname "$0")/registry.py" "$@"
