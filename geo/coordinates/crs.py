"""Named coordinate reference systems, and the checks that keep one from being guessed."""

from functools import cache, lru_cache
from importlib import resources
from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from pyproj.exceptions import CRSError

from geo.errors import DataError, Issue, error

WGS84 = pyproj.CRS.from_epsg(4326)

# Mainland, islands and a margin of a degree: lon, lat (trust no narrower box: the South China Sea reaches 3 N).
_COUNTRY = (72.0, 2.0, 137.0, 55.0)


@cache
def china_albers() -> pyproj.CRS:
    """Give the equal-area projection of the maps: Albers on WGS 84, parallels 25 and 47 N, meridian 105 E.

    No EPSG or ESRI code names it, so its WKT is shipped with the package.
    """
    return pyproj.CRS.from_wkt(resources.files(__package__).joinpath("china_albers.wkt").read_text(encoding="utf-8"))


def project(shapes: NDArray[Any], source: pyproj.CRS, target: pyproj.CRS) -> NDArray[Any]:
    """Bring shapely geometries from one system to another, x before y in both.

    Args:
        shapes: Geometries, shape (N,).
        source: System of the coordinates given.
        target: System wanted.

    Returns:
        Geometries, shape (N,).
    """
    return np.asarray(
        shapely.transform(shapes, lambda xy: np.column_stack(transform(xy[:, 0], xy[:, 1], source, target)))
    )


def transform(
    x: NDArray[np.float64], y: NDArray[np.float64], source: pyproj.CRS, target: pyproj.CRS
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bring coordinates of any shape from one system to another, x before y in both."""
    x, y = _transformer(source, target).transform(x, y)
    return np.asarray(x), np.asarray(y)


@lru_cache(maxsize=16)
def _transformer(source: pyproj.CRS, target: pyproj.CRS) -> pyproj.Transformer:
    """Make a transformer once: PROJ searches its database for the best way every time, some 5 ms."""
    return pyproj.Transformer.from_crs(source, target, always_xy=True)


def to_degrees(shapes: NDArray[Any], system: pyproj.CRS) -> NDArray[Any]:
    """Bring geometries to EPSG:4326, x before y; those in it already stay as they are, bit for bit."""
    return shapes if system.equals(WGS84, ignore_axis_order=True) else project(shapes, system, WGS84)


def parse(text: str, file: str) -> pyproj.CRS:
    """Read a declared CRS.

    Raises:
        DataError: E-CRS-UNKNOWN where the text names none.
    """
    try:
        return pyproj.CRS.from_user_input(text)
    except CRSError as unknown:
        rule = "the declared crs must be a code or WKT that PROJ knows"
        raise DataError([error("E-CRS-UNKNOWN", file, value=text, rule=rule, fix='crs = "EPSG:4490"')]) from unknown


def resolve(found: pyproj.CRS | None, declared: str | None, file: str) -> pyproj.CRS:
    """Decide the CRS of a layer or raster from the file and the config, never from the coordinates.

    Raises:
        DataError: E-CRS-MISSING where neither names one, E-CRS-MISMATCH where they differ, E-CRS-UNKNOWN.
    """
    wanted = parse(declared, file) if declared is not None else found
    if wanted is None:
        missing = " (the .prj file is missing)" if file.lower().endswith(".shp") else ""
        rule = f"the file names no coordinate reference system{missing}, and none is guessed"
        raise DataError([error("E-CRS-MISSING", file, rule=rule, fix='declare it, such as crs = "EPSG:4490"')])
    if found is not None and not found.equals(wanted, ignore_axis_order=True):
        rule = f"the file says {name(found)}, the config says {name(wanted)}"
        fix = "remove crs from the config, or correct the file"
        raise DataError([error("E-CRS-MISMATCH", file, value=name(found), rule=rule, fix=fix)])
    return wanted


def check_range(bounds: NDArray[np.float64], system: pyproj.CRS, file: str) -> list[Issue]:
    """Find coordinates that cannot be in the CRS they are said to be in.

    Returns:
        At most one issue: E-AXIS-SWAP or E-CRS-RANGE.
    """
    x0, y0, x1, y1 = (float(edge) for edge in bounds)
    code, fix = "E-CRS-RANGE", "declare the CRS the coordinates are in"
    in_degrees = abs(x0) <= 180 and abs(x1) <= 180 and abs(y0) <= 90 and abs(y1) <= 90
    if system.is_geographic and in_country(y0, x0, y1, x1) and not in_country(x0, y0, x1, y1):
        rule = "x must be the longitude and y the latitude; these are the other way round"
        code, fix = "E-AXIS-SWAP", "declare swap_xy = true, or remove it if it is declared"
    elif system.is_geographic and not in_degrees:
        rule = f"coordinates are outside of longitude and latitude, but the CRS is {name(system)}"
    elif in_degrees and not system.is_geographic:
        rule = f"coordinates look like degrees, but the CRS is {name(system)}"
    else:
        return []
    value = f"x {x0:.6g} to {x1:.6g}, y {y0:.6g} to {y1:.6g}"
    return [error(code, file, value=value, rule=rule, fix=fix)]


def check_use(bounds: NDArray[np.float64], system: pyproj.CRS, file: str) -> list[Issue]:
    """Find a layer that lies wholly outside of the area its CRS is made for: it is in another one.

    Args:
        bounds: West, south, east, north of the layer, degrees.
        system: CRS of its coordinates.
        file: Base name, for the message.

    Returns:
        At most one issue, E-CRS-RANGE.
    """
    use = system.area_of_use
    if use is None or use.west > use.east:
        return []
    x0, y0, x1, y1 = (float(edge) for edge in bounds)
    if x0 <= use.east and x1 >= use.west and y0 <= use.north and y1 >= use.south:
        return []
    value = f"longitude {x0:.6g} to {x1:.6g}, latitude {y0:.6g} to {y1:.6g}"
    rule = f"{name(system)} is for {use.west:g} to {use.east:g} E, {use.south:g} to {use.north:g} N"
    return [error("E-CRS-RANGE", file, value=value, rule=rule, fix="declare the CRS the coordinates are in")]


def in_country(x0: float, y0: float, x1: float, y1: float) -> bool:
    """Whether a box of degrees (west, south, east, north) lies within China and its margin."""
    west, south, east, north = _COUNTRY
    return west <= x0 and x1 <= east and south <= y0 and y1 <= north


def name(system: pyproj.CRS) -> str:
    """Name a CRS shortly: its code where it has one, else its own name."""
    authority = system.to_authority()
    return ":".join(authority) if authority else str(system.name)
