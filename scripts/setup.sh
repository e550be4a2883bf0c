#!/usr/bin/env bash
# Installs what building needs, without questions: on Debian as root. Does nothing, and needs no
# network, where everything is there. Elsewhere it says what is missing.
#
# Docker's engines for the tests are the business of testing/docker/engines.sh.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

# What has to be there, as "package: test".
missing_packages() {
    command -v make >/dev/null || echo make
    command -v git >/dev/null || echo git
    command -v cmake >/dev/null || echo cmake
    { command -v c++ && command -v cc; } >/dev/null || echo g++
    has_libclang || echo libclang-dev
}

# bindgen loads libclang and needs the headers that come with it.
has_libclang() {
    [ -n "${LIBCLANG_PATH:-}" ] || compgen -G '/usr/lib/llvm-*/lib/libclang*.so*' >/dev/null ||
        compgen -G '/usr/lib*/libclang*.so*' >/dev/null || compgen -G '/usr/lib/*/libclang*.so*' >/dev/null
}

install() { # PACKAGE…
    local log
    log=$(mktemp)
    say "installing $*"
    if ! {
        DEBIAN_FRONTEND=noninteractive apt-get -qq update &&
            DEBIAN_FRONTEND=noninteractive apt-get -y -qq install --no-install-recommends "$@"
    } >"$log" 2>&1; then
        tail -n 5 "$log" >&2
        fail "apt-get failed (all of it: $log); install by hand: $*"
    fi
    rm -f "$log"
}

can_install() { command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; }

# The version that Cargo.toml asks for, or later.
check_rust() {
    local wanted found
    wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
    found=$(cargo --version 2>/dev/null | cut -d' ' -f2) ||
        fail "there is no Rust: install $wanted or later (https://rustup.rs), then run this again"
    [ "$(printf '%s\n' "$wanted" "$found" | sort -V | head -n 1)" = "$wanted" ] ||
        fail "Rust $found is too old: install $wanted or later (rustup update stable), then run this again"
}

mapfile -t missing < <(missing_packages)
if [ ${#missing[@]} -gt 0 ]; then
    can_install || fail "missing: ${missing[*]} (names of Debian packages); install them, then run this again"
    install "${missing[@]}"
fi
# Saves building the solver twice. Everything works without it, so it is tried before the first build
# alone.
if ! command -v ccache >/dev/null && [ ! -d "${CARGO_TARGET_DIR:-target}" ] && can_install; then
    (install ccache) || say "going on without ccache"
fi
check_rust
