"""The files of which a Shapefile consists: those that must lie beside it, and checks of each."""

import os
from pathlib import Path

from geo.errors import DataError, Issue, error

from .content import open_regular
from .paths import regular_file
from .whole import corrupt

NEEDED = (".shx", ".dbf")
# Everything GDAL looks for beside a Shapefile, indexes and metadata included.
_KNOWN = (*NEEDED, ".prj", ".cpg", ".qix", ".sbn", ".sbx", ".idm", ".ind", ".qpj", ".cst", ".shp.xml")


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
    lost = [suffix for suffix in NEEDED if suffix not in parts]
    if lost:
        rule = f"a Shapefile needs its {' and '.join(lost)} beside it"
        fix = f"copy all parts of the Shapefile: .shp, {', '.join(NEEDED)}, .prj and .cpg"
        raise DataError([error("E-IO-SIDECAR", path.name, value=", ".join(lost), rule=rule, fix=fix)])
    for part in parts.values():
        regular_file(part, where)
    issues = [issue for issue in (_index(parts[".shx"]), _table(parts[".dbf"])) if issue is not None]
    if issues:
        raise DataError(issues)


def _index(path: Path) -> Issue | None:
    size = path.stat().st_size
    with open_regular(path) as file:
        head = file.read(100)
    stated = 2 * int.from_bytes(head[24:28], "big")
    if head[:4] != b"\x00\x00\x27\x0a" or len(head) < 100 or stated < 100:
        return corrupt(path, "the index of a Shapefile begins like the Shapefile")
    return None if size >= stated else corrupt(path, f"the header states {stated:,} bytes, the file has {size:,}")


def _table(path: Path) -> Issue | None:
    size = path.stat().st_size
    with open_regular(path) as file:
        head = file.read(32)
    if len(head) < 32:
        return corrupt(path, "the table ends within its header")
    rows = int.from_bytes(head[4:8], "little")
    stated = int.from_bytes(head[8:10], "little") + rows * int.from_bytes(head[10:12], "little")
    # The mark at the end of the table is not always written.
    return None if size >= stated else corrupt(path, f"the header states {stated:,} bytes, the file has {size:,}")
