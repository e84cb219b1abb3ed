#!/usr/bin/env bash
# Why: the status page as a person meets it, in a real browser, while something is wrong.
set -euo pipefail
cd "$(dirname "$0")"
exec python3 page.py
