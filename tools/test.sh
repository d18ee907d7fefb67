#!/usr/bin/env bash
# Runs the tests: units, branch coverage of the protocol rooms one by one, the built wheel without
# src/, then the tests against real routers and a real control plane; and proves at the end that
# every test there is was run and passed. `test.sh conformance` runs the last part only, unproven.
# What repeats itself does so a few times only, unless PORTER_SHORT=0 says otherwise.
set -euo pipefail
export PORTER_SHORT=${PORTER_SHORT:-1}
cd "$(dirname "$0")/.."

python=.venv/bin/python
junit=build/junit
covered=(wire fsm session rib)

say() { printf '\n== %s\n' "$*"; }

mapfile -t long < <("$python" tools/verify_collection.py --long-targets)
without_long=("${long[@]/#/--ignore=}")

conformance() {
    if [ ! -d conformance ] || [ -z "$(find conformance -name 'test_*.py' -print -quit)" ]; then
        echo "conformance/ has no test yet"
        return
    fi
    # Two files at a time, each with a cluster of its own: they wait more than they work.
    "$python" -m pytest conformance "${without_long[@]}" -n 2 --dist loadfile --durations=10 \
        --junit-xml="$junit/conformance.xml"
}

# One room, its own tests alone: 100 % of its branches, but for what is excluded and counted here.
cover() {
    local room=$1 source=src/porter_bgp/$1 count
    if [ ! -d "$source" ]; then
        echo "$source does not exist yet"
        return
    fi
    COVERAGE_FILE=build/coverage-$room "$python" -m pytest "tests/porter_bgp/$room" -q -n 2 \
        --cov="$source" --cov-branch --cov-report=term-missing:skip-covered \
        --cov-fail-under=100 --junit-xml="$junit/coverage-$room.xml"
    count=$({ grep -rhE '# pragma: no|assert_never\(|if TYPE_CHECKING:' "$source" --include='*.py' || true; } \
        | sed -E 's/.*(pragma|assert_never|TYPE_CHECKING).*/\1/' | sort | uniq -c | tr -s ' \n' ' ')
    echo "coverage of $room: 100 % of lines and branches; not counted:${count:- nothing}"
}

# The wheel as a user gets it: an environment that holds nothing else imports the library and is told
# what the command lacks; then, with the test libraries beside it, it passes the library's tests.
wheel() {
    local room=build/wheel site said
    rm -rf "$room"
    mkdir -p "$room/tests"
    "$python" -m build --wheel --no-isolation --outdir "$room" . >"$room/build.log" 2>&1 \
        || { cat "$room/build.log"; return 1; }
    "$python" -m venv --without-pip "$room/env"
    "$python" -m pip --python "$room/env/bin/python" install --quiet --no-index --no-deps "$room"/*.whl
    cp pyproject.toml "$room/"
    cp -r tests/. "$room/tests/"
    site=$(echo "$PWD/$room"/env/lib/python3*/site-packages)
    (
        cd "$room"
        env/bin/python -c 'import porter_bgp'
        if said=$(env/bin/porter 2>&1) || [[ $said != *"pip install 'porter-bgp[controller]'"* ]]; then
            echo "porter without its extra said: $said"
            exit 1
        fi
        "$OLDPWD/$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))' >"$site/tests.pth"
        env/bin/python -c 'import porter_bgp, sys; sys.exit(not porter_bgp.__file__.startswith(sys.prefix))'
        if [ -d tests/porter_bgp ]; then
            env/bin/python -m pytest tests/porter_bgp -q -n 2
        else
            echo "tests/porter_bgp does not exist yet"
        fi
    )
    echo "wheel: $(basename "$room"/*.whl) without src/"
}

if [ "${1:-all}" = conformance ]; then
    conformance
    exit
fi

rm -rf "$junit"
mkdir -p "$junit"
say "unit tests"
"$python" -m pytest tests "${without_long[@]}" -q -n 2 --durations=10 --junit-xml="$junit/unit.xml"
for room in "${covered[@]}"; do
    say "branch coverage of porter_bgp.$room by its own tests"
    cover "$room"
done
say "the built wheel"
wheel
say "conformance"
conformance
say "all tests there are"
"$python" tools/verify_collection.py "$junit/unit.xml" "$junit/conformance.xml"
