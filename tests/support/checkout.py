"""Where the checkout keeps what tests read."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "scripts"
CONFIGS = ROOT / "configs"
DOCS = ROOT / "docs"
