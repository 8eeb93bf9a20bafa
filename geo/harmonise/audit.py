"""The audit: every decision that made the zones, one line each, with the people it concerns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from geo.yearbooks import CensusTable

from .decisions import Decision
from .links import Reason
from .units import Census, Harmonised

COLUMNS = ("zone", "name", "year", "decision", "unit", "unit_name", "people", "detail")
LARGE_GROWTH = 0.75
"""A growth in log beyond this is listed: a border that moved unseen would look like it."""

_PLAIN = {str(Reason.SAME_CODE), str(Reason.MAP)}


def table(
    harmonised: Harmonised,
    censuses: Sequence[Census],
    books: Mapping[int, CensusTable],
    decisions: Sequence[Decision],
    names: pd.Series,
    population: pd.DataFrame,
) -> pd.DataFrame:
    """List what was decided.

    Args:
        harmonised: Crosswalk, merges and transfers.
        censuses: Units of every census.
        books: Their year-books, with the cells that were corrected.
        decisions: What no rule could decide, with its reasons.
        names: Name of each polygon, and so of each zone, by code.
        population: Residents, index zone, one column a census.

    Returns:
        Columns `COLUMNS`, sorted by zone and year.
    """
    zone_of = {code: zone for zone, codes in harmonised.crosswalk.members.items() for code in codes}
    reasons = {(decision.year, decision.unit): decision.reason for decision in decisions}
    rows = [line for census in censuses for line in _lines(harmonised, census, reasons)]
    for merge in harmonised.merges:
        polygons = ";".join(merge.polygons)
        together = "、".join(str(names[code]) for code in merge.polygons)
        zone = zone_of[merge.polygons[0]]
        rows.append((zone, merge.year, f"merged:{merge.reason}", polygons, together, None, merge.detail))
    for part in harmonised.apart:
        detail = f"a part passed to {part.gainer} {names[part.gainer]}, uncounted; both have grown alike"
        loser = names[part.loser]
        rows.append((zone_of[part.loser], part.year, "uncounted_transfer_left", part.loser, loser, None, detail))
    rows += _large(population) + _corrected(books, harmonised)
    frame = pd.DataFrame(rows, columns=["zone", "year", "decision", "unit", "unit_name", "people", "detail"])
    frame.insert(1, "name", frame["zone"].map(names))
    return frame.sort_values(["zone", "year", "decision"], ignore_index=True)[list(COLUMNS)]


def _lines(harmonised: Harmonised, census: Census, reasons: Mapping[tuple[int, str], str]) -> list[tuple[object, ...]]:
    """List the lines of one census's crosswalk that say more than that a code has stayed."""
    lines = harmonised.crosswalk.of(census.year)
    told = lines[~lines["reason"].isin(_PLAIN) | (lines["share"] < 1)]
    return [
        (
            zone,
            census.year,
            reason,
            unit,
            census.names[unit],
            round(share * census.people[unit]),
            _detail(share, reasons.get((census.year, unit))),
        )
        for unit, zone, share, reason in zip(told["from"], told["to"], told["share"], told["reason"], strict=True)
    ]


def _detail(share: float, reason: str | None) -> str:
    told = [] if share == 1 else [f"{share:.6f} of its residents"]
    return "; ".join([*told, *([reason] if reason else [])])


def _large(population: pd.DataFrame) -> list[tuple[object, ...]]:
    """List the zones whose residents have grown or shrunk beyond belief between the last two censuses."""
    years = sorted(population.columns.astype(int))
    if len(years) == 1:
        return []
    first, last = years[-2:]
    with np.errstate(divide="ignore", invalid="ignore"):
        growth = pd.Series(np.log(population[last] / population[first]), index=population.index)
    return [
        (zone, last, "large_growth", zone, None, population.at[zone, last], f"{change:+.2f} in log since {first}")
        for zone, change in growth[growth.abs() > LARGE_GROWTH].items()
    ]


def _corrected(books: Mapping[int, CensusTable], harmonised: Harmonised) -> list[tuple[object, ...]]:
    """List the cells of the year-books that were corrected, under the (first) zone their unit went to."""
    rows: list[tuple[object, ...]] = []
    for year, book in books.items():
        lines = harmonised.crosswalk.of(year)
        zone_of = dict(zip(lines["from"], lines["to"], strict=True))
        for cell in book.corrections.to_dict("records"):
            detail = f"line {cell['line']}, {cell['column']}: {cell['found']} read as {cell['used']}: {cell['reason']}"
            key = str(cell["key"])
            rows.append((zone_of.get(key, ""), year, "corrected_cell", key, None, None, detail))
    return rows
