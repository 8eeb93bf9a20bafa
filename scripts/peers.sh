#!/usr/bin/env bash
# Makes .peers from requirements/peers.lock: other people's packages that bench.py measures against, an environment of
# their own (1.1 GB, about three minutes, once), which the product never imports. Nothing but bench.py uses it.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
lock=requirements/peers.lock
stamp="$("$python" --version) $(cksum <"$lock")"
if [ "$(cat .peers/stamp 2>/dev/null)" != "$stamp" ]; then
    echo "installing $lock into .peers"
    "$python" -m venv --clear .peers
    .peers/bin/python -m pip --quiet --disable-pip-version-check install --require-hashes --requirement "$lock"
    echo "$stamp" >.peers/stamp
fi
