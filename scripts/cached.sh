#!/usr/bin/env bash
# Runs a command with the C++ objects of the solver cached, across clones and build profiles.
#
#   cached.sh COMMAND…
#
# The cache is COC_CACHE, by default coc in the user's cache folder; empty means none. Without
# ccache, or where the folder can't be written, the command runs all the same.
#
# Only what CMake compiles is cached. Cargo's own folder is not shared between clones: it takes a
# file that is older than the last build for unchanged, whichever clone it lies in.
set -euo pipefail

cache=${COC_CACHE-${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/coc}

usable() {
    [ -n "$cache" ] && command -v ccache >/dev/null &&
        mkdir -p "$cache/ccache" 2>/dev/null && [ -w "$cache/ccache" ]
}

if usable; then
    export CCACHE_DIR=$cache/ccache CCACHE_MAXSIZE=1G
    # Paths inside the build folder differ from clone to clone: they count relative to it.
    CCACHE_BASEDIR=$(realpath -m "${CARGO_TARGET_DIR:-.}")
    export CCACHE_BASEDIR CCACHE_NOHASHDIR=1
    export CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache
fi
exec "$@"
