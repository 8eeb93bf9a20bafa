"""Where a raster says it lies: coordinate system and affine map, each refused rather than guessed."""

import pyproj
from pyproj.exceptions import CRSError
from rasterio.io import DatasetReader

from geo.coordinates import crs
from geo.errors import DataError, Issue, error

from .cells import Cells


def find_cells(source: DatasetReader, declared: str | None, file: str) -> tuple[Cells | None, bool, list[Issue]]:
    """Read where the cells lie.

    GDAL gives the corner of the first cell whether the file ties that corner or the centre ("pixel is point").

    Returns:
        The cells with row 0 in the north, None where there is an error; whether row 0 of the file is in the south;
        and E-CRS-*, E-GRID-NOGEO or E-GRID-ROTATED.
    """
    system, issues = _system(source, declared, file)
    issues += _check_transform(source, file)
    if issues or system is None:
        return None, False, issues
    affine = source.transform
    south_up = affine.e > 0
    top = affine.f + affine.e * source.height if south_up else affine.f
    return Cells(system, affine.c, top, affine.a, abs(affine.e), (source.height, source.width)), south_up, []


def _system(source: DatasetReader, declared: str | None, file: str) -> tuple[pyproj.CRS | None, list[Issue]]:
    """Decide the CRS from the file and the config, never from the numbers."""
    try:
        wanted = crs.parse(declared, file) if declared is not None else None
    except DataError as failure:
        return None, list(failure.issues)
    if source.crs is None:
        if wanted is None:
            rule = "the file names no coordinate reference system, and none is guessed"
            return None, [error("E-CRS-MISSING", file, rule=rule, fix='declare it: crs = "EPSG:4326"')]
        return wanted, []
    try:
        found = pyproj.CRS.from_wkt(source.crs.to_wkt())
    except CRSError:
        rule, fix = "the file's CRS is one that PROJ knows", "write the CRS into the file again"
        return None, [error("E-CRS-UNKNOWN", file, rule=rule, fix=fix)]
    if not (found.is_geographic or found.is_projected):
        rule, fix = "a grid lies in a geographic or projected CRS", "write its CRS into the file"
        return None, [error("E-CRS-MISSING", file, value=crs.name(found), rule=rule, fix=fix)]
    if wanted is not None and not found.equals(wanted, ignore_axis_order=True):
        rule = f"the file says {crs.name(found)}, the config says {crs.name(wanted)}"
        fix = "remove crs from the config, or correct the file"
        return None, [error("E-CRS-MISMATCH", file, value=crs.name(found), rule=rule, fix=fix)]
    return found, []


def _check_transform(source: DatasetReader, file: str) -> list[Issue]:
    affine = source.transform
    value = ", ".join(f"{number:.9g}" for number in affine[:6])
    flat = affine.a == 0 or affine.e == 0
    if (affine.is_identity or flat) and affine.b == 0 and affine.d == 0:
        rule = "the file itself says where its cells lie (a world file or .aux.xml beside it is not read)"
        fix = "write the georeference into the file, e.g. gdal_translate from the file with its world file"
        return [error("E-GRID-NOGEO", file, value=value, rule=rule, fix=fix)]
    if affine.b != 0 or affine.d != 0 or affine.a < 0:
        rule = "rows run from west to east and columns from north to south or back; these are turned"
        return [error("E-GRID-ROTATED", file, value=value, rule=rule, fix="warp it to an upright grid with sums kept")]
    return []
