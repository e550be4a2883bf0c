#!/usr/bin/env bash
# Two real Docker engines for tests, each in a network namespace of its own.
#
#   engines.sh up       start what is not running, load the test images, print what there is as JSON
#   engines.sh status   print what there is as JSON, change nothing
#   engines.sh image    build the test images and load them into the running engines
#   engines.sh down     stop both engines and remove all that they made
#
# Everything lies in the folder COC_TEST_ENGINES (default: coc-engines under XDG_RUNTIME_DIR or
# /tmp). Several folders may be in use at once: each gets address octets of its own. Runs as root
# on Debian 12 with a Rust toolchain; missing packages are installed. `up` may be called at any
# time, also after a crash or a killed run, and takes a fraction of a second if there is nothing
# to do. Ports that containers publish are reached at the engine's "address".
set -euo pipefail

export PATH="$PATH:/usr/sbin:/sbin"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dir=${COC_TEST_ENGINES:-${XDG_RUNTIME_DIR:-/tmp}/coc-engines}
engines=(a b)
# Not the first docker of PATH: that may be another client.
docker=/usr/bin/docker

say() { printf 'engines: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

# ---------------------------------------------------------------------------------------------
# Packages

install_packages() {
    local missing=()
    [ -x /usr/sbin/dockerd ] && [ -x "$docker" ] || missing+=(docker.io)
    command -v containerd >/dev/null || missing+=(containerd)
    command -v runc >/dev/null || missing+=(runc)
    command -v iptables >/dev/null || missing+=(iptables)
    command -v ip >/dev/null || missing+=(iproute2)
    command -v openssl >/dev/null || missing+=(openssl)
    [ -n "$(static_busybox)" ] || missing+=(busybox-static)
    [ ${#missing[@]} -eq 0 ] && return
    say "installing ${missing[*]}"
    # The packages' own services are not wanted: only the engines started here are.
    local guard=/usr/sbin/policy-rc.d made=
    if [ ! -e "$guard" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$guard"
        chmod 755 "$guard"
        made=$guard
    fi
    local result=0
    {
        DEBIAN_FRONTEND=noninteractive apt-get -qq update &&
            DEBIAN_FRONTEND=noninteractive apt-get -y -qq install --no-install-recommends "${missing[@]}"
    } >"$dir/apt.log" 2>&1 || result=$?
    [ -z "$made" ] || rm -f "$made"
    if [ "$result" -ne 0 ]; then
        tail -n 5 "$dir/apt.log" >&2
        fail "apt-get failed ($dir/apt.log); install by hand: ${missing[*]}"
    fi
}

# The busybox that runs without libraries: busybox-static replaces the linked one.
static_busybox() {
    local file
    for file in /usr/bin/busybox /bin/busybox; do
        if [ -x "$file" ] && ! LC_ALL=C grep -qa '/ld-linux' "$file"; then
            echo "$file"
            return
        fi
    done
}

# ---------------------------------------------------------------------------------------------
# Addresses: engine number i of this folder has 10.77.OCTET.2, the machine holds 10.77.OCTET.1

octet() { # ENGINE
    local i
    for i in "${!engines[@]}"; do
        if [ "${engines[$i]}" = "$1" ]; then echo $(($(cat "$dir/octet") + i)); fi
    done
}

# True if the octet is free, or held by this folder: links bear their folder as alias.
usable() { # OCTET
    local held
    held=$(ip -o link show "coc-$1-h" 2>/dev/null) || return 0
    [[ $held == *"alias $dir" ]]
}

# Chosen once per folder, and held by the links made right after, so that folders don't meet.
choose_octets() {
    local first
    if [ -s "$dir/octet" ]; then
        first=$(cat "$dir/octet")
        if usable "$first" && usable $((first + 1)); then return; fi
    fi
    for first in $(seq 40 2 240); do
        if usable "$first" && usable $((first + 1)); then
            echo "$first" >"$dir/octet"
            return
        fi
    done
    fail "no free pair of addresses in 10.77.40.0 to 10.77.241.0"
}

namespace() { echo "coc-$(octet "$1")"; }
link() { echo "coc-$(octet "$1")-h"; }
socket() { echo "$dir/$1/d.sock"; }
client() { "$docker" -H "unix://$(socket "$1")" "${@:2}"; }

ensure_network() { # ENGINE
    local ns link octet
    ns=$(namespace "$1") link=$(link "$1") octet=$(octet "$1")
    ip netns list | grep -qwF "$ns" || ip netns add "$ns"
    ip -n "$ns" link set lo up
    if ! ip link show "$link" >/dev/null 2>&1; then
        ip link add "$link" type veth peer name eth0 netns "$ns"
        ip link set "$link" alias "$dir"
    fi
    ip addr replace "10.77.$octet.1/24" dev "$link"
    ip link set "$link" up
    ip -n "$ns" addr replace "10.77.$octet.2/24" dev eth0
    ip -n "$ns" link set eth0 up
    # No way out but to other engines: what needs a registry or a name server fails at once.
    ip -n "$ns" route replace 10.77.0.0/16 via "10.77.$octet.1"
}

# ---------------------------------------------------------------------------------------------
# Processes

answers() { # ENGINE
    [ -S "$(socket "$1")" ] && timeout 5 "$docker" -H "unix://$(socket "$1")" version >/dev/null 2>&1
}

# The processes of an engine: those whose command line names its folder, and those in the control
# groups of its containers. Never found by their program's name.
processes() { # ENGINE
    local home=$dir/$1 containers
    containers=$(ls "$home/data/containers" 2>/dev/null || true)
    {
        grep -lsaF -f /dev/stdin /proc/[0-9]*/cmdline <<<"$home/exec" || true
        [ -z "$containers" ] || grep -lsF -f /dev/stdin /proc/[0-9]*/cgroup <<<"$containers" || true
    } | cut -d/ -f3 | sort -un
}

# Asks the engine to stop, then ends what is left of it.
stop_processes() { # ENGINE
    local pid left
    pid=$(cat "$dir/$1/d.pid" 2>/dev/null || true)
    if [ -n "$pid" ] && processes "$1" | grep -qx "$pid"; then
        kill -TERM "$pid" 2>/dev/null || true
        for _ in $(seq 150); do
            [ -d "/proc/$pid" ] || break
            sleep 0.1
        done
    fi
    for _ in $(seq 20); do
        left=$(processes "$1")
        [ -n "$left" ] || break
        # shellcheck disable=SC2086 # one word per process
        kill -KILL $left 2>/dev/null || true
        sleep 0.1
    done
    [ -z "$left" ] || fail "engine $1: processes $left don't end"
    # A later process with the same number must not be taken for the engine.
    rm -f "$dir/$1/d.pid" "$dir/$1/exec/containerd/containerd.pid" "$(socket "$1")"
}

unmount_all() { # FOLDER
    local mount
    awk -v under="$1/" 'index($5, under) == 1 { print $5 }' /proc/self/mountinfo | sort -r |
        while read -r mount; do umount -l "$mount" 2>/dev/null || true; done
}

ensure_certificates() {
    "$here/certificates.sh" "$dir/tls" "10.77.$(octet a).2" "10.77.$(octet b).2"
}

start() { # ENGINE
    local home=$dir/$1 octet
    octet=$(octet "$1")
    stop_processes "$1"
    mkdir -p "$home"
    # The lock's descriptor is not inherited: the engine outlives this run.
    setsid nsenter --net="/run/netns/$(namespace "$1")" /usr/sbin/dockerd \
        --data-root "$home/data" --exec-root "$home/exec" --pidfile "$home/d.pid" \
        -H "unix://$(socket "$1")" -H "tcp://10.77.$octet.2:2376" \
        --tlsverify --tlscacert "$dir/tls/ca.pem" \
        --tlscert "$dir/tls/server-cert.pem" --tlskey "$dir/tls/server-key.pem" \
        --bip "172.28.$octet.1/24" --log-level warn \
        </dev/null >"$home/log" 2>&1 9>&- &
    local pid=$!
    for _ in $(seq 300); do
        answers "$1" && return
        [ -d "/proc/$pid" ] || break
        sleep 0.1
    done
    tail -n 5 "$home/log" >&2
    fail "engine $1 did not start; its log is $home/log"
}

# ---------------------------------------------------------------------------------------------
# Images: demo/web:1 with a shell and a health check, demo/web:bare with the program alone

# What the images' files are made from, and what else makes the images.
files_digest() {
    { cat "$here/../web/src/main.rs" && rustc -vV && sha256sum "$(static_busybox)"; } |
        sha256sum | cut -c1-32
}
image_digest() { # FILES_DIGEST
    { echo "$1" && cat "$here/engines.sh"; } | sha256sum | cut -c1-32
}

loaded() { # ENGINE DIGEST
    local found
    found=$(client "$1" image inspect -f '{{index .Config.Labels "coc.testing.digest"}}' \
        demo/web:1 demo/web:bare 2>/dev/null) && [ "$found" = "$2"$'\n'"$2" ]
}

# The folder where built file systems are kept: the user's cache, or our own folder without one.
image_cache() {
    local cache=${XDG_CACHE_HOME:-${HOME:-}/.cache}/coc/testing
    if mkdir -p "$cache" 2>/dev/null && [ -w "$cache" ]; then
        echo "$cache"
    else
        mkdir -p "$dir/images" && echo "$dir/images"
    fi
}

pack() { # FOLDER FILE
    tar -C "$1" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$2.part.$$" .
    mv "$2.part.$$" "$2"
}

build_files() { # CACHE FILES_DIGEST
    [ -s "$1/$2-web.tar" ] && [ -s "$1/$2-bare.tar" ] && return
    find "$1" -name '*-*.tar' -mtime +30 -delete
    command -v rustc >/dev/null || fail "no rustc in PATH: the test images hold a Rust program"
    say "building the test images"
    local work name
    work=$(mktemp -d)
    mkdir -p "$work/bare" "$work/web/bin" "$work/web/tmp"
    # One file and the standard library alone: rustc does it, without waiting for cargo's locks.
    if ! rustc --edition 2024 -C opt-level=2 -C target-feature=+crt-static -C strip=symbols \
        -o "$work/bare/web" "$here/../web/src/main.rs"; then
        rm -rf "$work"
        fail "the program of the test images does not build"
    fi
    cp "$work/bare/web" "$work/web/bin/web"
    cp "$(static_busybox)" "$work/web/bin/busybox"
    for name in sh wget nc ip ping nslookup sleep cat dd ls true false; do
        ln -s busybox "$work/web/bin/$name"
    done
    pack "$work/bare" "$1/$2-bare.tar"
    pack "$work/web" "$1/$2-web.tar"
    rm -rf "$work"
}

# Makes an image of a file system and further instructions. The program is process 1 and has no
# handler for signals: it would ignore SIGTERM until its grace is over.
load_image() { # ENGINE FILE IMAGE INSTRUCTION…
    local work
    work=$(mktemp -d)
    cp "$2" "$work/files.tar"
    printf '%s\n' 'FROM scratch' 'ADD files.tar /' 'STOPSIGNAL SIGKILL' "${@:4}" >"$work/Dockerfile"
    if ! DOCKER_BUILDKIT=0 client "$1" build --quiet --tag "$3" "$work" >"$work/log" 2>&1; then
        tail -n 5 "$work/log" >&2
        rm -rf "$work"
        fail "engine $1: image $3 can't be made"
    fi
    rm -rf "$work"
}

load_images() {
    local files digest cache name
    files=$(files_digest)
    digest=$(image_digest "$files")
    for name in "${engines[@]}"; do
        loaded "$name" "$digest" && continue
        cache=$(image_cache)
        build_files "$cache" "$files"
        load_image "$name" "$cache/$files-web.tar" demo/web:1 \
            "LABEL coc.testing.digest=$digest" 'ENV PATH=/bin' 'CMD ["/bin/web"]' 'EXPOSE 8080' \
            'HEALTHCHECK --interval=1s --timeout=1s CMD /bin/wget -q -O /dev/null http://127.0.0.1:8080/health || exit 1'
        load_image "$name" "$cache/$files-bare.tar" demo/web:bare \
            "LABEL coc.testing.digest=$digest" 'ENTRYPOINT ["/web"]' 'EXPOSE 8080'
        client "$name" image prune -f >/dev/null
    done
}

# ---------------------------------------------------------------------------------------------
# Verbs

# One line of the document: NAME, and whether it is up.
describe() {
    printf '{"name": "%s", "up": %s, "endpoint": "unix://%s", "tls_endpoint": "tcp://10.77.%s.2:2376", "address": "10.77.%s.2", "namespace": "%s", "link": "%s"}' \
        "$1" "$2" "$(socket "$1")" "$(octet "$1")" "$(octet "$1")" "$(namespace "$1")" "$(link "$1")"
}

print_document() { # LINE…
    local lines=''
    [ $# -eq 0 ] || lines=$(printf '  %s,\n' "$@")
    printf '{"folder": "%s", "certificates": "%s", "engines": [\n%s\n]}\n' "$dir" "$dir/tls" "${lines%,}"
}

# One run at a time on this machine: octets and packages are shared between folders.
lock() {
    [ "$(id -u)" = 0 ] || fail "engines need root"
    [ ${#dir} -le 60 ] || fail "$dir is too long a path for sockets: at most 60 characters"
    mkdir -p "$dir"
    exec 9>/run/lock/coc-engines.lock
    flock -w 600 9 || fail "another run holds the lock for 10 minutes"
}

up() {
    lock
    install_packages
    choose_octets
    local name
    for name in "${engines[@]}"; do ensure_network "$name"; done
    ensure_certificates
    for name in "${engines[@]}"; do
        answers "$name" || start "$name"
    done
    load_images
    print_document "$(describe a true)" "$(describe b true)"
}

status() {
    local name lines=() state
    if [ -s "$dir/octet" ]; then
        for name in "${engines[@]}"; do
            state=false
            if answers "$name"; then state=true; fi
            lines+=("$(describe "$name" "$state")")
        done
    fi
    print_document "${lines[@]}"
}

image() {
    lock
    load_images
}

down() {
    lock
    local name
    if [ -s "$dir/octet" ]; then
        for name in "${engines[@]}"; do
            stop_processes "$name"
            unmount_all "$dir/$name"
            ip link del "$(link "$name")" 2>/dev/null || true
            ip netns del "$(namespace "$name")" 2>/dev/null || true
        done
    fi
    rm -rf --one-file-system "$dir"
}

case ${1:-} in
    up | status | image | down) "$1" ;;
    *) fail "usage: engines.sh up|status|image|down" ;;
esac
