#!/usr/bin/env bash
# From a bare clone: makes the environment, fits the built-in country, and writes its maps and report to runs/demo.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh
.venv/bin/python scripts/fit.py configs/demo.toml
.venv/bin/python scripts/export.py runs/demo
.venv/bin/python scripts/report.py runs/demo
echo "open runs/demo/report.html in a browser and runs/demo/rasters/*.tif in a GIS"
