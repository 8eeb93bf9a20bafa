"""The files of which a Shapefile consists: those that must lie beside it, and checks of each."""

import os
from pathlib import Path

from geo.errors import DataError, error

from .paths import regular_file
from .whole import check_complete

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
    if issues := [issue for suffix in NEEDED if (issue := check_complete(parts[suffix], suffix)) is not None]:
        raise DataError(issues)
