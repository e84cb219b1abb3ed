#!/usr/bin/env bash
# Why: programs of the configuration run as another user, by a helper that systemd starts for each
# run. Here systemd-socket-activate stands in for it, so that what is asked, refused and ended is
# seen on the real program, as root and without a booted systemd.
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
exec python3 "$here/tests/integration/exec.py" "${LEVERD_BUILD:-$here/build}/leverd"
