#!/usr/bin/env bash
# Every test there is, with real Docker engines, and how long each part took.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

times=()
engines=

step() { # NAME COMMAND…
    local begin=$SECONDS result=0
    printf '\n== %s\n' "$1" >&2
    "${@:2}" || result=$?
    times+=("$(printf '%6d s  %s' $((SECONDS - begin)) "$1")")
    [ "$result" = 0 ] || times+=("          failed here")
    return "$result"
}

# Whatever happens, nothing is left running and the times are told.
finish() {
    [ -z "$engines" ] || COC_TEST_ENGINES=$engines testing/docker/engines.sh down || true
    printf '\n' >&2
    printf '%s\n' "${times[@]}" >&2
}
trap finish EXIT

cargo() { scripts/cached.sh cargo "$@"; }

run_tests() {
    if command cargo nextest --version >/dev/null 2>&1; then
        cargo nextest run --workspace --locked
    else
        cargo test --workspace --locked --lib --bins --tests --examples
    fi
}

# Engines of this run's own, so that runs beside each other don't meet.
start_engines() {
    engines=$(mktemp -d /tmp/coc-test.XXXXXX) && export COC_TEST_ENGINES=$engines &&
        testing/docker/engines.sh up >&2
}

step 'setting up' scripts/setup.sh
step 'rules' cargo xtask tidy
step 'building' cargo test --workspace --no-run --locked
step 'starting engines' start_engines
step 'tests' run_tests
step 'examples in documentation' cargo test --workspace --doc --locked
