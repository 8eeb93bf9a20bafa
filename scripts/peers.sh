#!/usr/bin/env bash
# Makes .peers from requirements/peers.lock, and .peers/mobility from requirements/mobility.lock: other people's packages
# that bench.py measures against, environments of their own (2.4 GB, about five minutes, once), which the product never
# imports. Nothing but bench.py uses them.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
make() { # FOLDER LOCK; the lock names everything, so pip need not look for more
    local stamp
    stamp="$("$python" --version) $(cksum <"$2")"
    if [ "$(cat "$1/stamp" 2>/dev/null)" != "$stamp" ]; then
        echo "installing $2 into $1"
        "$python" -m venv --clear "$1"
        "$1/bin/python" -m pip --quiet --disable-pip-version-check install --no-deps --require-hashes --requirement "$2"
        echo "$stamp" >"$1/stamp"
    fi
}
make .peers requirements/peers.lock
if "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))'; then
    make .peers/mobility requirements/mobility.lock
else
    echo "scikit-mobility left out: what it pins has wheels for Python 3.11 at the latest" >&2
fi
