"""The architecture, read from the source: the tree with a sentence for each module, and where old modules went."""

import ast
import csv
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def tree(package: str) -> str:
    """The folders of a package in the order of its layers, from the top down, each with its modules."""
    folders = layers(package)
    parts = [_heading(package, None), _table(_modules(ROOT / package, deep=False))]
    for folder in folders:
        place = ROOT / package / folder
        if place.is_dir():
            parts += [_heading(package, folder), _table(_modules(place, deep=True))]
    return "\n\n".join(part for part in parts if part)


def layers(package: str) -> list[str]:
    """The layers of a package in pyproject.toml, from the top down."""
    import tomllib

    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    named = [layer for contract in contracts if contract.get("containers") == [package] for layer in contract["layers"]]
    return [name.strip() for layer in named for name in re.split(r"[|:]", layer)]


def drawn_layers() -> str:
    """The layers of both packages, from the top down."""
    return "\n\n".join(
        f"`{name}`: {' → '.join(f'`{layer}`' for layer in layers(name))}" for name in ("flowmodel", "geo")
    )


def moves() -> str:
    """The table from the old name of each module to the new one, of docs/moves.csv."""
    rows = ["| until 0.1 | now |", "|---|---|"]
    rows += [f"| `{old}` | `{new}` |" for old, new in moved()]
    return "\n".join(rows)


def moved() -> list[tuple[str, str]]:
    """Old and new name of every module that has moved."""
    with (ROOT / "docs" / "moves.csv").open(encoding="utf-8", newline="") as file:
        return [(row["old"], row["new"]) for row in csv.DictReader(file)]


def exists(name: str) -> bool:
    """Whether a dotted name is a module or a package of this checkout."""
    place = ROOT.joinpath(*name.split("."))
    return place.with_suffix(".py").is_file() or (place / "__init__.py").is_file()


def _heading(package: str, folder: str | None) -> str:
    init = ROOT / package / (folder or "") / "__init__.py"
    name = package if folder is None else f"{package}/{folder}"
    return f"### `{name}/`\n\n{_sentence(init)}" if init.is_file() else f"### `{name}/`"


def _modules(place: Path, *, deep: bool) -> list[tuple[str, str]]:
    files = sorted(place.rglob("*.py") if deep else place.glob("*.py"), key=lambda file: (len(file.parts), file))
    kept = [file for file in files if file.name != "__init__.py"]
    return [(file.relative_to(place).as_posix(), _sentence(file)) for file in kept]


def _table(rows: list[tuple[str, str]]) -> str:
    if not rows:
        return ""
    lines = [f"| `{name}` | {text.replace('|', chr(92) + '|')} |" for name, text in rows]
    return "\n".join(["| file | what it holds |", "|---|---|", *lines])


def _sentence(file: Path) -> str:
    """The first sentence of a module's docstring, on one line."""
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return text.split("\n\n", 1)[0].replace("\n", " ")
