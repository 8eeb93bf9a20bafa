"""The accounts of a run on the factored path, from its pairs, which are reconstructed on the host in blocks of rows."""

import dataclasses
from typing import Any

import numpy as np

from flowmodel.dynamics.registered.accounts import Places, RegisteredAccounts
from flowmodel.dynamics.registered.factored.pair_reconstruction import blocks
from flowmodel.dynamics.registered.factored.year import GroupMovements, GroupState
from flowmodel.gravity.operator import Strength


def accounts(
    starts: tuple[GroupState, ...],
    states: tuple[GroupState, ...],
    movements: tuple[GroupMovements, ...],
    strengths: list[Strength],
    elsewhere: np.ndarray,
    places: Places,
) -> RegisteredAccounts:
    """The accounts of a run on the factored path.

    Args:
        starts: every group at the start.
        states: every group at the end of every year [year, zone].
        movements: of every group and year.
        strengths: S of every group over all pairs.
        elsewhere: registered people without a residence in any zone, persons [group, zone].
        places: where the zones lie.
    """
    parts = [
        _of_group(start, ends, moved, strength, elsewhere=beyond, places=places)
        for start, ends, moved, strength, beyond in zip(starts, states, movements, strengths, elsewhere, strict=True)
    ]
    stacked: dict[str, Any] = {
        name: np.stack(
            [part[name] for part in parts], axis=1 if parts[0][name].ndim == 2 and name not in _SUMMED else 0
        )
        for name in parts[0]
    }
    summed = {name: np.sum(stacked.pop(name), axis=0) for name in _SUMMED}
    return RegisteredAccounts(**stacked, **summed)


_SUMMED = ("cross_divide", "stock_start", "stock", "in_city", "placed_start")
"""Entries that are summed over all groups."""


def _of_group(
    start: GroupState,
    states: GroupState,
    movements: GroupMovements,
    strength: Strength,
    *,
    elsewhere: np.ndarray,
    places: Places,
) -> dict[str, np.ndarray]:
    """The accounts of one group [year, zone]."""
    moved = {field.name: np.asarray(getattr(movements, field.name)) for field in dataclasses.fields(movements)}
    born = moved["births"] / _or_one(_opening(start.residents, states.residents))
    died = moved["deaths"] / _or_one(_opening(start.residents, states.residents))
    sums = _sums(start, movements, strength, born, died, places)
    home, within = _with_start(start.home, states.home), _with_start(start.within, states.within)
    registered = home + within + sums["away"] + elsewhere
    settled = home[:-1] + within[:-1]
    return {
        "opening": _opening(start.residents, states.residents),
        "births": moved["births"],
        "deaths": moved["deaths"],
        "inflow": sums["inflow"],
        "outflow": sums["outflow"],
        "regrouped": moved["learned"],
        "closing": np.asarray(states.residents),
        "registered_opening": registered[:-1],
        "births_registered": settled * born + sums["births"],
        "deaths_registered": settled * died + sums["deaths"],
        "converted_in": sums["converted_in"],
        "converted_out": sums["converted_out"],
        "regrouped_registered": moved["learned"],
        "registered_closing": registered[1:],
        "within": within[1:],
        "near": np.asarray(states.near),
        "far": np.asarray(states.far),
        "away": sums["away"][1:],
        "within_start": within[0],
        "near_start": np.asarray(start.near),
        "far_start": np.asarray(start.far),
        "away_start": sums["away"][0],
        **{name: sums[name] for name in _SUMMED},
    }


def _sums(
    start: GroupState,
    movements: GroupMovements,
    strength: Strength,
    born: np.ndarray,
    died: np.ndarray,
    places: Places,
) -> dict[str, np.ndarray]:
    """Row and column sums of the pairs of one group [year, zone], and the other sums over pairs."""
    years, zones = born.shape
    yearly = ("inflow", "outflow", "births", "deaths", "converted_in", "converted_out")
    sums: dict[str, np.ndarray] = {name: np.zeros((years, zones)) for name in yearly} | {
        "away": np.zeros((years + 1, zones))
    }
    belongs = (places.province[:, None] == np.arange(places.province.max() + 1)).astype(float)
    sums |= {name: np.zeros((belongs.shape[1],) * 2) for name in ("stock_start", "stock")}
    sums |= {"cross_divide": np.zeros((years, 2)), "in_city": np.zeros(zones), "placed_start": np.zeros(zones)}
    east = places.east
    for block in blocks(start, movements, strength, places.province):
        rows, year = block.rows, block.year
        sums["outflow"][year, rows] += block.left.sum(axis=1)
        sums["outflow"][year] += block.returned.sum(axis=0)
        sums["inflow"][year] += block.left.sum(axis=0)
        sums["inflow"][year, rows] += block.returned.sum(axis=1)
        sums["births"][year, rows] = block.opening @ born[year]
        sums["deaths"][year, rows] = block.opening @ died[year]
        sums["converted_in"][year] += block.converted.sum(axis=0)
        sums["converted_out"][year, rows] = block.converted.sum(axis=1)
        sums["cross_divide"][year] += _crossing(block.left, east[rows], east)
        sums["cross_divide"][year] += _crossing(block.returned, east[rows], east)[::-1]
        if year == 0:
            sums["away"][0, rows] = block.opening.sum(axis=1)
            sums["placed_start"] += block.opening.sum(axis=0)
            sums["stock_start"] += belongs[rows].T @ block.opening @ belongs
        closing = block.closing
        sums["away"][year + 1, rows] = closing.sum(axis=1)
        if year == years - 1:
            sums["stock"] += belongs[rows].T @ closing @ belongs
            inside = (places.city[rows, None] == places.city) & (places.city >= 0)
            sums["in_city"] += np.where(inside, closing, 0.0).sum(axis=0)
    return sums


def _crossing(moves: np.ndarray, east_rows: np.ndarray, east: np.ndarray) -> np.ndarray:
    """Moves from rows to columns across the divide: from east to west, from west to east."""
    return np.asarray([moves[east_rows][:, ~east].sum(), moves[~east_rows][:, east].sum()])


def _with_start(start: object, states: object) -> np.ndarray:
    return np.concatenate([np.asarray(start)[None], np.asarray(states)])


def _opening(start: object, states: object) -> np.ndarray:
    return _with_start(start, states)[:-1]


def _or_one(people: np.ndarray) -> np.ndarray:
    return np.where(people > 0, people, 1.0)
