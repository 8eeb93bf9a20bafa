"""Worked examples of what a change touches: the patches of docs/patches, each with its number of files."""

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "patches"
MOST = {
    "new_decay_law": (1, "A new decay law"),
    "new_barrier": (2, "A new barrier"),
    "new_calendar_path": (1, "A new quantity over calendar years"),
    "new_census_adapter": (2, "A reader for another census year-book"),
    "new_raster_variable": (1, "Another variable among the exported rasters"),
}
"""The number of files that each change may touch, tests aside, and its title."""


@dataclass(frozen=True)
class Patch:
    """One example.

    Attributes:
        name: of the file, without its suffix.
        text: what `git apply` reads.
        files: the files it changes or adds, tests aside.
    """

    name: str
    text: str
    files: tuple[str, ...]


def patches() -> list[Patch]:
    """Every patch of docs/patches, in the order of `MOST`."""
    return [_read(FOLDER / f"{name}.patch") for name in MOST if (FOLDER / f"{name}.patch").is_file()]


def _read(file: Path) -> Patch:
    text = file.read_text(encoding="utf-8")
    named = re.findall(r"^\+\+\+ b/(\S+)", text, re.MULTILINE)
    return Patch(file.stem, text, tuple(name for name in named if not name.startswith("tests/")))


def shown() -> str:
    """Every patch with its file count, as Markdown."""
    parts = ["| change | files | at most |", "|---|---|---|"]
    found = patches()
    for patch in found:
        files = ", ".join(f"`{name}`" for name in patch.files)
        parts.append(f"| {MOST[patch.name][1]} | {len(patch.files)}: {files} | {MOST[patch.name][0]} |")
    sections = [
        f"### {MOST[patch.name][1]}\n\n```{{literalinclude}} patches/{patch.name}.patch\n:language: diff\n```"
        for patch in found
    ]
    return "\n\n".join(["\n".join(parts), *sections])
