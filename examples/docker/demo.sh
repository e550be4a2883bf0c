#!/usr/bin/env bash
# Starts two real Docker engines, plans a small site over both, runs it, asks every replica over
# HTTP, and removes it again, beside a container that is none of ours. Fails if anything is not as
# it should be. Runs as root on Debian; the engines are its own and end with it.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
coc=${COC:-$here/../../target/release/coc}
engines=$here/../../testing/docker/engines.sh
docker=/usr/bin/docker
state=$(mktemp -d)
# Engines of this run's own, so that it meets no other run. Paths of sockets have to be short.
COC_TEST_ENGINES=$(mktemp -d /tmp/coc-demo.XXXXXX)
export COC_TEST_ENGINES

finish() {
    local result=$?
    trap - EXIT
    "$engines" down || result=1
    rm -rf "$state"
    exit "$result"
}
trap finish EXIT
trap 'exit 130' INT TERM
cd "$here"

show() { printf '\n$ coc %s\n' "$*"; "$coc" --dir "$state" "$@"; }
asked() { "$coc" --dir "$state" --json "$@"; }
fail() { printf 'demo: %s\n' "$*" >&2; exit 1; }
engine() { "$docker" -H "unix://$COC_TEST_ENGINES/$1/d.sock" "${@:2}"; } # ENGINE ARGUMENT…

# A plan that is proved: its status is "optimal", and every bound is the objective's value.
proved() { # PLAN
    grep -q '"status": "optimal"' "$1" || fail "the plan is not optimal"
    local objective values bounds
    objective=$(sed -n '/^  "objective": \[/,/^  \]/p' "$1")
    values=$(sed -n 's/^ *"value": "\(.*\)",$/\1/p' <<<"$objective")
    bounds=$(sed -n 's/^ *"bound": "\(.*\)",$/\1/p' <<<"$objective")
    [ -n "$values" ] && [ "$values" = "$bounds" ] || fail "the bound is not the objective"
}

# All that an engine has but images, one a line; its own three networks are always there.
inventory() { # ENGINE
    engine "$1" ps -a --no-trunc --format 'container {{.ID}} {{.Names}}'
    engine "$1" network ls --no-trunc --format 'network {{.ID}} {{.Name}}'
    engine "$1" volume ls --format 'volume {{.Name}}'
}

# What tells whether somebody touched the foreign container.
foreign() {
    engine a inspect -f '{{.Id}} {{.Name}} {{.State.StartedAt}} {{.State.Running}} {{.RestartCount}}' somebodys
}

# Where the containers of `web` in an engine are reached, one a line.
addresses() { # ENGINE ADDRESS
    local id port
    for id in $(engine "$1" ps -q --filter label=coc-owner --filter expose=8080); do
        while read -r port; do printf '%s:%s\n' "$2" "$port"; done < <(
            engine "$1" inspect -f '{{range $p, $all := .NetworkSettings.Ports}}{{range $all}}{{println .HostPort}}{{end}}{{end}}' "$id" |
                sort -u | grep .)
    done
}

printf 'demo: starting two Docker engines\n'
document=$("$engines" up)
address() { sed -n "s/.*\"name\": \"$1\".*\"address\": \"\([0-9.]*\)\".*/\1/p" <<<"$document"; }
a=$(address a) b=$(address b)
[ -n "$a" ] && [ -n "$b" ] || fail "the engines tell no addresses"
sed -e "s|ENGINES|$COC_TEST_ENGINES|; s|ADDRESS_A|$a|; s|ADDRESS_B|$b|" clouds.yaml >"$state/clouds.yaml"

engine a run -d --name somebodys --restart no demo/web:bare >/dev/null
before=$(foreign) before_a=$(inventory a) before_b=$(inventory b)

show mount "$state/clouds.yaml"
show clouds
show plan compose.yaml --goals goals.yaml -o "$state/plan.json"
proved "$state/plan.json"
show verify "$state/plan.json"

show apply "$state/plan.json" --yes
all=$(addresses a "$a" && addresses b "$b")
printf '\n'
answers=
for at in $all; do
    # The program inside may still be starting: a refused connection is tried again.
    answer=$(curl -sS --fail --max-time 10 --retry 5 --retry-connrefused "http://$at/") ||
        fail "$at does not answer"
    printf 'GET http://%s/  %s\n' "$at" "$answer"
    answers+=$answer$'\n'
done
[ "$(wc -l <<<"$all")" = 4 ] || fail "not 4 replicas of web are published"
[ "$(printf %s "$answers" | sort -u | wc -l)" = 4 ] || fail "the answers are not those of 4 containers"
for at in "$a" "$b"; do grep -q "^$at:" <<<"$all" || fail "no replica of web at $at"; done

show status site
! asked status site | grep '"state":' | grep -v '"state": "\(running\|healthy\)"' ||
    fail "not everything runs"

show destroy site --with-data --yes
show resources
[ "$(asked resources | tr -d ' \n')" = '{"resources":[],"unread":{}}' ] || fail "something is left"
[ "$(inventory a)" = "$before_a" ] || fail "engine a is not as it was"
[ "$(inventory b)" = "$before_b" ] || fail "engine b is not as it was"
[ "$(foreign)" = "$before" ] || fail "the foreign container was touched"
printf '\ndemo: planned, proved, run, asked and removed; what was there before is as it was\n'
