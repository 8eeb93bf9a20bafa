"""What rasters hold in zones: amounts, means and covered ground, summed over exact pieces of cells, block by block."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from geo.config import RasterConfig
from geo.errors import DataError, Issue, error, failed

from .cells import Window, blocks, ground_areas_km2, to_degrees, window
from .coverage import Pieces, cut, outside_km2, to_raster_crs
from .implausible_values import CheckedRaster, check, missing_blocks
from .read import Raster, Read, inspect, reading


class ZoneSums(NamedTuple):
    """Sums over the pieces of cells in each zone, float64, shape (zones,) each; one raster.

    Attributes:
        amount: Of a count or density: the amount. Of a mean: the mean times the ground it holds for, in km2.
        other_quantity: The amount if a count were a density, or a density a count.
        covered_km2: Ground under cells with data.
        area_km2: Ground of the zone, under the raster or not.
        weighted: Of a mean with a weight: the mean times the weight.
        weight: The weight where both rasters have data.
    """

    amount: NDArray[np.float64]
    other_quantity: NDArray[np.float64]
    covered_km2: NDArray[np.float64]
    area_km2: NDArray[np.float64]
    weighted: NDArray[np.float64]
    weight: NDArray[np.float64]


@dataclass(frozen=True)
class Summary:
    """What all rasters of a config hold in the zones.

    Attributes:
        rasters: Those that could be read, by name.
        sums: The sums of each, by name; only of rasters without an error.
        position: Longitude and latitude of the zones, degrees, shape (2, zones), NaN where the raster that places them
            holds nothing; None where no raster does.
        issues: Everything found.
    """

    rasters: dict[str, Raster]
    sums: dict[str, ZoneSums]
    position: NDArray[np.float64] | None
    issues: tuple[Issue, ...]


def summarise(config: Mapping[str, RasterConfig], position: str | None, shapes: NDArray[np.object_] | None) -> Summary:
    """Judge every raster, and sum those that are sound over the zones.

    Args:
        config: The rasters by name.
        position: Name of the raster that places the zones, if one does.
        shapes: Polygons of the zones in EPSG:4326, shape (zones,); without them only the files are judged.
    """
    inspected = {name: inspect(name, raster) for name, raster in config.items()}
    issues = [issue for _, found in inspected.values() for issue in found]
    rasters = {name: raster for name, (raster, _) in inspected.items() if raster is not None}
    wrong = _mismatches(rasters, config)
    issues += wrong.values()
    sound = rasters.keys() - wrong.keys()
    sums: dict[str, ZoneSums] = {}
    place_sums = None
    for group in _groups(rasters):
        if shapes is None:
            break
        try:
            found, placed, more = _sum_group(group, config, position, shapes)
        except DataError as failure:
            issues += failure.issues
            sound -= {raster.name for raster in group}
            continue
        sums |= found
        place_sums = placed if placed is not None else place_sums
        issues += [issue for of in more.values() for issue in of]
        sound -= {name for name, of in more.items() if failed(of)}
    # A mean whose weight is wrong would only repeat the weight's errors, zone by zone.
    sound = {name for name in sound if (config[name].weight or name) in sound}
    sums = {name: of for name, of in sums.items() if name in sound}
    positions = _mean_places(place_sums) if position in sound and place_sums is not None else None
    return Summary(rasters, sums, positions, tuple(issues))


def _mismatches(rasters: Mapping[str, Raster], config: Mapping[str, RasterConfig]) -> dict[str, Issue]:
    """Find rasters on another grid than their weight; nothing is resampled to make them meet."""
    issues = {}
    for name, raster in rasters.items():
        other = rasters.get(config[name].weight or "")
        if other is not None and not raster.cells.same(other.cells):
            rule = f"{name} and its weight {other.name} have the same grid; the weight has {other.cells.describe()}"
            fix = 'warp one to the grid of the other (counts with resampling "sum")'
            issues[name] = error("E-GRID-MISMATCH", raster.path.name, value=raster.cells.describe(), rule=rule, fix=fix)
    return issues


def _groups(rasters: Mapping[str, Raster]) -> list[list[Raster]]:
    """Put rasters on the same grid together: their cells are cut once."""
    groups: list[list[Raster]] = []
    for raster in rasters.values():
        group = next((group for group in groups if group[0].cells.same(raster.cells)), None)
        if group is None:
            groups.append([raster])
        else:
            group.append(raster)
    return groups


def _sum_group(
    group: list[Raster], config: Mapping[str, RasterConfig], position: str | None, shapes: NDArray[np.object_]
) -> tuple[dict[str, ZoneSums], NDArray[np.float64] | None, dict[str, list[Issue]]]:
    """Sum the rasters of one grid.

    Returns:
        Sums by name; those of `_place_sums` if one of the rasters places the zones; and issues by name.

    Raises:
        DataError: E-CRS-RANGE, E-RASTER-OUTSIDE, E-RASTER-HOLES or E-IO-CORRUPT, which leave nothing to sum.
    """
    cells = group[0].cells
    local, whole = _project_zones(group, shapes)
    issues = {raster.name: missing_blocks(raster, whole) for raster in group}
    if failed(found := [issue for of in issues.values() for issue in of]):
        raise DataError(found)
    rows_at_once = max(raster.block_yx[0] for raster in group)
    checked = {raster.name: CheckedRaster(raster) for raster in group}
    zero = np.zeros(shapes.size)
    start = np.stack([zero, zero, zero, outside_km2(local, cells), zero, zero])
    sums = {raster.name: start.copy() for raster in group}
    placed = np.zeros((4, shapes.size)) if position in sums else None
    with ExitStack() as stack:
        reads = {of.raster.name: of.reading_through(stack.enter_context(reading(of.raster))) for of in checked.values()}
        for block in blocks(whole, rows_at_once):
            pieces = cut(local, cells, block)
            piece_km2 = pieces.share * ground_areas_km2(cells, block).ravel()[pieces.cell]
            layers = {of.name: _layer(of, config[of.name], reads[of.name], block, pieces, piece_km2) for of in group}
            for name, layer in layers.items():
                sums[name] += _sums(layer, layers.get(config[name].weight or ""), pieces, piece_km2, shapes.size)
            if placed is not None and position is not None:
                placed += _place_sums(cells.crs, pieces, layers[position].amount, shapes.size)
    for name, of in checked.items():
        issues[name] += check(of, config[name], amount=config[name].quantity != "mean")
    return {name: ZoneSums(*of) for name, of in sums.items()}, placed, issues


def _project_zones(group: list[Raster], shapes: NDArray[np.object_]) -> tuple[NDArray[np.object_], Window]:
    """Bring the zones to a grid, and find the cells that they touch."""
    cells = group[0].cells
    local = to_raster_crs(shapes, cells.crs)
    if np.isfinite(shapely.get_coordinates(local)).all():
        west, south, east, north = map(float, shapely.total_bounds(local))
        whole = window(cells, (west, south, east, north))
        if whole is not None:
            return local, whole
        code, fix = "E-RASTER-OUTSIDE", "use a raster of this country, or correct its CRS"
        value = "x {:.9g} to {:.9g}, y {:.9g} to {:.9g}".format(*(cells.bounds[at] for at in (0, 2, 1, 3)))
        at = f"x {west:.9g} to {east:.9g}, y {south:.9g} to {north:.9g}"
        rule = f"zones lie on the raster; they are at {at} of its CRS"
    else:
        code, value, fix = "E-CRS-RANGE", None, "use a raster that covers them"
        rule = "the zones lie where the CRS of the raster is defined"
    raise DataError([error(code, raster.path.name, value=value, rule=rule, fix=fix) for raster in group])


class _Layer(NamedTuple):
    """What one raster holds in each piece of a block, shape (pieces,), 0 where it has no data."""

    value: NDArray[np.float64]
    data: NDArray[np.bool_]
    amount: NDArray[np.float64]
    other_quantity: NDArray[np.float64]


def _layer(
    raster: Raster, config: RasterConfig, read: Read, block: Window, pieces: Pieces, piece_km2: NDArray[np.float64]
) -> _Layer:
    raw, data = read(block)
    # An infinite number is reported; as no data it cannot spoil the sums of others.
    data = data & np.isfinite(raw)
    values = np.where(data, raster.measured(np.where(data, raw, 0.0)), 0.0).ravel()[pieces.cell]
    # A piece has a share of the cell's count, or the density times its ground.
    counted, by_ground = values * pieces.share, values * piece_km2
    amounts = (counted, by_ground) if config.quantity == "count" else (by_ground, counted)
    return _Layer(values, data.ravel()[pieces.cell], *amounts)


def _sums(
    layer: _Layer, weight: _Layer | None, pieces: Pieces, piece_km2: NDArray[np.float64], zones: int
) -> NDArray[np.float64]:
    """Sum one block over its pieces, in the order of `ZoneSums`; shape (6, zones)."""
    by = np.where(layer.data, weight.amount, 0.0) if weight is not None else np.zeros(layer.value.size)
    covered_km2 = np.where(layer.data, piece_km2, 0.0)
    parts = (layer.amount, layer.other_quantity, covered_km2, piece_km2, by * layer.value, by)
    return np.stack([np.bincount(pieces.zone, weights=part, minlength=zones) for part in parts])


def _place_sums(system: pyproj.CRS, pieces: Pieces, weight: NDArray[np.float64], zones: int) -> NDArray[np.float64]:
    """Sum the unit vectors of the places of pieces times their weight, and the weight; shape (4, zones).

    A piece stands at its own centroid, not at the centre of its cell: so a zone's point lies within its outline's
    hull, and two zones in one cell have two points.
    """
    some = weight > 0
    lon, lat = np.radians(to_degrees(system, pieces.x[some], pieces.y[some]))
    parts = (np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat), np.ones(lat.size))
    zone, weight = pieces.zone[some], weight[some]
    return np.stack([np.bincount(zone, weights=weight * part, minlength=zones) for part in parts])


def _mean_places(place_sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give longitude and latitude of the weighted means, degrees, shape (2, zones), NaN where there is no weight.

    The mean is taken in space and brought back to the sphere along the radius, so it knows no date line and no
    projection; a zone of 500 km is placed as on the ellipsoid to some tens of metres.
    """
    x, y, z = np.where(place_sums[3] > 0, place_sums[:3], np.nan)
    return np.degrees([np.arctan2(y, x), np.arctan2(z, np.hypot(x, y))])
