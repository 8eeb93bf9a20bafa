"""The rules in their order: census rows to polygons, polygons to zones, and the crosswalk of the result."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.errors import DataError, Issue, error

from . import borders, development, lines, links, transfers
from .borders import PlacedPeople
from .crosswalk import COLUMNS, Crosswalk
from .decisions import Decision
from .history import CodeHistory
from .links import Census, Reason, connected
from .places import longest_border
from .transfers import Transfer

# Share and number of a census's units that may differ from the map; beyond both, the map has another count and cannot
# divide the census.
_DIFFERENT, _FEW = 0.1, 10


@dataclass(frozen=True)
class Rules:
    """What the rules may use besides the map and the censuses.

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

    placed: dict[int, list[PlacedPeople]] = field(default_factory=dict)
    merges: list[Merge] = field(default_factory=list)

    def groups(self, polygons: pd.Index) -> list[list[str]]:
        """Polygons that are one zone so far."""
        return connected(list(map(str, polygons)), [merge.polygons for merge in self.merges])

    def group_of(self, polygons: pd.Index) -> dict[str, int]:
        """For each polygon the position of its group in `groups`."""
        return {code: number for number, group in enumerate(self.groups(polygons)) for code in group}


@dataclass(frozen=True)
class Harmonised:
    """The result of the rules.

    Attributes:
        crosswalk: From every unit of every census, and every polygon, to the zones.
        merges: Why polygons became one zone.
        kept_apart: Transfers of area with uncounted people between zones that stay apart.
    """

    crosswalk: Crosswalk
    merges: tuple[Merge, ...]
    kept_apart: tuple[Transfer, ...]


def harmonise(polygons: gpd.GeoDataFrame, mapped: pd.DataFrame, censuses: Sequence[Census], rules: Rules) -> Harmonised:
    """Find zones whose borders are the same in every census, each resident in exactly one of them.

    Args:
        polygons: The map: index code, columns name, province, prefecture; geometry in degrees (lon, lat).
        mapped: Residents by polygon, one column for each census the map knows, NaN where it does not.
        censuses: Tables of census units.
        rules: History of codes, decisions, thresholds.

    Raises:
        DataError: E-UNPLACED for a census unit that no rule and no decision places; E-JOIN-UNMATCHED for a polygon
            that a census did not count and that has no neighbour to be joined to; E-POP-ZERO for a zone without
            residents; E-MAP-RESIDENTS where the map has the residents of another count.
    """
    state = _State()
    for decision in rules.decisions:
        if decision.year == rules.vintage:
            together = (decision.unit, *decision.polygons)
            state.merges.append(Merge(together, Reason.DECISION, decision.year, decision.reason))
    issues = [issue for census in censuses for issue in _place(census, polygons, mapped, rules, state)]
    if issues:
        raise DataError(issues)
    issues = [issue for census in censuses for issue in _join_uncounted(census, polygons, state)]
    for census in censuses:
        issues += _place_development_zones(census, polygons, rules, state)
    issues = issues or [issue for census in censuses for issue in _zones_without_residents(census, polygons, state)]
    if issues:
        raise DataError(issues)
    kept_apart = _join_transfers(censuses, polygons, rules, state)
    zone_of = {code: min(group) for group in state.groups(polygons.index) for code in group}
    frames = [lines.of_census(c.year, c.people, state.placed[c.year], zone_of) for c in censuses]
    frames.append(lines.of_map(mapped, zone_of, rules.vintage, {census.year for census in censuses}))
    frame = pd.concat(frames).sort_values(["year", "from", "to"])
    frame.index = pd.RangeIndex(2, len(frame) + 2)  # its lines below the header, once written
    return Harmonised(Crosswalk(frame[list(COLUMNS)], rules.vintage), tuple(state.merges), tuple(kept_apart))


def _place(
    census: Census, polygons: gpd.GeoDataFrame, mapped: pd.DataFrame, rules: Rules, state: _State
) -> list[Issue]:
    """Place the rows of one census in polygons, and merge polygons between which its people cannot be divided."""
    decided = {d.unit: d.polygons for d in rules.decisions if d.year == census.year}
    found = links.find(census.rows, polygons, rules.history, year=census.year, vintage=rules.vintage, decided=decided)
    if census.year in mapped.columns:
        division = borders.place(found, census.rows, polygons, mapped[census.year])
        if division.different > max(_DIFFERENT * division.parts, _FEW):
            rule = f"the map has the residents of the census of {census.year} in all but {_DIFFERENT:.0%} of its units"
            fix = f"take {census.year} out of [zones.polygons] residents, or give the map of the same count"
            value = f"{division.different} of {division.parts}"
            return [error("E-MAP-RESIDENTS", census.file, value=value, rule=rule, fix=fix)]
        state.placed[census.year] = division.placed
    else:
        state.placed[census.year] = borders.undivided(found, census.rows)
    undivided: dict[str, list[PlacedPeople]] = {}
    for part in state.placed[census.year]:
        if part.people is None:
            undivided.setdefault(part.row, []).append(part)
    for row, parts in undivided.items():
        together = tuple(part.polygon for part in parts)
        reason = next((part.reason for part in parts if part.reason is not Reason.SAME_CODE), Reason.BORDERS)
        detail = f"the residents of {row} {census.names[row]} cannot be divided between them"
        state.merges.append(Merge(together, reason, census.year, detail))
    return []


def _join_uncounted(census: Census, polygons: gpd.GeoDataFrame, state: _State) -> list[Issue]:
    """Join a polygon that has no row in a census to the counted neighbour with the longest shared border."""
    decided = {code for merge in state.merges if merge.reason is Reason.DECISION for code in merge.polygons}
    settled = {part.polygon for part in state.placed[census.year]} | decided
    waiting = [str(code) for code in polygons.index if code not in settled]
    while waiting:
        # In rounds: a polygon among uncounted ones joins them only when they have joined a counted one.
        joined = [(code, other) for code in waiting if (other := _neighbour(code, polygons, settled)) is not None]
        if not joined:
            rule = f"has no row in {census.year}, and no neighbour whose zone it could join"
            fix = "exclude it, or join it to another in the table of decisions, with the year of the map"
            rules = {code: f"{polygons.at[code, 'name']} {rule}" for code in waiting}
            return [error("E-JOIN-UNMATCHED", census.file, value=code, rule=rules[code], fix=fix) for code in waiting]
        for code, other in joined:
            detail = f"{polygons.at[code, 'name']} has no row in {census.year}; {other} shares its longest border"
            state.merges.append(Merge((code, other), Reason.NO_CENSUS, census.year, detail))
        settled |= {code for code, _ in joined}
        waiting = [code for code in waiting if code not in settled]
    return []


def _neighbour(code: str, polygons: gpd.GeoDataFrame, among: Collection[str]) -> str | None:
    """Find the polygon among some that shares the longest border with another."""
    near = [code, *(str(other) for other in polygons.index if other in among)]
    found = longest_border(0, polygons.geometry.loc[near].to_numpy())
    return None if found is None else near[found]


def _place_development_zones(census: Census, polygons: gpd.GeoDataFrame, rules: Rules, state: _State) -> list[Issue]:
    """Place what is left of a census: share small zones out over the districts, merge the districts of large ones."""
    placed = state.placed[census.year]
    floating = census.rows.drop(index=list({part.row for part in placed}))
    groups, group_of = state.groups(polygons.index), state.group_of(polygons.index)
    issues: list[Issue] = []
    for cut in development.group_by_prefecture(floating, polygons, group_of, _residents(census, placed, group_of)):
        first = [groups[number][0] for number in cut.groups]
        if not first:
            issues += [_unplaced(census, row) for row in cut.rows]
        elif len(first) == 1:
            placed += [PlacedPeople(row, first[0], census.people[row], Reason.ONLY_POLYGON) for row in cut.rows]
        elif cut.small(rules.zone_share):
            placed += development.share_out(cut, census.people, first)
        else:
            names = ", ".join(census.names[row] for row in cut.rows)
            detail = (
                f"{cut.people:,} residents of {names} were cut out of some of these districts, which ones is unknown"
            )
            state.merges.append(Merge(tuple(first), Reason.ZONE_MERGED, census.year, detail))
            placed += [PlacedPeople(row, first[0], None, Reason.ZONE_MERGED) for row in cut.rows]
    return issues


def _unplaced(census: Census, row: str) -> Issue:
    """Report a unit that no rule and no decision places."""
    rule = f"{census.names[row]} has no polygon, and its prefecture no urban district it could have been cut from"
    fix = "write its polygon into the table of decisions: [zones.harmonise] decisions"
    line, people = int(census.rows["line"][row]), float(census.people[row])
    return error("E-UNPLACED", census.file, line=line, value=row, rule=rule, fix=fix, people=people)


def _join_transfers(
    censuses: Sequence[Census], polygons: gpd.GeoDataFrame, rules: Rules, state: _State
) -> list[Transfer]:
    """Join units that exchanged an uncounted part and grew differently; give the transfers left apart."""
    first, last = min(censuses, key=lambda c: c.year), max(censuses, key=lambda c: c.year)
    group_of = state.group_of(polygons.index)
    start, end = (_residents(census, state.placed[census.year], group_of) for census in (first, last))
    growth = {code: float(np.log(end[group] / start[group])) for code, group in group_of.items()}
    counted = {(part.row, part.polygon) for part in state.placed[first.year]}
    found = transfers.uncounted(polygons.index, rules.history, (first.year, last.year), counted)
    for transfer in found:
        if transfers.grew_differently(transfer, growth, rules.contrast):
            together = (transfer.loser, transfer.gainer)
            contrast = abs(growth[transfer.gainer] - growth[transfer.loser])
            detail = (
                f"a part of {transfer.loser} passed to {transfer.gainer} in {transfer.year}; its people were not "
                f"counted, and their growth differs by {contrast:.2f} in log"
            )
            state.merges.append(Merge(together, Reason.TRANSFER, transfer.year, detail))
    group_of = state.group_of(polygons.index)
    return [transfer for transfer in found if group_of[transfer.loser] != group_of[transfer.gainer]]


def _residents(census: Census, placed: Sequence[PlacedPeople], group_of: Mapping[str, int]) -> dict[int, int]:
    """Sum who is placed, by group of polygons; a row whose people are not divided is in its one group as a whole."""
    residents: dict[int, int] = {}
    for part in placed:
        if part.people is not None:
            group = group_of[part.polygon]
            residents[group] = residents.get(group, 0) + part.people
    for row, group in sorted({(part.row, group_of[part.polygon]) for part in placed if part.people is None}):
        residents[group] = residents.get(group, 0) + census.people[row]
    return residents


def _zones_without_residents(census: Census, polygons: gpd.GeoDataFrame, state: _State) -> list[Issue]:
    """Find zones without residents, whose growth is undefined."""
    residents = _residents(census, state.placed[census.year], state.group_of(polygons.index))
    empty = [codes[0] for group, codes in enumerate(state.groups(polygons.index)) if not residents.get(group)]
    names = {code: f"{polygons.at[code, 'name']} has residents in {census.year}" for code in empty}
    fix = "correct the numbers, or join it to another in the table of decisions, with the year of the map"
    return [error("E-POP-ZERO", census.file, value=code, rule=rule, fix=fix) for code, rule in names.items()]
