#!/usr/bin/env bash
# Why: the general probes meet real servers with real faults: nginx, stunnel, openssl, Prometheus.
exec python3 -B "$(dirname "$0")/probes.py" "$@"
