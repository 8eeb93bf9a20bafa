#!/usr/bin/env bash
# Re-makes requirements/dev.lock and peers.lock, universal files for Python 3.11 and later, and mobility.lock, for 3.11
# alone: with hashes and no index host. Needs uv on the PATH (a developer's tool; nobody who only runs the project needs it).
set -euo pipefail
cd "$(dirname "$0")/.."
lock() {
    uv pip compile --python-version 3.11 \
        --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --quiet \
        --custom-compile-command "bash scripts/lock.sh" "$@"
}
lock pyproject.toml requirements/build.in --extra geo --extra report --extra dev --universal \
    --output-file requirements/dev.lock "$@"
lock requirements/peers.in --universal --output-file requirements/peers.lock "$@"
lock requirements/mobility.in --override requirements/mobility.override --only-binary :all: \
    --output-file requirements/mobility.lock "$@"
if grep -nE '://' requirements/*.lock; then
    echo "a lock file names a host" >&2
    exit 1
fi
