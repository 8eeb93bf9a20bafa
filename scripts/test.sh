#!/usr/bin/env bash
# From a bare clone: makes the environment, then runs every check and every test that is not long.
#   --long     runs the long tests instead, and draws twenty times as many cases for the properties
#   --slowest  also lists the twenty tests that took longest
# Other arguments are pytest's. Real data: FLOWMODEL_DATA=DIR.
set -euo pipefail
cd "$(dirname "$0")/.."
arguments=()
for argument in "$@"; do
    case "$argument" in
    --long)
        arguments+=(-m "long or fuzz")
        export PROPERTY_CASES="${PROPERTY_CASES:-20}"
        ;;
    --slowest) arguments+=(--durations 20) ;;
    *) arguments+=("$argument") ;;
    esac
done
. scripts/environment.sh
bin=.venv/bin
$bin/ruff format --check .
$bin/ruff check .
$bin/mypy
$bin/lint-imports
exec $bin/python -m pytest --numprocesses 2 --dist loadscope --no-loadscope-reorder ${arguments[@]+"${arguments[@]}"}
