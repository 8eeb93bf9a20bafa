"""The field names of a Shapefile: ten bytes each, which is three Chinese characters and a broken one."""

from pathlib import Path

from geo.errors import DataError, error

_HEADER_BYTES = 32
_FIELD_BYTES = 32
_NAME_BYTES = 11  # ten and a zero
_END = 0x0D


def check(table: Path) -> None:
    """Refuse a Shapefile whose field names were cut inside a character; no reader gets them back.

    Raises:
        DataError: E-SHP-FIELDNAME, one for each name.
    """
    cut = [name.decode("utf-8", "replace") for name in _names(table) if _cut(name)]
    rule = "a field name of a Shapefile has ten bytes; this one was cut inside a character"
    fix = "use a GeoPackage, or names of up to three Chinese characters"
    if cut:
        raise DataError([error("E-SHP-FIELDNAME", table.name, column=name, rule=rule, fix=fix) for name in cut])


def _names(table: Path) -> list[bytes]:
    """Read the field names of a dBase table as bytes."""
    with table.open("rb") as file:
        fields = file.read(2**16)[_HEADER_BYTES:]
    names = []
    for start in range(0, len(fields) - _FIELD_BYTES + 1, _FIELD_BYTES):
        if fields[start] == _END:
            break
        names.append(fields[start : start + _NAME_BYTES].split(b"\0")[0])
    return names


def _cut(name: bytes) -> bool:
    """Tell whether a name fills its ten bytes and ends within a character of UTF-8."""
    if len(name) < _NAME_BYTES - 1 or _is_text(name):
        return False
    return any(_is_text(name[:end]) and not name[:end].isascii() for end in (-1, -2, -3))


def _is_text(name: bytes) -> bool:
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
