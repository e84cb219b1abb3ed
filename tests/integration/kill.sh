#!/usr/bin/env bash
# Why: kill -9, a second daemon, a bad reload and the stop switch never lead to a second or unwanted call.
exec python3 -B "$(dirname "$0")/kill.py" "$@"
