#!/usr/bin/env bash
# Plans a shop over everything that the built-in catalog knows; then over three simulated clouds with
# real prices, runs it there, and removes it again. Fails if anything is not as it should be.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
coc=${COC:-$here/../../target/release/coc}
state=$(mktemp -d)
trap 'rm -rf "$state"' EXIT
cd "$here"

show() { printf '\n$ coc %s\n' "$*"; "$coc" --dir "$state" "$@"; }
asked() { "$coc" --dir "$state" --json "$@"; }
fail() { printf 'demo: %s\n' "$*" >&2; exit 1; }

# A plan that is proved: its status is "optimal", and every bound is the objective's value.
proved() { # PLAN
    grep -q '"status": "optimal"' "$1" || fail "the plan is not optimal"
    local objective values bounds
    objective=$(sed -n '/^  "objective": \[/,/^  \]/p' "$1")
    values=$(sed -n 's/^ *"value": "\(.*\)",$/\1/p' <<<"$objective")
    bounds=$(sed -n 's/^ *"bound": "\(.*\)",$/\1/p' <<<"$objective")
    [ -n "$values" ] && [ "$values" = "$bounds" ] || fail "the bound is not the objective"
}

show plan compose.yaml --goals goals.yaml -o "$state/anywhere.json"
proved "$state/anywhere.json"

show mount clouds.yaml
show clouds
show plan compose.yaml --goals goals.yaml -o "$state/plan.json"
proved "$state/plan.json"
show verify "$state/plan.json"

show apply "$state/plan.json" --yes
show status shop
! asked status shop | grep '"state":' | grep -v '"state": "running"' || fail "not everything runs"

show destroy shop --with-data --yes
show resources
[ "$(asked resources | tr -d ' \n')" = '{"resources":[],"unread":{}}' ] || fail "something is left"
printf '\ndemo: planned, proved, run and removed\n'
