#!/usr/bin/env bash
# Why: a page must reach its receiver, once, in order, whatever the receiver, the network and the
# process do meanwhile.
exec python3 -B "$(dirname "$0")/pages.py" "$@"
