"""What the bytes of a layer file tell before its shapes are made: vertices, field names, and the CRS of each shape."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq

from geo.errors import DataError, Issue, error
from geo.opening import Kind

# A vertex has at most four numbers of eight bytes.
_BYTES_A_VERTEX = 32
_PIECE = 2**24
# A field name of a Shapefile has ten bytes, which is three Chinese characters and a part of one.
_HEADER_BYTES = 32
_FIELD_BYTES = 32
_NAME_BYTES = 11  # ten and a zero
_END = 0x0D


def check(path: Path, kind: Kind, layer: str | None, max_vertices: int) -> None:
    """Refuse a layer that is too large to read, or whose records are in different systems.

    Raises:
        DataError: E-SIZE-LIMIT or E-CRS-MISMATCH.
    """
    if kind is Kind.GPKG and layer is not None:
        count, issues = _geopackage(path, layer)
    else:
        count, issues = _least_vertices(path, kind), []
    issues += too_many(count, max_vertices, path.name, about="at least ")
    if issues:
        raise DataError(issues)


def too_many(count: int, limit: int, file: str, *, about: str = "") -> list[Issue]:
    """Refuse a layer with more vertices than the config allows (E-SIZE-LIMIT)."""
    if count <= limit:
        return []
    rule = f"a layer has at most {limit:,} vertices (max_vertices)"
    fix = "simplify it with shared borders (e.g. mapshaper -simplify), or raise max_vertices in [zones.polygons]"
    return [error("E-SIZE-LIMIT", file, value=f"{about}{count:,} vertices", rule=rule, fix=fix)]


def _least_vertices(path: Path, kind: Kind) -> int:
    """Give a number of vertices that the file surely has."""
    if kind is Kind.GEOJSON:
        # Every vertex opens a bracket, and fewer other brackets are opened than there are vertices.
        with path.open("rb") as file:
            return sum(piece.count(b"[") for piece in iter(lambda: file.read(_PIECE), b"")) // 2
    if kind is Kind.PARQUET:  # the bytes of the shapes before compression; repeated ones are counted once
        file = pq.read_metadata(path)
        shape = json.loads((file.metadata or {}).get(b"geo", b"{}")).get("primary_column")
        groups = map(file.row_group, range(file.num_row_groups))
        chunks = [group.column(column) for group in groups for column in range(file.num_columns)]
        stored = sum(chunk.total_uncompressed_size for chunk in chunks if chunk.path_in_schema == shape)
        return int(stored) // _BYTES_A_VERTEX
    return path.stat().st_size // _BYTES_A_VERTEX


def _geopackage(path: Path, layer: str) -> tuple[int, list[Issue]]:
    """Read the heads of a layer's shapes: their lengths, and the CRS that each one names for itself.

    A shape without a CRS (0 or -1) takes that of its layer. GDAL never looks at what the shapes say.
    """
    # `immutable` reads the one file alone: no journal beside it is looked for, none is made.
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as base:
        try:
            base.execute("PRAGMA trusted_schema = OFF")
            return _read_geometry_heads(base, path.name, layer)
        except sqlite3.Error:
            return 0, []  # what SQLite cannot read, the reader of layers reports


def _read_geometry_heads(base: sqlite3.Connection, file: str, layer: str) -> tuple[int, list[Issue]]:
    found = base.execute(
        "SELECT column_name, srs_id FROM gpkg_geometry_columns WHERE table_name = ?"
        " AND table_name IN (SELECT name FROM sqlite_master WHERE type = 'table')",
        [layer],
    ).fetchone()
    if found is None:
        return 0, []
    shape, table = _quoted(found[0]), _quoted(layer)
    (size,) = base.execute(f"SELECT COALESCE(SUM(LENGTH({shape})), 0) FROM {table}").fetchone()
    heads = base.execute(
        f"SELECT SUBSTR({shape}, 4, 5), COUNT(*), MIN(rowid) FROM {table} WHERE {shape} IS NOT NULL GROUP BY 1"
    ).fetchall()
    issues = []
    for head, count, row in heads:
        srs = _srs(head)
        if srs not in (found[1], 0, -1):
            (record,) = base.execute(f"SELECT COUNT(*) FROM {table} WHERE rowid <= ?", [row]).fetchone()
            rule = f"the shapes of a layer are in the CRS of the layer; {count} of them, this the first, say EPSG:{srs}"
            fix = "bring the parts of the layer to one CRS before uniting them"
            issues.append(error("E-CRS-MISMATCH", file, line=record, value=f"EPSG:{srs}", rule=rule, fix=fix))
    return int(size) // _BYTES_A_VERTEX, issues


def _quoted(name: str) -> str:
    """Write a name so that SQL reads it as nothing but a name."""
    return '"' + name.replace('"', '""') + '"'


def _srs(head: bytes) -> int:
    """The srs_id in the head of a GeoPackage geometry; the lowest bit of the flags before it gives its byte order."""
    return int.from_bytes(head[1:5], "little" if head[0] & 1 else "big", signed=True)


def check_field_names(table: Path) -> None:
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
