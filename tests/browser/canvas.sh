#!/usr/bin/env bash
# Why: a page whose files all load and whose script throws is blank for its users; the canvas probe's
# own browser has to see that, and has to leave nothing behind.
set -euo pipefail
cd "$(dirname "$0")"
exec python3 -B canvas.py
