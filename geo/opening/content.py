"""The kind of a file, from its first and last bytes and not from its name."""

import bz2
import lzma
import os
import re
import sqlite3
import stat
import zlib
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import BinaryIO

_HEAD_BYTES = 65_536
_SQLITE = b"SQLite format 3\x00"
_GPKG_IDS = (b"GPKG", b"GP10", b"GP11")
_R_SERIALISED = (b"RDX2\n", b"RDX3\n", b"RDA2\n", b"RDA3\n", b"X\n\x00\x00\x00", b"A\n2\n", b"A\n3\n")
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_GZIP = b"\x1f\x8b"
_OTHER_ARCHIVES = (b"BZh", b"\xfd7zXZ\x00", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"\x28\xb5\x2f\xfd")
ARCHIVES = (*_ZIP, _GZIP, *_OTHER_ARCHIVES)
_MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
# A text has no control characters besides tab, line ends, form feed and Ctrl-Z, with which old programs end a file.
_NOT_TEXT = re.compile(rb"[\x00-\x08\x0b\x0e-\x19\x1b-\x1f\x7f]")
_GEOJSON = (
    *("FeatureCollection", "Feature", "GeometryCollection"),
    *("Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon"),
)
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|([{}\[\]:,])|[^\s{}\[\]:,"]+', re.DOTALL)


class Kind(Enum):
    """What a file is by its content alone; the value is its name in messages."""

    GPKG = "a GeoPackage"
    SQLITE = "an SQLite database that is no GeoPackage"
    GEOJSON = "a GeoJSON text"
    JSON = "a JSON text that is no GeoJSON"
    SHAPEFILE = "a Shapefile"
    PARQUET = "a Parquet file"
    GEOTIFF = "a TIFF image"
    XLSX = "an Excel workbook (.xlsx)"
    OLE = "an old (.xls) or password-protected Office file"
    R_DATA = "an R data file"
    ZIP = "a zip archive"
    GZIP = "a gzip archive"
    ARCHIVE = "an archive (bzip2, xz, 7z or rar)"
    XML = "an XML or HTML text"
    TEXT = "a text"
    CSV = "a text"  # the same member: the content of a CSV does not differ from another text
    EMPTY = "an empty file"
    UNKNOWN = "something unknown"


_BINARY: Mapping[Kind, bytes | tuple[bytes, ...]] = {
    Kind.PARQUET: b"PAR1",
    Kind.SHAPEFILE: b"\x00\x00\x27\x0a",
    Kind.GEOTIFF: (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"),
    Kind.OLE: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    Kind.GZIP: _GZIP,
    Kind.ARCHIVE: _OTHER_ARCHIVES,
}


def open_regular(path: Path) -> BinaryIO:
    """Open a file for reading without waiting for a pipe, should one have taken the file's place.

    Raises:
        OSError: It cannot be opened, or is no regular file any more.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError("no regular file")
    return os.fdopen(handle, "rb")


def kind(path: Path) -> Kind:
    """Determine what a regular file is from its content.

    Only what decides between readers is read: the file may still be damaged.

    Raises:
        OSError: It cannot be read.
    """
    with open_regular(path) as file:
        head = file.read(_HEAD_BYTES)
        if not head:
            return Kind.EMPTY
        if head.startswith(_ZIP):
            return _zip(file, head)
    if head.startswith(_SQLITE):
        return Kind.GPKG if head[68:72] in _GPKG_IDS or _has_contents(path) else Kind.SQLITE
    return _binary(head) or _text(head)


def _binary(head: bytes) -> Kind | None:
    if head.startswith(_R_SERIALISED) or _unpacked_head(head).startswith(_R_SERIALISED):
        return Kind.R_DATA
    return next((kind for kind, mark in _BINARY.items() if head.startswith(mark)), None)


def _unpacked_head(head: bytes) -> bytes:
    """Give the first 16 bytes of what a gzip, bzip2 or xz file holds, b"" for another file or a broken one."""
    try:
        if head.startswith(_GZIP):
            return zlib.decompressobj(31).decompress(head, 16)
        if head.startswith(b"BZh"):
            return bz2.BZ2Decompressor().decompress(head, 16)
        if head.startswith(b"\xfd7zXZ\x00"):
            # The dictionary of an xz file may ask for gigabytes; 2**26 bytes are those of its highest preset.
            return lzma.LZMADecompressor(memlimit=2**27).decompress(head, 16)
    except (zlib.error, OSError, EOFError, lzma.LZMAError, ValueError):
        pass
    return b""


def _has_contents(path: Path) -> bool:
    """Whether a database has the table that makes it a GeoPackage; old writers leave out the application id."""
    try:
        # `immutable` reads the one file alone: no journal beside it is looked for, none is made.
        base = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            return base.execute("SELECT 1 FROM sqlite_master WHERE name = 'gpkg_contents'").fetchone() is not None
        finally:
            base.close()
    except sqlite3.Error:
        return False


def _zip(file: BinaryIO, head: bytes) -> Kind:
    import zipfile

    try:
        with zipfile.ZipFile(file) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        # Cut off, the directory at the end is lost; the first member is still there.
        return Kind.XLSX if b"[Content_Types].xml" in head or b"xl/" in head[:100] else Kind.ZIP
    return Kind.XLSX if {"[Content_Types].xml", "xl/workbook.xml"} <= names else Kind.ZIP


def _text(head: bytes) -> Kind:
    """Distinguish texts by their first character; the head may end within a character."""
    encoding = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    if encoding is None and _NOT_TEXT.search(head):
        return Kind.UNKNOWN
    # What is not ASCII lies inside strings: latin-1 reads every other text well enough to find its brackets.
    text = head.decode(encoding or "latin-1", "ignore").lstrip("\x00\ufeff\r\n\t ")
    if text.startswith("<"):
        return Kind.XML
    if text.startswith("{"):
        # GeoJSON is UTF-8 (RFC 7946); GDAL reads no other.
        wide = encoding in ("utf-16", "utf-32")
        return Kind.GEOJSON if not wide and _member(text, "type") in _GEOJSON else Kind.JSON
    return Kind.TEXT


def _member(text: str, name: str) -> str | None:
    """Give the text of one member of the outermost JSON object, if it stands within `text`."""
    depth, before, key = 0, "", ""
    for token in _TOKEN.finditer(text):
        mark = token[2] or ""
        depth += (mark in ("{", "[")) - (mark in ("}", "]"))
        if depth == 1 and mark == ":":
            key = before
        elif depth == 1 and key == name and token[1] is not None:
            return token[1]
        elif depth == 1 and mark:
            key = ""
        before = token[1] or ""
    return None
