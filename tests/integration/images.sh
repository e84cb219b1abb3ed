#!/usr/bin/env bash
# Why: what image_drift says of receipt, tag and running tenants, and of a registry that is lost, is
# held against a registry and tenants that answer over TLS.
exec python3 -B "$(dirname "$0")/images.py" "$@"
