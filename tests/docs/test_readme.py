"""The README is short, and what it names exists."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def test_it_is_short():
    lines = TEXT.splitlines()
    assert len(lines) <= 90
    assert max(map(len, lines)) <= 120
    assert len(TEXT.split()) <= 700


def test_its_links_lead_to_files():
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", TEXT)
    assert links
    assert [link for link in links if not (ROOT / link).is_file()] == []


def test_its_commands_and_configurations_exist():
    named = set(re.findall(r"\b(?:scripts|configs)/[\w./]+\.(?:py|sh|toml)", TEXT))
    assert {name for name in named if not (ROOT / name).is_file()} == set()
    every = {f"scripts/{file.name}" for file in (ROOT / "scripts").glob("*.py")}
    assert every <= named, "a command that the table does not show"
