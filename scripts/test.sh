#!/usr/bin/env bash
# From a bare clone: makes the environment, then runs every check and every test. Real data: FLOWMODEL_DATA=DIR.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh
bin=.venv/bin
$bin/ruff format --check .
$bin/ruff check .
$bin/mypy
$bin/lint-imports
exec $bin/python -m pytest --numprocesses 2 --dist loadscope --no-loadscope-reorder "$@"
