"""Where a raster says it lies: coordinate system and affine map, each refused rather than guessed."""

import pyproj
from pyproj.exceptions import CRSError
from rasterio.io import DatasetReader

from geo.coordinates import crs
from geo.errors import DataError, Issue, attempt, error

from .cells import Cells


def find_cells(source: DatasetReader, declared: str | None, file: str) -> tuple[Cells | None, bool, list[Issue]]:
    """Read where the cells lie.

    GDAL gives the corner of the first cell whether the file ties that corner or the centre ("pixel is point").

    Returns:
        The cells with row 0 in the north, None where there is an error; whether row 0 of the file is in the south;
        and E-CRS-*, E-GRID-NOGEO or E-GRID-ROTATED.
    """
    system, issues = attempt(lambda: _system(source, declared, file))
    issues += _check_transform(source, file)
    if issues or system is None:
        return None, False, issues
    affine = source.transform
    south_up = affine.e > 0
    top = affine.f + affine.e * source.height if south_up else affine.f
    return Cells(system, affine.c, top, affine.a, abs(affine.e), (source.height, source.width)), south_up, []


def _system(source: DatasetReader, declared: str | None, file: str) -> pyproj.CRS:
    """Decide the CRS from the file and the config."""
    try:
        found = pyproj.CRS.from_wkt(source.crs.to_wkt()) if source.crs is not None else None
    except CRSError:
        rule, fix = "the file's CRS is one that PROJ knows", "write the CRS into the file again"
        raise DataError([error("E-CRS-UNKNOWN", file, rule=rule, fix=fix)]) from None
    wanted = crs.resolve(found, declared, file)
    if found is not None and not (found.is_geographic or found.is_projected):
        rule, fix = "a grid lies in a geographic or projected CRS", "write its CRS into the file"
        raise DataError([error("E-CRS-MISSING", file, value=crs.name(found), rule=rule, fix=fix)])
    return found or wanted


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
