#!/usr/bin/env bash
# Why: the template rollback works on a real registry, not only on ours: with a password or tokens,
# read-only, behind a stale mirror, without the manifest, and while somebody else moves the tag.
exec python3 -B "$(dirname "$0")/registry.py" "$@"
