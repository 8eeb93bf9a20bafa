"""The cells of a grid and the windows that are convolved; computed on the host with NumPy, once per grid."""

import dataclasses
import itertools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from flowmodel.errors import ZonesError
from flowmodel.gravity.spectral.layout import LEVELS, Layout, Shape, Window, window
from flowmodel.gravity.spectral.window_sizes import boxes, window_sizes

Labels = NDArray[np.int32]

WHOLE, SAME, CROSSED = 0, 1, 2
"""The field that is convolved in a unit's window: its weight; if the divide cuts it, also weights by signs of sides."""
_MOST_WINDOWS = 12
"""Each size is compiled; twice as many would transform a third less for provinces, prefectures and counties."""
_NOBODY = -2
"""Unit of the rows that fill up a batch; no cell has it."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Plan:
    """The cells of a grid, and the windows that are convolved; arrays on the host, or on the device (`on_device`).

    Attributes:
        layout: the sizes.
        side: int8 [y, x]: 1 south-east of the divide, -1 north-west of it, 0 where there is no zone.
        labels: int32 [level, y, x]: units of each of `layout.levels`, -1 where there is none.
        jobs: of each of `layout.windows`, int32 [step, batch, 5]: level, first row, first column, unit, and which of
            `WHOLE`, `SAME` and `CROSSED`.
    """

    layout: Layout = dataclasses.field(metadata={"static": True})
    side: Any
    labels: Any
    jobs: tuple[Any, ...]


def on_device(plan: Plan) -> Plan:
    """The plan with its arrays moved to the device."""
    moved: Plan = jax.tree.map(jnp.asarray, plan)
    return moved


def plan(
    zone: NDArray[np.bool_],
    east: NDArray[np.bool_],
    cell_km: float,
    units: Mapping[str, Labels],
    most_windows: int = _MOST_WINDOWS,
) -> Plan:
    """Plans the operator of a grid.

    Args:
        zone: [y, x] whether a cell is a zone.
        east: [y, x] whether a cell lies south-east of the divide.
        cell_km: side of a cell.
        units: [y, x] units of some of `LEVELS`, from 0 on, -1 where a cell is no zone; each inside one unit of the
            levels above. Where counties are given, pairs inside a county are excluded.
        most_windows: number of window sizes for all units.

    Raises:
        ZonesError: units have an unknown level or another shape, do not cover exactly the zones, or cross a border of
            a level above them.
    """
    levels = tuple(level for level in LEVELS if level in units)
    _check(zone, east, units)
    side = np.where(zone, np.where(east, 1, -1), 0).astype(np.int8)
    labels = np.stack([units[level] for level in levels]) if levels else np.zeros((0, *zone.shape), np.int32)
    corner, shape = _extent(zone)
    divided = bool((side > 0).any() and (side < 0).any())
    windows, jobs = _jobs(labels.astype(np.int32), side, most_windows)
    layout = Layout(zone.shape, float(cell_km), corner, window(shape), windows, levels, divided)
    return Plan(layout, side, labels.astype(np.int32), jobs)


def _extent(zone: NDArray[np.bool_]) -> tuple[Shape, Shape]:
    """The first row and column of the zones, and the number of rows and columns they span."""
    spans = [np.flatnonzero(zone.any(axis=axis)) for axis in (1, 0)]
    if not len(spans[0]):
        raise ZonesError("E-GRID-EMPTY", "no cell of the grid is a zone", "check the mask and the zones of the grid")
    (top, left), (bottom, right) = (tuple(int(span[end]) for span in spans) for end in (0, -1))
    return (top, left), (bottom - top + 1, right - left + 1)


def _jobs(labels: Labels, side: NDArray[np.int8], most: int) -> tuple[tuple[Window, ...], tuple[Labels, ...]]:
    """The windows of all units, and the jobs of each window."""
    if not len(labels):
        return (), ()
    grid: Shape = side.shape
    found = [boxes(level) for level in labels]
    box = np.concatenate(found)
    level = np.repeat(np.arange(len(labels)), [len(rows) for rows in found])
    cut = np.concatenate([_cut(units, side)[rows[:, 0]] for units, rows in zip(labels, found, strict=True)])
    windows, chosen = window_sizes(box[:, 3:], grid, most)
    tables = []
    for number, size in enumerate(windows):
        at = chosen == number
        corner = np.minimum(box[at, 1:3], np.subtract(grid, size.shape))
        rows = np.column_stack([level[at], corner, box[at, 0]])
        tables.append(_table(rows, cut[at], size.batch))
    return tuple(windows), tuple(tables)


def _cut(units: Labels, side: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Of every unit, whether the divide cuts it."""
    one, other = (np.bincount(units[(side == sign) & (units >= 0)], minlength=units.max() + 1) > 0 for sign in (1, -1))
    return one & other


def _table(rows: NDArray[np.int64], cut: NDArray[np.bool_], batch: int) -> Labels:
    """The rows of one window size with the field that is convolved, in steps of `batch`."""
    parts = [(rows[~cut], WHOLE), (rows[cut], SAME), (rows[cut], CROSSED)]
    table = np.concatenate([np.column_stack([part, np.full(len(part), kind)]) for part, kind in parts])
    filling = np.tile([0, 0, 0, _NOBODY, WHOLE], (-len(table) % batch, 1))
    return np.concatenate([table, filling]).astype(np.int32).reshape(-1, batch, 5)


def _check(zone: NDArray[np.bool_], east: NDArray[np.bool_], units: Mapping[str, Labels]) -> None:
    if unknown := set(units) - set(LEVELS):
        raise ZonesError("E-GRID-LEVEL", f"units of {sorted(unknown)}", f"give units of {', '.join(LEVELS)}")
    for name, array in {"east": east, **units}.items():
        if array.shape != zone.shape:
            what = f"{name} is {array.shape}, the zones are {zone.shape}"
            raise ZonesError("E-GRID-SHAPE", what, "give all on one grid")
    for name, labels in units.items():
        wrong = np.argwhere((labels >= 0) != zone)
        if len(wrong):
            y, x = wrong[0]
            what = f"{len(wrong)} cells, the first at row {y}, column {x}: {name} {labels[y, x]}, zone {zone[y, x]}"
            raise ZonesError("E-GRID-UNIT", what, "give every zone a unit from 0 on, and every other cell -1")
    for above, below in itertools.pairwise(level for level in LEVELS if level in units):
        _check_nested(above, units[above][zone], below, units[below][zone])


def _check_nested(above: str, outer: Labels, below: str, inner: Labels) -> None:
    one_of = np.full(int(inner.max(initial=-1)) + 1, -1, outer.dtype)
    one_of[inner] = outer
    wrong = np.flatnonzero(one_of[inner] != outer)
    if len(wrong):
        unit = inner[wrong[0]]
        what = f"{below} {unit} lies in {above} {outer[wrong[0]]} and {one_of[unit]}"
        raise ZonesError("E-GRID-NESTED", what, f"give each {below} one {above}")
