#!/usr/bin/env bash
# Why: metrics, alerts, dashboard, API, ledger and command line all tell the same story.
exec python3 -B "$(dirname "$0")/faces.py" "$@"
