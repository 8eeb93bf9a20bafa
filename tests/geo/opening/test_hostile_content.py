"""Content decides: kinds of file told apart, CRS members that link, archives that unpack to more than they say."""

import bz2
import gzip
import io
import lzma
import sqlite3
import struct
import zipfile

import numpy as np
import pytest

from geo import opening
from geo.errors import DataError
from geo.opening import Kind


def _code(call, *arguments):
    with pytest.raises(DataError) as refused:
        call(*arguments)
    (issue,) = refused.value.issues
    assert issue.rule
    assert issue.fix
    return issue.code


def _sqlite(file):
    sqlite3.connect(file).executescript("CREATE TABLE t (x); INSERT INTO t VALUES (1)").close()


def _workbook(file):
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")


CONTENTS = [
    (b"", Kind.EMPTY),
    (b"code,name\n1,\xb6\xab\xb3\xc7\n", Kind.CSV),
    ("﻿code,name\n".encode("utf-16"), Kind.CSV),
    (b'\xef\xbb\xbf {"features": [], "type": "FeatureCollection"}', Kind.GEOJSON),
    (b'{"x": {"type": "FeatureCollection"}}', Kind.JSON),
    (b'{"type": "Topology", "objects": {}}', Kind.JSON),
    (b'{"geometryType": "esriGeometryPolygon", "features": []}', Kind.JSON),
    ('{"type": "FeatureCollection"}'.encode("utf-16"), Kind.JSON),
    (b"\n<VRTDataset/>", Kind.XML),
    (b"PAR1" + bytes(20) + b"PAR1", Kind.PARQUET),
    (b"II+\x00" + bytes(20), Kind.GEOTIFF),
    (b"\x00\x00\x27\x0a" + bytes(96), Kind.SHAPEFILE),
    (gzip.compress(b"RDX3\nX\n..."), Kind.R_DATA),
    (lzma.compress(b"RDX2\nX\n..."), Kind.R_DATA),
    (bz2.compress(b"RDX2\nX\n..."), Kind.R_DATA),
    (gzip.compress(b"code,name\n"), Kind.GZIP),
    (lzma.compress(b"code,name\n"), Kind.ARCHIVE),
    (b"PK\x05\x06" + bytes(18), Kind.ZIP),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), Kind.OLE),
    (b"\x7fELF" + bytes(50), Kind.UNKNOWN),
    (_sqlite, Kind.SQLITE),
    (_workbook, Kind.XLSX),
]


@pytest.mark.parametrize(("content", "kind"), CONTENTS, ids=range(len(CONTENTS)))
def test_content_decides_what_a_file_is(tmp_path, content, kind):
    file = tmp_path / "file.gpkg"
    content(file) if callable(content) else file.write_bytes(content)
    assert opening.kind(file) is kind
    assert _code(opening.expect, file, "x", {Kind.GPKG: (".gpkg",)}) == "E-IO-FORMAT"


def test_name_and_content_must_agree(small_panel):
    small_panel.write()
    (small_panel.folder / "squares.gpkg").rename(small_panel.folder / "squares.shp")
    allowed = {Kind.GPKG: (".gpkg",), Kind.SHAPEFILE: (".shp",)}
    assert _code(opening.expect, small_panel.folder / "squares.shp", "x", allowed) == "E-IO-FORMAT"


@pytest.mark.parametrize(
    ("crs", "passes"),
    [
        ('"crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4490"}}', True),
        ('"crs": {"properties": {"name": "EPSG:4490"}, "type": "name"}', True),
        ('"crs": {"type": "EPSG", "properties": {"code": 4490}}', True),
        ('"crs": null', True),
        ('"note": "crs", "x": ["crs", {"crs": "a property"}]', True),
        ('"crs": {"type": "link", "properties": {"href": "http://127.0.0.1:9/x"}}', False),
        ('"c\\u0072s": {"type": "url", "properties": {"url": "http://127.0.0.1:9/x"}}', False),
        ('"CRS": {"type": "URL", "properties": {"url": "http://127.0.0.1:9/x"}}', False),
        ("'crs': {'type': 'url', 'properties': {'url': 'http://127.0.0.1:9/x'}}", False),
        ('"crs"/* */: {"type": "url", "properties": {"url": "http://127.0.0.1:9/x"}}', False),
        ('"crs": {"type": "name", "type": "url", "properties": {"name": "x"}}', False),
        ('"crs": {"type": "name", "properties": {"name": "/etc/passwd"}}', False),
    ],
)
def test_a_crs_is_named_not_linked(tmp_path, crs, passes):
    file = tmp_path / "a.geojson"
    file.write_text('{"type": "FeatureCollection",\n' + crs + ', "features": []}')
    arguments = (file, "x", {Kind.GEOJSON: (".geojson",)})
    if passes:
        assert opening.expect(*arguments) is Kind.GEOJSON
    else:
        assert _code(opening.expect, *arguments) == "E-CRS-LINK"


def _lying(claimed):
    """A zip whose directory states another size than its member has."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/x", bytes(5_000_000))
    content = bytearray(file.getvalue())
    at = content.index(b"PK\x01\x02")
    content[at + 24 : at + 28] = struct.pack("<I", claimed)
    return bytes(content)


def _encrypted():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("xl/x", "x")
    content = bytearray(file.getvalue())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def _overlapping():
    """Ten members that are one and the same."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/x", np.random.default_rng(0).bytes(50_000))
        archive.filelist = archive.filelist * 10
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (_lying(1000), "E-ZIP-BOMB"),
        (_lying(5_000_001), "E-ZIP-BOMB"),
        (_encrypted(), "E-IO-FORMAT"),
        (_overlapping(), "E-ZIP-BOMB"),
        (_lying(1000)[:-30], "E-IO-CORRUPT"),
        (gzip.compress(bytes(5_000_000)), "E-ZIP-BOMB"),
        (bz2.compress(bytes(5_000_000)), "E-ZIP-BOMB"),
        (lzma.compress(bytes(5_000_000)), "E-ZIP-BOMB"),
        (gzip.compress(gzip.compress(b"x")), "E-ZIP-BOMB"),
        (gzip.compress(np.random.default_rng(0).bytes(5000))[:-100], "E-IO-CORRUPT"),
    ],
    # What gzip writes holds the time: without names, two workers would see different tests.
    ids=["lying", "lying more", "encrypted", "overlapping", "cut", "gzip", "bzip2", "xz", "nested", "cut gzip"],
)
def test_archives_are_measured_first(tmp_path, content, code):
    file = tmp_path / "census.xlsx"
    file.write_bytes(content)
    assert _code(opening.check_archive, file, "x") == code
