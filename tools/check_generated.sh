#!/usr/bin/env bash
# Compares each generated file with what its command prints now; `--write` writes it anew.
# To add one, add a line at the end: source it is made from, file, command.
set -euo pipefail
cd "$(dirname "$0")/.."

mode=${1:-check}
fresh=$(mktemp)
trap 'rm -f "$fresh"' EXIT
stale=0

generated() {
    local source=$1 file=$2
    shift 2
    if [ ! -e "$source" ]; then
        echo "generated: $source is not written yet, so $file is not compared"
        return
    fi
    "$@" >"$fresh"
    if [ "$mode" = --write ]; then
        mkdir -p "$(dirname "$file")"
        cat "$fresh" >"$file"
        echo "generated: wrote $file"
    elif ! diff -u "$file" "$fresh"; then
        echo "generated: $file is not what '$*' prints; run: make crd" >&2
        stale=1
    else
        echo "generated: $file is in step"
    fi
}

generated src/porter_ctl/api/crd.py charts/porter/crds/porter.network.yaml .venv/bin/porter crd
exit "$stale"
