#!/usr/bin/env bash
# Why: what systemd does with leverd (priorities in the journal, watchdog, exit codes, reload) is
# known only from a real systemd. One boots here as the first process of a container, from a fresh
# Debian, with the shipped unit.
#
# usage: tests/service/run.sh [bookworm|trixie]   (default: the release of this machine)
# On this machine's release the container runs build/leverd; on the other one it builds its own.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck disable=SC1091
own=$(. /etc/os-release && echo "$VERSION_CODENAME")
suite=${1:-$own}
build=${LEVERD_BUILD:-$root/build}
# Kept: making it takes a mirror and half a minute.
kept=${LEVERD_SERVICE_ROOTS:-$root/build-logs}/root-$suite.tar

if [ "$(id -u)" -ne 0 ]; then
    echo "service: a container needs root; run it with sudo"
    echo "0 passed, 1 failed"
    exit 1
fi

work=$(mktemp -d /var/tmp/leverd-service.XXXXXX)
trap 'rm -rf "$work"' EXIT

# The mirror that this machine installs from, whatever it is called.
mirror() {
    apt-get indextargets --format '$(CODENAME) $(REPO_URI)' | sed -n "s/^$own //p" | head -n 1
}
packages() { # the libraries that the program needs, by the package that this machine has them from
    echo systemd,systemd-sysv,dbus,procps
    if [ "$suite" = "$own" ]; then
        ldd "$build/leverd" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p' | xargs -n 1 readlink -f |
            while read -r file; do
                dpkg -S "$file" 2> /dev/null || dpkg -S "${file#/usr}" 2> /dev/null || true
            done | sed 's/:.*//' | sort -u
    else
        echo ca-certificates
    fi
}
wanted=$(packages | paste -sd ,)
if [ ! -s "$kept" ] || [ "$(cat "$kept.packages" 2> /dev/null)" != "$wanted" ]; then
    mkdir -p "$(dirname "$kept")"
    mmdebstrap -q --variant=apt --mode=root --format=tar --include="$wanted" "$suite" "$kept.new" \
        "deb $(mirror) $suite main" > "$work/bootstrap.log" 2>&1 || { cat "$work/bootstrap.log"; exit 1; }
    mv "$kept.new" "$kept"
    printf '%s' "$wanted" > "$kept.packages"
fi
mkdir "$work/root"
tar -C "$work/root" -xf "$kept"

if [ "$suite" != "$own" ]; then
    # The other release builds for itself, as its users do; only the sources go in.
    mkdir "$work/root/src"
    git -C "$root" ls-files -z | tar -C "$root" --null -T - -cf - | tar -C "$work/root/src" -xf -
    cp -L /etc/resolv.conf "$work/root/etc/resolv.conf" 2> /dev/null || true
    systemd-nspawn -q -D "$work/root" --register=no --keep-unit --resolv-conf=off --pipe \
        sh -c 'cd /src && make build' > "$work/build.log" 2>&1 < /dev/null ||
        { tail -n 60 "$work/build.log"; echo "0 passed, 1 failed"; exit 1; }
    build=$work/root/src/build
fi
python3 -B "$here/service.py" "$work" "$build/leverd" "$root"
