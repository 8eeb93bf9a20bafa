# Sourced by demo.sh and test.sh: makes .venv from the lock once, and again only when the lock or the interpreter changes.
# Needs Python 3.11 or later on the PATH (or named in $PYTHON) and a shell, nothing else.

python=${PYTHON:-python3}
lock=requirements/dev.lock
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "flowmodel needs Python 3.11 or later; $python is $("$python" --version 2>&1). Set PYTHON=..." >&2
    exit 2
}
stamp="$("$python" --version) $(cat "$lock" pyproject.toml | cksum)"
if [ "$(cat .venv/stamp 2>/dev/null)" != "$stamp" ]; then
    echo "installing $lock into .venv (about a minute, once)"
    "$python" -m venv --clear .venv
    pip=".venv/bin/python -m pip --quiet --disable-pip-version-check"
    $pip install --require-hashes --requirement "$lock"
    $pip install --no-deps --no-build-isolation --editable .
    echo "$stamp" >.venv/stamp
fi
