#!/usr/bin/env bash
# Starts two Docker Engines of its own, plans an application over both, runs it there, asks every
# replica over HTTP, and removes it again. Fails if anything is not as it should be, or if an engine
# holds anything else at the end than before. Needs root; stops the engines whatever happens.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
coc=${COC:-$here/../../target/release/coc}
engines=$here/../../testing/docker/engines.sh
docker=/usr/bin/docker
state=$(mktemp -d)
# Of this run's own, so that it meets neither tests nor other demonstrations.
COC_TEST_ENGINES=$(mktemp -d /tmp/coc-demo.XXXXXX)
export COC_TEST_ENGINES

finish() {
    "$engines" down || printf 'demo: the engines in %s are not stopped\n' "$COC_TEST_ENGINES" >&2
    rm -rf "$state"
}
trap finish EXIT
cd "$here"

show() { printf '\n$ coc %s\n' "$*"; "$coc" --dir "$state" "$@"; }
asked() { "$coc" --dir "$state" --json "$@"; }
fail() { printf 'demo: %s\n' "$*" >&2; exit 1; }
client() { "$docker" -H "unix://$COC_TEST_ENGINES/$1/d.sock" "${@:2}"; }

# Everything that an engine holds, as its own client tells.
holdings() { # ENGINE
    client "$1" ps --all --no-trunc --format 'container {{.ID}} {{.Names}}' | sort
    client "$1" network ls --no-trunc --format 'network {{.ID}} {{.Name}}' | sort
    client "$1" volume ls --format 'volume {{.Name}}' | sort
}

# The one container that is not ours: which it is, since when it runs, how often it was restarted.
foreign() {
    client a inspect --format '{{.Id}} {{.State.StartedAt}} {{.State.Status}} {{.RestartCount}}' foreign
}

# A plan that is proved: its status is "optimal", and every bound is the objective's value.
proved() { # PLAN
    grep -q '"status": "optimal"' "$1" || fail "the plan is not optimal"
    local objective values bounds
    objective=$(sed -n '/^  "objective": \[/,/^  \]/p' "$1")
    values=$(sed -n 's/^ *"value": "\(.*\)",$/\1/p' <<<"$objective")
    bounds=$(sed -n 's/^ *"bound": "\(.*\)",$/\1/p' <<<"$objective")
    [ -n "$values" ] && [ "$values" = "$bounds" ] || fail "the bound is not the objective"
}

# Where the replicas of web are reached from outside: HOST:PORT, a line each.
replicas() {
    asked status hello |
        sed -n '/"resource": ".*\/container\/web\//,/\]/s/^ *"\(10\.77\.[0-9.]*:[0-9]*\)".*/\1/p'
}

command -v curl >/dev/null || fail "curl is missing: apt-get install curl"
printf 'starting two Docker Engines\n'
started=$("$engines" up)
"$engines" image
address() { sed -n "s/.*\"name\": \"$1\".*\"address\": \"\([0-9.]*\)\".*/\1/p" <<<"$started"; }
for engine in a b; do
    [ -n "$(address $engine)" ] || fail "engine $engine tells no address"
done
sed -e "s|@endpoint-a@|unix://$COC_TEST_ENGINES/a/d.sock|" -e "s|@address-a@|$(address a)|" \
    -e "s|@endpoint-b@|unix://$COC_TEST_ENGINES/b/d.sock|" -e "s|@address-b@|$(address b)|" \
    clouds.yaml >"$state/clouds.yaml"

client a run --detach --name foreign --volume foreign-data:/data demo/web:bare >/dev/null
foreign=$(foreign)
before=$(holdings a; echo; holdings b)

show mount "$state/clouds.yaml"
show clouds
show plan compose.yaml --goals goals.yaml -o "$state/plan.json"
proved "$state/plan.json"
for cloud in lab-a lab-b; do
    grep -A2 '"service": "web"' "$state/plan.json" | grep -q "\"cloud\": \"$cloud\"" ||
        fail "no replica of web is planned in $cloud"
done
show verify "$state/plan.json"

show apply "$state/plan.json" --yes
show status hello
reached=$(replicas)
[ "$(wc -l <<<"$reached")" = 4 ] || fail "4 replicas of web should have an address each: $reached"
printf '\n'
answers=
while read -r at; do
    answer=$(curl --fail --silent --show-error --max-time 5 --retry 10 --retry-delay 1 \
        --retry-connrefused "http://$at/") || fail "$at does not answer"
    printf '%-19s %s\n' "$at" "$answer"
    answers+=$answer$'\n'
done <<<"$reached"
[ "$(sort -u <<<"$answers" | grep -c '^hello from ')" = 4 ] || fail "the 4 answers are not of 4 containers"

show destroy hello --with-data --yes
show resources
[ "$(asked resources | tr -d ' \n')" = '{"resources":[],"unread":{}}' ] || fail "something is left"
after=$(holdings a; echo; holdings b)
diff <(echo "$before") <(echo "$after") >&2 || fail "the engines hold other things than before"
[ "$(foreign)" = "$foreign" ] || fail "the foreign container was touched: $foreign, now $(foreign)"
printf '\ndemo: planned, proved, run on two engines, asked, and removed; the foreign container still runs\n'
