#!/usr/bin/env bash
# Why: with every policy in recommend, no symptom leads to a call that changes something.
exec python3 -B "$(dirname "$0")/recommend.py" "$@"
