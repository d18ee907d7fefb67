#!/usr/bin/env bash
# Makes .venv and fills it from the lock files, every file checked against its hash:
# `venv.sh runtime` with what `porter` needs, `venv.sh dev` with the tools and test libraries too.
# A stamp of the locks makes a second run end at once. PYTHON=... chooses the interpreter.
set -euo pipefail
cd "$(dirname "$0")/.."

level=${1:-dev}
case $level in
    runtime) locks=(requirements.lock requirements-build.lock) ;;
    dev) locks=(requirements-dev.lock) ;;
    *) echo "venv: unknown level '$level'; say runtime or dev" >&2; exit 2 ;;
esac

stop() {
    echo "venv: $1" >&2
    exit 1
}

find_python() {
    local name
    for name in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    return 1
}

# What the environment was made from: the locks, the metadata the editable install recorded, the
# folder it stands in (its scripts name it) and the interpreter behind it.
fingerprint() {
    { cat "${locks[@]}" pyproject.toml; pwd; .venv/bin/python --version; } 2>&1 | sha256sum
}

fresh() {
    [ -f ".venv/.stamp-$level" ] && [ "$(cat ".venv/.stamp-$level")" = "$(fingerprint)" ]
}

if fresh; then
    echo "venv: .venv is up to date ($level)"
    exit 0
fi

python=$(find_python) || stop "Python 3.11 or newer is not installed; install it (Debian 12, Ubuntu 24.04: apt-get install python3 python3-venv) or name it: PYTHON=/path/to/python3.12 make venv"
"$python" -c 'import ensurepip, venv' 2>/dev/null || stop "$python cannot make environments; install its venv module: apt-get install python3-venv"

started=$SECONDS
if ! .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
    || ! grep -qxF "$PWD" .venv/.home 2>/dev/null; then
    echo "venv: making .venv with $("$python" --version)"
    "$python" -m venv --clear .venv
    pwd > .venv/.home
fi
rm -f .venv/.stamp-*

export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
for lock in "${locks[@]}"; do
    echo "venv: installing $(grep -c '^[a-z]' "$lock") packages of $lock"
    .venv/bin/python -m pip install --quiet --require-hashes --only-binary :all: -r "$lock" \
        || stop "the packages of $lock could not be installed; look at pip's message above, then run this again"
done
echo "venv: installing porter-bgp from src/"
.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable . \
    || stop "porter-bgp could not be installed from src/; look at pip's message above"

# Tools and test libraries include all that runtime needs.
fingerprint > ".venv/.stamp-$level"
if [ "$level" = dev ]; then
    locks=(requirements.lock requirements-build.lock)
    fingerprint > .venv/.stamp-runtime
fi
echo "venv: ready ($level) in $((SECONDS - started)) s"
