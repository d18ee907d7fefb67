#!/usr/bin/env bash
# Installs, as root, the Debian 12 or Ubuntu 24.04 packages that the tests and the benchmark drive:
# BGP daemons of other people and the tools that build a network of namespaces. No service of theirs
# is started or enabled here; the tests run the programs themselves. Quick where all is installed.
# `debian.sh image` installs what builds a container image instead.
set -euo pipefail

# The package tables: Debian 12 and Ubuntu 24.04 name all of these alike.
for_tests=(
    bird2        # router under test
    ca-certificates
    conntrack    # what kube-proxy clears
    curl
    exabgp       # measured against
    frr          # router under test
    gobgpd       # router under test, measured against
    iproute2     # namespaces, links, kernel routes
    iptables     # kube-proxy asks for it even in nftables mode
    iputils-ping
    kmod
    nftables     # kube-proxy's backend
    openbgpd     # router under test
    openssl      # the control plane's certificates
    procps
    tcpdump
)
for_image=(
    buildah
    libcap2-bin  # looks for file capabilities
    mmdebstrap   # a base image without a registry
    podman
    runc         # podman's own choice, crun, refuses some kernels' cgroups
)
case ${1:-tests} in
    tests) packages=("${for_tests[@]}") ;;
    image) packages=("${for_image[@]}") ;;
    *) echo "debian: unknown set '$1'; say tests or image" >&2; exit 2 ;;
esac

stop() {
    echo "debian: $1" >&2
    exit 1
}

missing() {
    local name
    for name in "${packages[@]}"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || echo "$name"
    done
}

command -v apt-get >/dev/null && command -v dpkg-query >/dev/null \
    || stop "this is not Debian or Ubuntu; install by your own means: ${packages[*]}"
mapfile -t wanted < <(missing)
if [ ${#wanted[@]} -eq 0 ]; then
    echo "debian: all ${#packages[@]} packages are installed"
    exit 0
fi
[ "$(id -u)" -eq 0 ] || stop "not root, so ${wanted[*]} cannot be installed; run: sudo bash tools/debian.sh ${1:-tests}"

# While we install, this file answers "do not start" to every package; the one that stood there
# before comes back afterwards, however we end.
policy=/usr/sbin/policy-rc.d
kept=$(mktemp -d)
restore() {
    rm -f "$policy"
    if [ -e "$kept/policy" ] || [ -L "$kept/policy" ]; then
        mv "$kept/policy" "$policy"
    fi
    rm -rf "$kept"
}
trap restore EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
if [ -e "$policy" ] || [ -L "$policy" ]; then
    mv "$policy" "$kept/policy"
fi
printf '#!/bin/sh\nexit 101\n' > "$policy"
chmod 755 "$policy"
export RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l

echo "debian: fetching the package lists"
apt-get update -qq || stop "apt-get update failed; see its message above, then run this again"
echo "debian: installing ${#wanted[@]} packages: ${wanted[*]}"
apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 -o Dpkg::Options::=--force-confold \
    "${wanted[@]}" >"$kept/log" 2>&1 </dev/null \
    || { tail -20 "$kept/log" >&2; stop "apt-get install failed; see its last lines above"; }

# A package enables its services for the next boot; those of the packages we brought are not.
if command -v systemctl >/dev/null; then
    mapfile -t units < <(dpkg -L "${wanted[@]}" | sed -n 's|.*/systemd/system/\([^/@]*\.service\)$|\1|p' | sort -u)
    echo "debian: leaving disabled: ${units[*]:-no service}"
    systemctl disable --quiet "${units[@]}" >/dev/null 2>&1 || true
fi

mapfile -t wanted < <(missing)
[ ${#wanted[@]} -eq 0 ] || stop "still missing after the installation: ${wanted[*]}"
echo "debian: all ${#packages[@]} packages are installed"
