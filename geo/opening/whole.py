"""Whether a file is as long as its own header states, and a Shapefile has its parts: errors before it is read."""

import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

from geo.errors import DataError, Issue, error

from .content import Kind, open_regular
from .paths import regular_file, shown

_NEEDED = (".shx", ".dbf")
# Everything GDAL looks for beside a Shapefile, indexes and metadata included.
_KNOWN = (*_NEEDED, ".prj", ".cpg", ".qix", ".sbn", ".sbx", ".idm", ".ind", ".qpj", ".cst", ".shp.xml")
_SHP_HEADER = 100
_TAIL = 1024
_PIECE = 2**20


def corrupt(path: Path, rule: str) -> Issue:
    """The error that a file is damaged, with its size and SHA-256, by which a sender can compare it."""
    digest = hashlib.sha256()
    with open_regular(path) as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    value = f"{path.stat().st_size:,} bytes, sha256 {digest.hexdigest()}"
    return error("E-IO-CORRUPT", path.name, value=value, rule=shown(rule, 200), fix="copy or export the file again")


def check_complete(path: Path, kind: Kind | str) -> Issue | None:
    """Find a file that is shorter than its header states, or not closed; None for a complete one.

    The content itself is not read.

    Raises:
        OSError: It cannot be read.
    """
    if kind not in _TESTS:
        return None
    with open_regular(path) as file:
        rule = _TESTS[kind](file, os.fstat(file.fileno()).st_size)
    return None if rule is None else corrupt(path, rule)


def shapefile_parts(path: Path) -> dict[str, Path]:
    """Find the parts that lie beside a .shp, by suffix; names may differ in the case of the suffix, as for GDAL."""
    found: dict[str, Path] = {}
    for suffix in _KNOWN:
        for name in (suffix, suffix.upper()):
            part = path.with_suffix(name)
            if os.path.lexists(part):
                found.setdefault(suffix, part)
    return found


def check_sidecars(path: Path, where: str) -> None:
    """Refuse a Shapefile whose other parts are missing, cut off, or no regular files.

    Raises:
        DataError: E-IO-SIDECAR, E-IO-CORRUPT, or as `regular_file`.
    """
    parts = shapefile_parts(path)
    lost = [suffix for suffix in _NEEDED if suffix not in parts]
    if lost:
        rule = f"a Shapefile needs its {' and '.join(lost)} beside it"
        fix = f"copy all parts of the Shapefile: .shp, {', '.join(_NEEDED)}, .prj and .cpg"
        raise DataError([error("E-IO-SIDECAR", path.name, value=", ".join(lost), rule=rule, fix=fix)])
    for part in parts.values():
        regular_file(part, where)
    if issues := [issue for suffix in _NEEDED if (issue := check_complete(parts[suffix], suffix)) is not None]:
        raise DataError(issues)


def _shorter(size: int, stated: int) -> str | None:
    return None if size >= stated else f"the header states {stated:,} bytes, the file has {size:,}"


def _sqlite(file: BinaryIO, size: int) -> str | None:
    head = file.read(100)
    if len(head) < 100:
        return "the database ends within its header"
    page = int.from_bytes(head[16:18], "big")
    page = 65_536 if page == 1 else page
    if page < 512 or page & (page - 1):
        return f"a database page has 512 to 65,536 bytes, a power of two; the header states {page}"
    # The count of pages is right only if the library that wrote it is the one that changed the file last.
    counted = head[24:28] == head[92:96]
    pages = int.from_bytes(head[28:32], "big") if counted else -(-size // page)
    return _shorter(size, pages * page)


def _shapefile(file: BinaryIO, size: int) -> str | None:
    head = file.read(_SHP_HEADER)
    if len(head) < _SHP_HEADER:
        return "the Shapefile ends within its header"
    # Bytes that the format leaves zero are where a file could pretend to be of another kind as well.
    if any(head[4:24]) or int.from_bytes(head[28:32], "little") != 1000:
        return "the header of a Shapefile has version 1000 and zeros where the format has no use for them"
    stated = 2 * int.from_bytes(head[24:28], "big")
    return None if size >= stated >= _SHP_HEADER else f"the header states {stated:,} bytes, the file has {size:,}"


def _shapefile_index(file: BinaryIO, size: int) -> str | None:
    head = file.read(_SHP_HEADER)
    stated = 2 * int.from_bytes(head[24:28], "big")
    if head[:4] != b"\x00\x00\x27\x0a" or len(head) < _SHP_HEADER or stated < _SHP_HEADER:
        return "the index of a Shapefile begins like the Shapefile"
    return _shorter(size, stated)


def _shapefile_table(file: BinaryIO, size: int) -> str | None:
    head = file.read(32)
    if len(head) < 32:
        return "the table ends within its header"
    rows = int.from_bytes(head[4:8], "little")
    # The mark at the end of the table is not always written.
    return _shorter(size, int.from_bytes(head[8:10], "little") + rows * int.from_bytes(head[10:12], "little"))


def _parquet(file: BinaryIO, size: int) -> str | None:
    if size < 12:
        return "a Parquet file has at least 12 bytes"
    file.seek(-8, os.SEEK_END)
    tail = file.read(8)
    if tail[4:] != b"PAR1":
        return "a Parquet file ends as it begins, with PAR1"
    footer = int.from_bytes(tail[:4], "little")
    return None if footer + 12 <= size else f"the footer has {footer:,} bytes, the file {size:,}"


def _tiff(file: BinaryIO, size: int) -> str | None:
    head = file.read(16)
    large = head[2:4] in (b"+\x00", b"\x00+")
    first = int.from_bytes(head[8:16] if large else head[4:8], "little" if head[:2] == b"II" else "big")
    return None if 8 <= first < size else f"the directory stands at byte {first:,}, the file has {size:,}"


def _json(file: BinaryIO, size: int) -> str | None:
    file.seek(max(size - _TAIL, 0))
    # In UTF-16 and UTF-32 the last mark has zero bytes beside it.
    return None if file.read().rstrip(b"\x00\r\n\t \x1a").endswith(b"}") else "the outermost object is not closed"


_TESTS: Mapping[Kind | str, Callable[[BinaryIO, int], str | None]] = {
    Kind.GPKG: _sqlite,
    Kind.SHAPEFILE: _shapefile,
    Kind.PARQUET: _parquet,
    Kind.GEOTIFF: _tiff,
    Kind.GEOJSON: _json,
    ".shx": _shapefile_index,
    ".dbf": _shapefile_table,
}
