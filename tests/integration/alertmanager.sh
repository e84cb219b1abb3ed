#!/usr/bin/env bash
# Why: people who have the rules, the sink, or both must be called once about one thing. Played with
# the real Prometheus and the real Alertmanager, and the shipped rules and example.
exec python3 -B "$(dirname "$0")/alertmanager.py" "$@"
