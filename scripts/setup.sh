#!/usr/bin/env bash
# Why: a fresh Debian 12 or 13 becomes a machine that can build, test or measure leverd with one
# command. Installs only what is missing, so the second time takes no time and needs no root.
#
# usage: scripts/setup.sh [build|test|bench|all]
set -euo pipefail

what=${1:-build}
# shellcheck disable=SC1091
release=$(. /etc/os-release 2> /dev/null && echo "${ID:-}-${VERSION_ID:-}")

case $release in
    debian-12) boost=(libboost1.81-dev libboost-url1.81-dev) ;;
    debian-13) boost=(libboost-dev libboost-url-dev) ;;
    *)
        echo "setup: Debian 12 or 13 is needed, this is ${release:-unknown}" >&2
        exit 1
        ;;
esac

build=(clang-19 libclang-rt-19-dev lld-19 ccache cmake ninja-build pkg-config ca-certificates curl
    make python3 "${boost[@]}" libssl-dev libc-ares-dev libre2-dev libsqlite3-dev libsystemd-dev
    nlohmann-json3-dev libfmt-dev libspdlog-dev libtomlplusplus-dev prometheus-cpp-dev libcli11-dev
    libhowardhinnant-date-dev tzdata catch2)
test=(g++ clang-format-19 llvm-19 prometheus prometheus-alertmanager docker-registry chromium strace systemd jq openssl
    procps iproute2 stunnel4 nginx-light apache2-utils mmdebstrap systemd-container)
bench=(prometheus-blackbox-exporter prometheus nginx-light jq wrk openssl python3)

case $what in
    build) wanted=("${build[@]}") ;;
    test) wanted=("${build[@]}" "${test[@]}") ;;
    bench) wanted=("${build[@]}" "${bench[@]}") ;;
    all) wanted=("${build[@]}" "${test[@]}" "${bench[@]}") ;;
    *)
        echo "usage: scripts/setup.sh [build|test|bench|all]" >&2
        exit 64
        ;;
esac

installed() { # pkg-config is a virtual name on newer releases: provided packages count too
    dpkg-query -W -f '${db:Status-Status} ${Package}, ${Provides}\n' 2> /dev/null |
        sed -n 's/^installed //p' | sed 's/ ([^)]*)//g' | tr ',' '\n' | tr -d ' ' | sort -u
}
mapfile -t missing < <(printf '%s\n' "${wanted[@]}" | sort -u | comm -23 - <(installed))
if [ "${#missing[@]}" -eq 0 ]; then
    echo "setup: nothing to install for '$what'"
    exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo > /dev/null; then
        echo "setup: as root or with sudo, please: apt-get install ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi

# Prometheus, nginx and the registry are here as programs for tests, not as services of this machine.
policy=/usr/sbin/policy-rc.d
guarded=no
release_guard() {
    if [ "$guarded" = yes ]; then
        "${as_root[@]}" rm -f "$policy"
    fi
}
trap release_guard EXIT
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" > /dev/null
    "${as_root[@]}" chmod 755 "$policy"
    guarded=yes
fi

echo "setup: installing ${#missing[@]} packages for '$what': ${missing[*]}"
"${as_root[@]}" apt-get update -q -q
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -q -y --no-install-recommends "${missing[@]}" > /dev/null

if [ -d /run/systemd/system ]; then
    for service in prometheus prometheus-alertmanager docker-registry prometheus-blackbox-exporter nginx; do
        if printf '%s\n' "${missing[@]}" | grep -qx "$service"; then
            echo "setup: $service stays off at boot; tests start their own"
            "${as_root[@]}" systemctl disable --quiet "$service" || true
        fi
    done
fi
echo "setup: done"
