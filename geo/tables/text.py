"""Bytes to text, and text that was once decoded wrongly; only what the bytes prove is offered, without guesses."""

import codecs
import re
from collections.abc import Mapping, Sequence

from geo.errors import DataError, Issue, error

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SUGGESTED = ("utf-8-sig", "gb18030")
_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")
# GB 2312 writes a character of Chinese as two bytes from A1 to FE. Two of them side by side are four letters with
# accents in a row, which no language that is written in Latin letters has.
_GB2312 = re.compile(rb"[\x00-\x7f]*(?:(?:[\xa1-\xfe]{2}){2,}[\x00-\x7f]*)+")
_LOST = "\ufffd"


def decode(raw: bytes, encoding: str, file: str, where: str) -> str:
    """Decode the bytes of a file as declared; only a byte order mark, which is a proof, overrides the default.

    The base name of the file and the section `where` of the config are for the message.

    Returns:
        The text without a byte order mark.

    Raises:
        DataError: E-ENC with the offset and line of the first byte that does not fit.
    """
    try:
        declared = codecs.lookup(encoding).name
    except LookupError:
        rule = "the declared encoding is unknown"
        raise DataError([error("E-ENC", file, value=encoding, rule=rule, fix=_suggestion(raw, where))]) from None
    marked = next((name for mark, name in _BOMS if raw.startswith(mark)), None)
    try:
        text = raw.decode(marked if marked and declared.startswith("utf-8") else encoding)
    except (UnicodeError, LookupError) as failure:
        raise DataError([_undecodable(raw, encoding, failure, file, where)]) from failure
    if declared.startswith("gb") and not raw.isascii() and _fits(raw, "utf-8"):
        rule = f"the bytes are valid UTF-8, which text in {encoding} never is by chance"
        raise DataError([error("E-ENC", file, value=encoding, rule=rule, fix=f'{where} encoding = "utf-8-sig"')])
    if "\0" in text:
        line, rule = text[: text.index("\0")].count("\n") + 1, "a text has no NUL characters"
        raise DataError([error("E-ENC", file, line=line, value="NUL", rule=rule, fix="export it again as UTF-8")])
    return text.removeprefix("\ufeff")


def check_names(
    file: str, column: str, names: Sequence[str], lines: Sequence[int], people: Mapping[int, float], where: str
) -> list[Issue]:
    """Find names that are the bytes of one encoding read as another (E-ENC-MOJIBAKE), one issue for the column.

    File, column, lines, residents by row and the section `where` of the config are for the message.
    """
    wrong = [row for row, name in enumerate(names) if not name.isascii() and (misread(name) or _LOST in name)]
    if not wrong:
        return []
    first = wrong[0]
    found = misread(names[first])
    rule = f"{len(wrong)} names were decoded wrongly"
    rule += f': the bytes are {found[1]} and mean "{found[0]}"' if found else ": letters were replaced by U+FFFD"
    fix = f'declare it: {where} encoding = "{found[1]}"; or export the file again' if found else "export it again"
    counted = sum(people.get(row, 0.0) for row in wrong)
    return [Issue("E-ENC-MOJIBAKE", "error", file, lines[first], column, names[first], rule, fix, counted)]


def misread(name: str) -> tuple[str, str] | None:
    """Give the Chinese text and its encoding that `name` is the Latin-1 or Windows-1252 reading of, else None."""
    raw = _latin_bytes(name)
    if raw is None:
        return None
    for encoding, plausible in (("utf-8", True), ("gb18030", _GB2312.fullmatch(raw))):
        if plausible and _fits(raw, encoding):
            meant = raw.decode(encoding)
            if all(mark.isascii() or _HAN.fullmatch(mark) for mark in meant):
                return meant, encoding
    return None


def _latin_bytes(name: str) -> bytes | None:
    """Give the bytes that reading as Latin-1, or as Windows-1252 where it has a letter, turned into `name`."""
    try:
        return b"".join(bytes([ord(mark)]) if ord(mark) < 256 else mark.encode("cp1252") for mark in name)
    except UnicodeEncodeError:
        return None


def _undecodable(raw: bytes, encoding: str, failure: Exception, file: str, where: str) -> Issue:
    fix = _suggestion(raw, where)
    if not isinstance(failure, UnicodeDecodeError):
        return error("E-ENC", file, value=encoding, rule=f"no text encoding: {failure}", fix=fix)
    start = min(failure.start, len(raw) - 1)
    line, rule = raw[:start].count(b"\n") + 1, f"the text is not {encoding} (byte {start})"
    return error("E-ENC", file, line=line, value=f"0x{raw[start]:02x}", rule=rule, fix=fix)


def _suggestion(raw: bytes, where: str) -> str:
    fitting = [encoding for encoding in _SUGGESTED if _fits(raw, encoding)]
    return f'declare it: {where} encoding = "{fitting[0]}"' if fitting else "find out its encoding, or export it again"


def _fits(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
