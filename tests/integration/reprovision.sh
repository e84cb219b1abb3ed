#!/usr/bin/env bash
# Why: lever D deletes nothing that it cannot recreate, on either build of the tenant platform.
exec python3 -B "$(dirname "$0")/reprovision.py" "$@"
