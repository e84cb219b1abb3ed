#!/usr/bin/env bash
# Why: a full disk, a disk that loses writes, SIGTERM and SIGHUP in the middle of a lever never lead to
# a call without a record or to a second call. The small disk is a mount of our own.
if [ "$(id -u)" -eq 0 ]; then own=(unshare --mount); else own=(unshare --mount --map-root-user); fi
exec "${own[@]}" python3 -B "$(dirname "$0")/disk.py" "$@"
