#!/usr/bin/env bash
# Resolves the three lock files from pyproject.toml: names, versions and hashes for every Linux
# Python from 3.11 on, and no registry address. Keeps what is locked unless told `--upgrade`.
set -euo pipefail
cd "$(dirname "$0")/.."

uv=${UV:-.venv/bin/uv}
[ -x "$uv" ] || { echo "lock: $uv is missing; run: make venv" >&2; exit 1; }

compile() {
    local out=$1
    shift
    "$uv" --no-config pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --no-annotate --no-header \
        pyproject.toml "$@" --output-file "$out"
    if grep -qE '://|file:' "$out"; then
        echo "lock: $out names an address; it must hold names, versions and hashes only" >&2
        exit 1
    fi
    echo "lock: $out: $(grep -c '^[a-z]' "$out") packages"
}

compile requirements-dev.lock --extra controller --group dev "$@"
compile requirements.lock --extra controller --constraint requirements-dev.lock "$@"
compile requirements-build.lock --group build --constraint requirements-dev.lock "$@"
