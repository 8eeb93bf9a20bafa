"""The kind of a file, from its first and last bytes and not from its name."""

import bz2
import lzma
import os
import re
import sqlite3
import stat
import zlib
from pathlib import Path
from typing import BinaryIO

from .kinds import Kind

_HEAD_BYTES = 65_536
_SQLITE = b"SQLite format 3\x00"
_GPKG_IDS = (b"GPKG", b"GP10", b"GP11")
_TIFF = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_R_SERIALISED = (b"RDX2\n", b"RDX3\n", b"RDA2\n", b"RDA3\n", b"X\n\x00\x00\x00", b"A\n2\n", b"A\n3\n")
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
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
_GEOJSON = frozenset(
    {
        *("FeatureCollection", "Feature", "GeometryCollection"),
        *("Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon"),
    }
)
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|([{}\[\]:,])|[^\s{}\[\]:,"]+', re.DOTALL)


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

    Args:
        path: A file that passed `regular_file`.

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
    if head.startswith(b"PAR1"):
        return Kind.PARQUET
    if head.startswith(b"\x00\x00\x27\x0a"):
        return Kind.SHAPEFILE
    if head.startswith(_TIFF):
        return Kind.GEOTIFF
    if head.startswith(_OLE):
        return Kind.OLE
    if head.startswith(_R_SERIALISED) or unpacked_head(head).startswith(_R_SERIALISED):
        return Kind.R_DATA
    if head.startswith(_GZIP):
        return Kind.GZIP
    return Kind.ARCHIVE if head.startswith(_OTHER_ARCHIVES) else None


def unpacked_head(head: bytes) -> bytes:
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
