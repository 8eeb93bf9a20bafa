"""What rasters hold in zones: amounts, means and covered ground, summed over exact pieces of cells, block by block."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, fields

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.config import RasterConfig
from geo.errors import DataError, Issue, error

from . import implausible_values, points
from .cells import Window, blocks, ground_areas_km2, window
from .coverage import Pieces, cut, outside_km2, to_raster_crs
from .points import PointSums
from .read import Raster, Read, inspect, reading


@dataclass(frozen=True)
class ZoneSums:
    """Sums over the pieces of cells in each zone, float64, shape (zones,) each; one raster.

    Attributes:
        amount: Of a count or density: the amount. Of a mean: the mean times the ground it holds for, in km2.
        otherwise: The amount if a count were a density, or a density a count.
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

    def plus(self, other: "ZoneSums") -> "ZoneSums":
        """Add the sums of other cells."""
        return ZoneSums(*(getattr(self, part.name) + getattr(other, part.name) for part in fields(self)))


@dataclass(frozen=True)
class Summary:
    """What all rasters of a config hold in the zones.

    Attributes:
        rasters: Those that could be read, by name.
        sums: The sums of each, by name; only of rasters without an error.
        position: Sums for the positions of zones, None where no raster gives them.
        issues: Everything found.
    """

    rasters: dict[str, Raster]
    sums: dict[str, ZoneSums]
    position: PointSums | None
    issues: tuple[Issue, ...]


@dataclass(frozen=True)
class _Layer:
    """One block of one raster: what its cells hold, 0 where they hold no data; flat arrays."""

    values: NDArray[np.float64]
    data: NDArray[np.bool_]
    quantity: str


@dataclass(frozen=True)
class _GroupSums:
    """What the rasters of one grid hold: sums and issues by name, and the positions if one of them places the zones."""

    sums: dict[str, ZoneSums]
    placed: PointSums | None
    issues: dict[str, list[Issue]]


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
    sound = {name for name in rasters if name not in wrong}
    results: list[_GroupSums] = []
    for group in _groups(rasters):
        try:
            results += [_sum_group(group, config, position, shapes)] if shapes is not None else []
        except DataError as failure:
            issues += failure.issues
            sound -= {raster.name for raster in group}
    for result in results:
        issues += [issue for found in result.issues.values() for issue in found]
        sound -= {name for name, found in result.issues.items() if any(issue.severity == "error" for issue in found)}
    # A mean whose weight is wrong would only repeat the weight's errors, zone by zone.
    sound = {name for name in sound if (config[name].weight or name) in sound}
    sums = {name: of for result in results for name, of in result.sums.items() if name in sound}
    placed = next((result.placed for result in results if result.placed is not None), None)
    return Summary(rasters, sums, placed if position in sound else None, tuple(issues))


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
) -> _GroupSums:
    """Sum the rasters of one grid.

    Raises:
        DataError: E-CRS-RANGE, E-RASTER-OUTSIDE, E-RASTER-HOLES or E-IO-CORRUPT, which leave nothing to sum.
    """
    cells = group[0].cells
    local, whole = _project_zones(group, shapes)
    issues = {raster.name: implausible_values.missing_blocks(raster, whole) for raster in group}
    found = [issue for missing_blocks in issues.values() for issue in missing_blocks]
    if any(issue.severity == "error" for issue in found):
        raise DataError(found)
    rows_at_once = max(raster.block_yx[0] for raster in group)
    summaries = {raster.name: implausible_values.CellSummary() for raster in group}
    beyond = outside_km2(local, cells)
    zero = np.zeros(shapes.size)
    sums = {raster.name: ZoneSums(zero, zero, zero, beyond, zero, zero) for raster in group}
    placed = points.zero(shapes.size) if position in sums else None
    with ExitStack() as stack:
        reads = {raster.name: stack.enter_context(reading(raster)) for raster in group}
        for block in blocks(whole, rows_at_once):
            pieces, area = cut(local, cells, block), ground_areas_km2(cells, block)
            layers = {}
            for raster in group:
                layers[raster.name], summary = _layer(raster, config[raster.name], reads[raster.name], block)
                summaries[raster.name] = summaries[raster.name].joined_with(summary)
            piece_km2 = pieces.share * area.ravel()[pieces.cell]
            for name, layer in layers.items():
                weight = layers.get(config[name].weight or "")
                sums[name] = sums[name].plus(_sums(layer, weight, pieces, piece_km2, shapes.size))
            if placed is not None and position is not None:
                amount = _amount(layers[position], pieces, piece_km2)
                placed = placed.plus(points.sums(cells.crs, pieces, amount, shapes.size))
    for raster in group:
        counted = config[raster.name].quantity != "mean"
        issues[raster.name] += implausible_values.check(
            raster, config[raster.name], summaries[raster.name], amount=counted
        )
    return _GroupSums(sums, placed, issues)


def _project_zones(group: list[Raster], shapes: NDArray[np.object_]) -> tuple[NDArray[np.object_], Window]:
    """Bring the zones to a grid, and find the cells that they touch."""
    cells = group[0].cells
    local = to_raster_crs(shapes, cells.crs)
    bounds = shapely.total_bounds(local)
    if not np.isfinite(shapely.get_coordinates(local)).all():
        rule, fix = "the zones lie where the CRS of the raster is defined", "use a raster that covers them"
        raise DataError([error("E-CRS-RANGE", raster.path.name, rule=rule, fix=fix) for raster in group])
    west, south, east, north = map(float, bounds)
    whole = window(cells, (west, south, east, north))
    if whole is None:
        value = "x {:.9g} to {:.9g}, y {:.9g} to {:.9g}".format(*(cells.bounds[at] for at in (0, 2, 1, 3)))
        rule = (
            f"zones lie on the raster; they are at x {west:.9g} to {east:.9g}, y {south:.9g} to {north:.9g} of its CRS"
        )
        fix = "use a raster of this country, or correct its CRS"
        raise DataError(
            [error("E-RASTER-OUTSIDE", raster.path.name, value=value, rule=rule, fix=fix) for raster in group]
        )
    return local, whole


def _layer(
    raster: Raster, config: RasterConfig, read: Read, block: Window
) -> tuple[_Layer, implausible_values.CellSummary]:
    raw, data = read(block)
    found = implausible_values.summarise(raster, block, raw, data)
    # An infinite number is reported; as no data it cannot spoil the sums of others.
    data = data & np.isfinite(raw)
    values = raster.measured(np.where(data, raw, 0.0))
    return _Layer(np.where(data, values, 0.0).ravel(), data.ravel(), config.quantity), found


def _amount(layer: _Layer, pieces: Pieces, piece_km2: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the amount in each piece: a share of the cell's count, or density times ground."""
    extent = pieces.share if layer.quantity == "count" else piece_km2
    return layer.values[pieces.cell] * extent


def _sums(layer: _Layer, weight: _Layer | None, pieces: Pieces, piece_km2: NDArray[np.float64], zones: int) -> ZoneSums:
    """Sum one block over its pieces."""

    def total(parts: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(pieces.zone, weights=parts, minlength=zones).astype(np.float64)

    value, data = layer.values[pieces.cell], layer.data[pieces.cell]
    by = np.where(data, _amount(weight, pieces, piece_km2), 0.0) if weight is not None else np.zeros(value.size)
    return ZoneSums(
        amount=total(_amount(layer, pieces, piece_km2)),
        other_quantity=total(value * (piece_km2 if layer.quantity == "count" else pieces.share)),
        covered_km2=total(np.where(data, piece_km2, 0.0)),
        area_km2=total(piece_km2),
        weighted=total(by * value),
        weight=total(by),
    )
