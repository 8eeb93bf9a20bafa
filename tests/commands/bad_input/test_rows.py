"""The table of bad inputs is complete: every row of `docs/bad_input.md` has its test, and names codes that exist."""

import ast
import re
from pathlib import Path

import pytest
from checkout import DOCS

HERE = Path(__file__).resolve().parent
DOCUMENT = DOCS / "bad_input.md"
ROWS = range(1, 90)

ROW = re.compile(r"^\| (\d+) \|.*\|([^|]*)\|$", re.MULTILINE)


def _functions():
    """Every test function of the folder, as (file, name)."""
    return {
        (file.name, node.name)
        for file in HERE.glob("test_*.py")
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


@pytest.fixture
def collected(request):
    """The collected tests of this folder, or a skip where only some of them were asked for."""
    items = [item for item in request.session.items if item.path.parent == HERE]
    if _functions() - {(item.path.name, item.originalname) for item in items}:
        pytest.skip("only a part of this folder was collected")
    return items


def test_every_row_has_a_test(collected):
    tested = {mark.args[0] for item in collected for mark in item.iter_markers("row")}
    assert tested == set(ROWS)


def test_the_document_names_the_file_of_every_test(collected):
    files = {(mark.args[0], item.path.name) for item in collected for mark in item.iter_markers("row")}
    rows = {int(number): test.strip().strip("`") for number, test in ROW.findall(DOCUMENT.read_text(encoding="utf-8"))}
    assert list(rows) == list(ROWS)
    assert set(rows.items()) == files


def test_the_rows_name_codes_that_exist():
    named = set(re.findall(r"[EW]-[A-Z]+(?:-[A-Z0-9]+)*", DOCUMENT.read_text(encoding="utf-8")))
    index = (DOCS / "codes.csv").read_text(encoding="utf-8")
    assert named <= set(re.findall(r"(?<=,)[EW]-[A-Z0-9-]+(?=,)", index))
