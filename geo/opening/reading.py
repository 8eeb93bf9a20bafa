"""From a path in a config to a file whose content is known and may be given to the one reader for it."""

import os
from collections.abc import Mapping
from pathlib import Path

from geo.errors import DataError, error

from . import limits
from .content import Kind
from .content import kind as kind_of
from .links import linked_crs
from .paths import regular_file, shown, too_large
from .whole import check_complete, check_sidecars

# Kinds whose readers take the whole file into memory at once.
_READ_WHOLE = frozenset({Kind.TEXT, Kind.GEOJSON, Kind.XLSX, Kind.R_DATA})
_PACKED = frozenset({Kind.ZIP, Kind.GZIP, Kind.ARCHIVE})


def expect(path: Path, where: str, allowed: Mapping[Kind, tuple[str, ...]]) -> Kind:
    """Accept a file if its content agrees with its name, and its kind is allowed at its place.

    Args:
        path: The file.
        where: Key of the config that names it, such as "[zones.polygons] file".
        allowed: For each kind that may stand there the suffixes it goes by, in small letters with the dot.

    Returns:
        The kind of the file, from its content.

    Raises:
        DataError: As `regular_file`; E-IO-FORMAT where content, name and place disagree; E-IO-CORRUPT where the file
            is cut off; E-IO-SIDECAR where parts of a Shapefile are missing; E-CRS-LINK where a GeoJSON links to its
            CRS; E-SIZE-LIMIT.
    """
    regular_file(path, where)
    try:
        found = kind_of(path)
        _check_kind(path, where, allowed, found)
        damage = check_complete(path, found)
    except OSError as failure:
        rule = f"the file can be read ({failure.strerror or failure})"
        raise DataError([error("E-IO-ACCESS", shown(path.name), rule=rule, fix="ask for permission")]) from failure
    if damage is not None:
        raise DataError([damage])
    size = path.stat().st_size
    if found in _READ_WHOLE and size > limits.WHOLE_BYTES:
        raise DataError([too_large(path, size, limits.WHOLE_BYTES)])
    if found is Kind.SHAPEFILE:
        check_sidecars(path, where)
    if found is Kind.GEOJSON and (link := linked_crs(path)) is not None:
        raise DataError([link])
    return found


def _check_kind(path: Path, where: str, allowed: Mapping[Kind, tuple[str, ...]], found: Kind) -> None:
    names = ", ".join(sorted({suffix for suffixes in allowed.values() for suffix in suffixes}))
    suffix = path.suffix.lower()
    if found in allowed and suffix in allowed[found]:
        return
    if found not in allowed:
        rule = f"{where} is one of {names}; the content is {found.value}"
        fix = "unpack it and name the file inside" if found in _PACKED else "export it as one of these"
    else:
        rule = f"the suffix is {suffix or 'missing'}, the content is {found.value}"
        fix = f"rename it to {' or '.join(allowed[found])}, or export it again"
    raise DataError([error("E-IO-FORMAT", path.name, value=found.value, rule=rule, fix=fix)])


def vector_source(path: Path, kind: Kind) -> str:
    """Give the text by which GDAL opens a layer with the one driver for its kind, and with no other.

    Raises:
        DataError: E-PATH where pyogrio would take the name of a Shapefile for something else.
        ValueError: There is no vector driver for this kind.
    """
    # Two slashes at the start would be read as the name of a host.
    place = "/" + os.fspath(path.absolute()).lstrip("/")
    if kind is Kind.GEOJSON:
        return f"GeoJSON:{place}"
    if kind is Kind.GPKG:
        # Unquoted, a colon would begin the name of a table.
        quoted = place.replace("\\", "\\\\").replace('"', '\\"')
        return f'GPKG:"{quoted}"'
    if kind is not Kind.SHAPEFILE:
        raise ValueError(f"no vector driver for {kind.value}")
    # The Shapefile driver has no prefix, and pyogrio splits a path without one: a ! names a member of an archive, what
    # follows a ; is lost. To the driver itself a backslash parts folders.
    if any(mark in place for mark in "!;\\"):
        rule, fix = "the path of a Shapefile has no !, no ; and no backslash", "rename the file or its folder"
        raise DataError([error("E-PATH", path.name, value=shown(path.name), rule=rule, fix=fix)])
    return place
