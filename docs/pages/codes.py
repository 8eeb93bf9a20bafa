"""The index of error and warning codes, read from the source of the packages without importing them."""

import ast
import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("flowmodel", "geo", "scripts")
CODE = re.compile(r"^[EW]-[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)*(?=\s|:|$)")
DATA = 3
"""Exit status of an error in the data."""
STATUSES = {"ConfigError": 2, "ZonesError": 3, "FlowsError": 3, "NumericError": 4, "NotConvergedError": 5}
STATUSES |= {"ResourceError": 6, "LockedError": 7, "FetchError": 6}


@dataclass(frozen=True)
class Use:
    """One place in the source that raises a code or warns with it.

    Attributes:
        code: such as "E-CODE-DUP".
        module: dotted name of the file.
        line: where the code stands.
        status: exit status of a command that ends with it.
    """

    code: str
    module: str
    line: int
    status: int


def uses(root: Path = ROOT) -> list[Use]:
    """Every place in flowmodel, geo and scripts where a text begins with a code, ordered by code."""
    found = [use for package in PACKAGES for file in sorted((root / package).rglob("*.py")) for use in _of(file, root)]
    return sorted(found, key=lambda use: (use.code, use.module, use.line))


def _of(file: Path, root: Path) -> Iterator[Use]:
    module = ".".join(file.relative_to(root).with_suffix("").parts)
    tree = ast.parse(file.read_text(encoding="utf-8"))
    calls = {id(part): call for call in ast.walk(tree) if isinstance(call, ast.Call) for part in call.args}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and (match := CODE.match(node.value)):
            yield Use(match[0], module, node.lineno, _status(calls.get(id(node))))


def _status(call: ast.Call | None) -> int:
    """The exit status by the class that is raised; that of wrong data where the code is put into an issue."""
    name = "" if call is None else ast.unparse(call.func).rpartition(".")[2]
    return STATUSES.get(name, DATA)


def index(root: Path = ROOT) -> str:
    """The index of all codes as Markdown: one table a group, with the modules in which a code stands.

    Raises:
        ValueError: a code of the source has no line in docs/codes.csv, or a line has no code.
    """
    found: dict[str, list[Use]] = {}
    for use in uses(root):
        found.setdefault(use.code, []).append(use)
    described = meanings(root)
    if found.keys() != described.keys():
        lacking, idle = sorted(found.keys() - described.keys()), sorted(described.keys() - found.keys())
        raise ValueError(f"docs/codes.csv lacks {lacking} and describes {idle}, which nothing raises")
    groups: dict[str, list[str]] = {}
    for code, entry in described.items():
        where = ", ".join(dict.fromkeys(f"`{use.module}`" for use in found[code]))
        cells = (
            f"[`{code}`]{{#{code.lower()}}}",
            entry["meaning"],
            entry["fix"],
            entry["status"] or _statuses(found[code]),
            where,
        )
        groups.setdefault(entry["group"], []).append("| " + " | ".join(cells) + " |")
    head = "| code | what it means | what to do | exit status | where |\n|---|---|---|---|---|"
    return "\n\n".join(f"## {group}\n\n{head}\n" + "\n".join(rows) for group, rows in groups.items())


def meanings(root: Path = ROOT) -> dict[str, dict[str, str]]:
    """The lines of docs/codes.csv by code, in their order."""
    with (root / "docs" / "codes.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if len({row["code"] for row in rows}) < len(rows):
        raise ValueError("docs/codes.csv: a code occurs twice")
    return {row["code"]: row for row in rows}


def _statuses(found: list[Use]) -> str:
    """The exit statuses of a code; a warning has none."""
    if found[0].code.startswith("W-"):
        return "–"
    return ", ".join(str(status) for status in sorted({use.status for use in found}))
