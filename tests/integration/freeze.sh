#!/usr/bin/env bash
# Why: a captured receipt holds every image, is read by leverd, and shows what moved since.
exec python3 -B "$(dirname "$0")/freeze.py" "$@"
