#!/usr/bin/env bash
# Why: what a person is told, through the running daemon: what a lever destroyed, a program that did
# nothing, who saw to it, and a page whose history is gone.
exec python3 -B "$(dirname "$0")/told.py" "$@"
