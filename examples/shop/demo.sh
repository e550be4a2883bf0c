#!/usr/bin/env bash
# Plans a shop over three simulated clouds with real prices, runs it there, and removes it again.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
coc=${COC:-$here/../../target/release/coc}
state=$(mktemp -d)
trap 'rm -rf "$state"' EXIT
cd "$here"

show() { printf '\n$ coc %s\n' "$*"; "$coc" --dir "$state" "$@"; }

show plan compose.yaml --goals goals.yaml
show mount clouds.yaml
show plan compose.yaml --goals goals.yaml -o "$state/plan.json"
show verify "$state/plan.json"
show apply "$state/plan.json" --yes
show status shop
show destroy shop --with-data --yes
show resources
