#!/usr/bin/env bash
# From a bare clone: makes the environment, runs the tutorials, and builds the documentation into runs/site. A broken
# link, an undocumented public name or a code without a meaning ends it with an error. Nothing is fetched.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh
rm -rf runs/site
.venv/bin/python -m sphinx --builder html --fail-on-warning --keep-going --nitpicky --fresh-env --quiet \
    --doctree-dir runs/site.doctrees "$@" docs runs/site
echo "open runs/site/index.html in a browser"
