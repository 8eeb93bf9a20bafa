"""The rules in their order: rows to polygons, polygons to zones, and the crosswalk that says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.errors import DataError, Issue, error

from . import borders, development, lines, links, transfers
from .borders import Placed
from .crosswalk import COLUMNS, Crosswalk
from .decisions import Decision
from .groups import connected
from .history import CodeHistory
from .links import Reason
from .neighbours import longest_border
from .transfers import Transfer


@dataclass(frozen=True)
class Census:
    """The units of one census.

    Attributes:
        year: Its year.
        file: Base name of its table, for messages.
        rows: Index key; columns code, name, province, prefecture, line, people (whole residents).
    """

    year: int
    file: str
    rows: pd.DataFrame

    @cached_property
    def people(self) -> dict[str, int]:
        """Residents by unit."""
        return {str(key): int(count) for key, count in self.rows["people"].items()}

    @cached_property
    def lines(self) -> dict[str, int]:
        """Line of each unit in the table."""
        return {str(key): int(line) for key, line in self.rows["line"].items()}

    @cached_property
    def names(self) -> dict[str, str]:
        """Names by unit."""
        return {str(key): str(name) for key, name in self.rows["name"].items()}


@dataclass(frozen=True)
class Rules:
    """What the rules may use beside the map and the censuses.

    Attributes:
        history: Changes of codes.
        decisions: What no rule can decide.
        vintage: Year of the map's borders.
        zone_share: Development zones with at most this share of their districts' residents are shared out over them.
        contrast: Units between which an uncounted part has passed stay apart while their log growth differs by less.
    """

    history: CodeHistory
    decisions: Sequence[Decision]
    vintage: int
    zone_share: float
    contrast: float


@dataclass(frozen=True)
class Merge:
    """Polygons that must be one zone, and why."""

    polygons: tuple[str, ...]
    reason: Reason
    year: int
    detail: str


@dataclass
class _State:
    """What has been placed and merged so far."""

    placed: dict[int, list[Placed]] = field(default_factory=dict)
    merges: list[Merge] = field(default_factory=list)

    def groups(self, polygons: pd.Index) -> list[list[str]]:
        return connected(list(map(str, polygons)), [merge.polygons for merge in self.merges])


@dataclass(frozen=True)
class Harmonised:
    """What the rules give.

    Attributes:
        crosswalk: From every unit of every census, and every polygon, to the zones.
        merges: Why polygons became one zone.
        apart: Transfers of area whose people nobody counted between zones that stay apart.
    """

    crosswalk: Crosswalk
    merges: tuple[Merge, ...]
    apart: tuple[Transfer, ...]


def harmonise(polygons: gpd.GeoDataFrame, mapped: pd.DataFrame, censuses: Sequence[Census], rules: Rules) -> Harmonised:
    """Find zones whose borders are the same in every census, each resident in exactly one of them.

    Args:
        polygons: The map: index code, columns name, province, prefecture; geometry in degrees (lon, lat).
        mapped: Residents by polygon, one column for each census the map knows, NaN where it does not.
        censuses: Tables of census units.
        rules: History of codes, decisions, thresholds.

    Returns:
        The crosswalk from every census unit, and every polygon, to the zones.

    Raises:
        DataError: E-UNPLACED for a census unit that no rule and no decision places.
    """
    state = _State()
    for decision in rules.decisions:
        if decision.year == rules.vintage:
            together = (decision.unit, *decision.polygons)
            state.merges.append(Merge(together, Reason.DECISION, decision.year, decision.reason))
    for census in censuses:
        _place(census, polygons, mapped, rules, state)
    for census in censuses:
        _join_uncounted(census.year, polygons, state)
    issues = [issue for census in censuses for issue in _place_development_zones(census, polygons, rules, state)]
    if issues:
        raise DataError(issues)
    apart = _join_transfers(censuses, polygons, rules, state)
    zone_of = {code: min(group) for group in state.groups(polygons.index) for code in group}
    frames = [lines.of_census(c.year, c.people, state.placed[c.year], zone_of) for c in censuses]
    frames.append(lines.of_map(mapped, zone_of, rules.vintage, {census.year for census in censuses}))
    frame = pd.concat(frames).sort_values(["year", "from", "to"], ignore_index=True)
    return Harmonised(Crosswalk(frame[list(COLUMNS)], rules.vintage), tuple(state.merges), tuple(apart))


def _place(census: Census, polygons: gpd.GeoDataFrame, mapped: pd.DataFrame, rules: Rules, state: _State) -> None:
    """Place the rows of one census in polygons, and merge polygons whose people it does not tell apart."""
    decided = {d.unit: d.polygons for d in rules.decisions if d.year == census.year}
    found = links.find(census.rows, polygons, rules.history, year=census.year, vintage=rules.vintage, decided=decided)
    known = census.year in mapped.columns
    placed = (
        borders.place(found, census.rows, polygons, mapped[census.year])
        if known
        else borders.undivided(found, census.rows)
    )
    state.placed[census.year] = placed
    several: dict[str, list[Placed]] = {}
    for part in placed:
        if part.people is None:
            several.setdefault(part.row, []).append(part)
    for row, parts in several.items():
        together = tuple(part.polygon for part in parts)
        reason = next((part.reason for part in parts if part.reason is not Reason.SAME_CODE), Reason.BORDERS)
        detail = f"the residents of {row} {census.names[row]} cannot be told apart between them"
        state.merges.append(Merge(together, reason, census.year, detail))


def _join_uncounted(year: int, polygons: gpd.GeoDataFrame, state: _State) -> None:
    """Join a polygon of which a census has no row to the neighbour with the longest shared border."""
    counted = {part.polygon for part in state.placed[year]}
    shapes = np.asarray(polygons.geometry.array)
    for at, code in enumerate(map(str, polygons.index)):
        if code in counted:
            continue
        neighbour = longest_border(at, shapes)
        if neighbour is not None:
            other = str(polygons.index[neighbour])
            detail = f"{polygons.at[code, 'name']} has no row in {year}; {other} shares its longest border"
            state.merges.append(Merge((code, other), Reason.NO_CENSUS, year, detail))


def _place_development_zones(census: Census, polygons: gpd.GeoDataFrame, rules: Rules, state: _State) -> list[Issue]:
    """Place what is left of a census: share small zones out over the districts, merge the districts of large ones."""
    placed = state.placed[census.year]
    floating = census.rows.drop(index=list({part.row for part in placed}))
    groups = state.groups(polygons.index)
    group_of = {code: number for number, group in enumerate(groups) for code in group}
    issues: list[Issue] = []
    for cut in development.cuts(floating, polygons, group_of, _residents(census, placed, group_of)):
        first = [groups[number][0] for number in cut.groups]
        if not first:
            issues += [_unplaced(census, row) for row in cut.rows]
        elif len(first) == 1:
            placed += [Placed(row, first[0], census.people[row], Reason.ONLY_POLYGON) for row in cut.rows]
        elif cut.small(rules.zone_share):
            placed += development.shared(cut, census.people, first)
        else:
            names = ", ".join(census.names[row] for row in cut.rows)
            detail = f"{cut.people:,} residents of {names} were cut out of these districts, nobody says out of which"
            state.merges.append(Merge(tuple(first), Reason.ZONE_MERGED, census.year, detail))
            placed += [Placed(row, first[0], None, Reason.ZONE_MERGED) for row in cut.rows]
    return issues


def _join_transfers(
    censuses: Sequence[Census], polygons: gpd.GeoDataFrame, rules: Rules, state: _State
) -> list[Transfer]:
    """Join units that an uncounted part has passed between where they have grown apart; give those left apart."""
    first, last = min(censuses, key=lambda c: c.year), max(censuses, key=lambda c: c.year)
    groups = state.groups(polygons.index)
    group_of = {code: number for number, group in enumerate(groups) for code in group}
    start, end = (_residents(census, state.placed[census.year], group_of) for census in (first, last))
    growth = {code: float(np.log(end[group] / start[group])) for code, group in group_of.items()}
    counted = {(part.row, part.polygon) for part in state.placed[first.year]}
    apart = []
    for transfer in transfers.uncounted(polygons.index, rules.history, (first.year, last.year), counted):
        if transfers.unlike(transfer, growth, rules.contrast):
            together = (transfer.loser, transfer.gainer)
            contrast = abs(growth[transfer.gainer] - growth[transfer.loser])
            detail = (
                f"a part of {transfer.loser} passed to {transfer.gainer} in {transfer.year}; its people were not "
                f"counted, and their growth differs by {contrast:.2f} in log"
            )
            state.merges.append(Merge(together, Reason.TRANSFER, transfer.year, detail))
        elif group_of[transfer.loser] != group_of[transfer.gainer]:
            apart.append(transfer)
    return apart


def _residents(census: Census, placed: Sequence[Placed], group_of: Mapping[str, int]) -> dict[int, int]:
    """Sum who is placed, by group of polygons."""
    residents: dict[int, int] = {}
    for part in _by_group(census, placed, group_of):
        residents[part[1]] = residents.get(part[1], 0) + part[2]
    return residents


def _by_group(census: Census, placed: Sequence[Placed], group_of: Mapping[str, int]) -> list[tuple[str, int, int]]:
    """Give row, group and people; a row whose people are not told apart is once in its one group."""
    known = [(p.row, group_of[p.polygon], p.people) for p in placed if p.people is not None]
    whole = {(p.row, group_of[p.polygon]) for p in placed if p.people is None}
    return known + [(row, group, census.people[row]) for row, group in sorted(whole)]


def _unplaced(census: Census, row: str) -> Issue:
    rule = f"{census.names[row]} has no polygon, and its prefecture no urban district it could have been cut from"
    return error(
        "E-UNPLACED",
        census.file,
        line=census.lines[row],
        value=row,
        rule=rule,
        fix="say where it lies in the table of decisions: [zones.harmonise] decisions",
        people=float(census.people[row]),
    )
