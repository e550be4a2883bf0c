#!/usr/bin/env bash
# Runs a rival: run.sh NAME PROBLEM SECONDS. Installs its packages once, outside of the checkout.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=${XDG_CACHE_HOME:-$HOME/.cache}/coc/rivals

if ! "$venv/bin/python" -c 'import ortools' 2>/dev/null; then
    python3 -m venv "$venv" >&2
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt" >&2
fi
exec "$venv/bin/python" "$here/$1.py" "${@:2}"
