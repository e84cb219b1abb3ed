#!/usr/bin/env bash
# Why: events wake looks, are believed only when signed, are known again after a restart, and cost
# nothing in a storm.
exec python3 -B "$(dirname "$0")/events.py" "$@"
