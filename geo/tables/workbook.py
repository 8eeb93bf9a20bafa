"""Excel workbooks (.xlsx): cells as text, with the errors and uncalculated formulas that readers show as blank."""

import io
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum

from geo.errors import DataError, Issue, error

from .cells import Grid, Kind, check_size, text

_REFERENCE = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]+)([0-9]+)""")
_PLACE = re.compile(r"([A-Z]+)([0-9]+)")
Place = tuple[int, int]


def read(path: Path, sheet: str | None, header: int, where: str) -> Grid:
    """Read one worksheet without interpreting a cell; the line of a row is its number in the sheet.

    Cells that show an error, such as #REF!, have its text. A formula without a calculated result has its own text, so
    that it is neither a number nor a name. Dates are written year first.

    Raises:
        DataError: E-IO-CORRUPT, E-SIZE-LIMIT, E-LAYER-AMBIGUOUS, E-LAYER-MISSING or E-XLS-MERGED.
    """
    try:
        with CalamineWorkbook.from_path(path) as book:
            name = _choose(path.name, book, sheet, where)
            lost_texts = _scan_sheet(path, name)
            page = book.get_sheet_by_name(name)
            cells = page.to_python(skip_empty_area=False)
    except (CalamineError, zipfile.BadZipFile, ElementTree.ParseError, KeyError, OSError, ValueError) as failure:
        issue = error("E-IO-CORRUPT", path.name, rule=f"not an Excel workbook: {failure}", fix="export it again")
        raise DataError([issue]) from failure
    if merged := _merged(path.name, page, header):
        raise DataError(merged)
    for (row, column), lost_text in lost_texts.items():
        if row < len(cells) and column < len(cells[row]):
            cells[row][column] = lost_text
    if len(cells) < header:
        return Grid([], [])
    names = [text(cell) for cell in cells[header - 1]]
    rows = [(line, [text(cell) for cell in row]) for line, row in enumerate(cells[header:], start=header + 1)]
    return Grid(names, rows, _kinds(names, cells[header:]))


def _choose(file: str, book: CalamineWorkbook, wanted: str | None, where: str) -> str:
    sheets = [page.name for page in book.sheets_metadata if page.typ == SheetTypeEnum.WorkSheet]
    named = ", ".join(sheets)
    if wanted is None and len(sheets) != 1:
        rule, fix = f"the worksheets of the workbook: {named or 'none'}", f"name one: {where} sheet = ..."
        raise DataError([error("E-LAYER-AMBIGUOUS", file, rule=rule, fix=fix)])
    if wanted is not None and wanted not in sheets:
        rule, fix = f"the workbook has the sheets {named}", f"correct {where} sheet"
        raise DataError([error("E-LAYER-MISSING", file, value=wanted, rule=rule, fix=fix)])
    return wanted or sheets[0]


def _merged(file: str, page: CalamineSheet, header: int) -> list[Issue]:
    """Find merged cells from the header on: all but the first of them are blank, whatever they show."""
    rule, fix = "every cell of a table has a value of its own", "unmerge the cells and write the value into each"
    issues = []
    for (top, left), (bottom, right) in page.merged_cell_ranges or []:
        if bottom >= header - 1:
            value = f"{_cell(top, left)}:{_cell(bottom, right)}"
            issues.append(error("E-XLS-MERGED", file, line=top + 1, value=value, rule=rule, fix=fix))
    return issues


def _kinds(names: Sequence[str], rows: Sequence[Sequence[object]]) -> dict[str, Kind]:
    """Tell the kind of each column: Excel has one kind of number, so whole ones count as integers."""
    kinds: dict[str, Kind] = {}
    for name, column in zip(names, zip(*rows, strict=True), strict=True):
        numbers = [cell for cell in column if type(cell) is float]
        if numbers:
            kinds[name] = "integer" if all(map(float.is_integer, numbers)) else "float"
    return kinds


def _scan_sheet(path: Path, sheet: str) -> dict[Place, str]:
    """Measure a worksheet before it is laid out in memory, and find the cells whose text would be lost.

    Two cells in opposite corners are enough to make a reader lay out seventeen thousand million.
    """
    with zipfile.ZipFile(path) as archive:
        content = archive.read(_member(archive, sheet))
    places = _REFERENCE.findall(content)
    if places:
        width = max(_number(letters) for letters in {letters.decode().upper() for letters, _ in places})
        check_size(path.name, max(int(digits[:12]) for digits in {digits for _, digits in places}), width)
    suspicious = any(mark in content for mark in (b'"e"', b"'e'", b"<f", b":f"))
    return _lost_texts(content) if suspicious else {}


def _member(archive: zipfile.ZipFile, sheet: str) -> str:
    """Find the file of a worksheet inside the workbook."""
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    targets = {relation.get("Id"): relation.get("Target", "") for relation in relations}
    entries = {entry.get("name"): entry for entry in book.iter() if entry.tag.endswith("}sheet")}
    # The attribute is r:id, in one of two namespaces: of Excel as it saves, and of its strict form.
    named = (value for key, value in entries[sheet].items() if key.endswith("}id"))
    target = targets[next(named, "")]
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def _lost_texts(content: bytes) -> dict[Place, str]:
    """Give errors and uncalculated formulas by row and column, from 0."""
    found: dict[Place, str] = {}
    row, column = -1, -1
    for event, element in ElementTree.iterparse(io.BytesIO(content), ("start", "end")):
        tag = element.tag.rpartition("}")[2]
        if tag == "row" and event == "start":
            row, column = int(element.get("r", row + 2)) - 1, -1
        elif tag == "c" and event == "start":
            row, column = _place(element.get("r"), row, column)
        elif tag == "c":
            lost_text = _lost_text(element)
            if lost_text is not None:
                found[row, column] = lost_text
            element.clear()
        elif tag == "row":
            element.clear()
    return found


def _lost_text(cell: ElementTree.Element) -> str | None:
    parts = {part.tag.rpartition("}")[2]: part.text or "" for part in cell}
    if cell.get("t") == "e":
        return parts.get("v") or "#ERROR!"
    # A formula whose result is an empty text has a cell of the type of text; one without a result has no type.
    if "f" in parts and not parts.get("v") and cell.get("t") != "str":
        return f"={parts['f']}"
    return None


def _place(reference: str | None, row: int, column: int) -> Place:
    """Read a reference such as B3; a cell without one follows the last."""
    match = _PLACE.fullmatch(reference or "")
    return (int(match[2]) - 1, _number(match[1]) - 1) if match else (row, column + 1)


def _number(letters: str) -> int:
    """Give the number of a column, from 1: A is 1, Z 26, AA 27."""
    number = 0
    for letter in letters[:6]:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _cell(row: int, column: int) -> str:
    """Write a place, counted from 0, as Excel does."""
    letters, rest = "", column + 1
    while rest:
        rest, last = divmod(rest - 1, 26)
        letters = chr(ord("A") + last) + letters
    return f"{letters}{row + 1}"
