"""CRS members of a GeoJSON text: one that links to somewhere makes GDAL fetch it, so only named ones pass."""

import json
import mmap
import re
from pathlib import Path

from geo.errors import Issue, error

from .content import open_regular

# GDAL's parser takes either quote, either case, and each letter as an escape.
_KEY = re.compile(rb"""["'](?:c|\\u00[46]3)(?:r|\\u00[57]2)(?:s|\\u00[57]3)["']\s*([^\s]?)\s*""", re.IGNORECASE)
_NO_OBJECT = re.compile(rb'["\d\-ntf]')
_NAME = re.compile(r"[\w.,:-]{1,100}|https?://www\.opengis\.net/def/crs/[\w./-]{1,60}")
_OBJECT_BYTES = 1000


def linked_crs(path: Path) -> Issue | None:
    """Find a CRS that is not given by a name such as "urn:ogc:def:crs:EPSG::4490"; None where there is none.

    Left alone, GDAL fetches what a link points at, and takes the coordinates for EPSG:4326 where that fails.
    """
    with open_regular(path) as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        for key in _KEY.finditer(text):
            if not _is_harmless(text, key):
                rule = 'the CRS is named, as in {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4490"}}'
                line = text[: key.start()].count(b"\n") + 1
                fix = "name the CRS in the file, or take the member out and declare [zones.polygons] crs"
                return error("E-CRS-LINK", path.name, line=line, column="crs", rule=rule, fix=fix)
    return None


def _is_harmless(text: mmap.mmap, key: re.Match[bytes]) -> bool:
    if key[1] in (b",", b"}", b"]", b""):  # no key: a text that happens to read so
        return True
    # A property of a feature may be called so as well; GDAL looks only at objects.
    return key[1] == b":" and (_NO_OBJECT.match(text, key.end()) is not None or _names_crs(text, key.end()))


def _names_crs(text: mmap.mmap, start: int) -> bool:
    """Whether a strict JSON object stands there that gives a name or an EPSG number, each key once."""
    beginning = text[start : start + _OBJECT_BYTES].decode("utf-8", "ignore")
    try:
        crs, _ = json.JSONDecoder(object_pairs_hook=_unique_keys).raw_decode(beginning)
    except ValueError:
        return False
    if not isinstance(crs, dict) or crs.keys() != {"type", "properties"} or not isinstance(crs["properties"], dict):
        return False
    match crs["type"], crs["properties"]:
        case "name", {"name": str(name), **rest}:
            return not rest and _NAME.fullmatch(name) is not None
        case "EPSG", {"code": int(), **rest}:
            return not rest
    return False


def _unique_keys(members: list[tuple[str, object]]) -> dict[str, object]:
    if len({key for key, _ in members}) < len(members):
        raise ValueError("a key stands twice")
    return dict(members)
