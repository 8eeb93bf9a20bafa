"""The crosswalk: the share of each census unit's people in each zone; a file to read, edit and use again."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from geo.checks.keys import read_table
from geo.checks.people import largest_remainder
from geo.errors import DataError, Issue, error
from geo.tables.numbers import parse

COLUMNS = ("from", "to", "share", "year", "reason")
"""Unit of the census, or polygon where the year is that of the map; zone; share of its people; year; reason."""
NAMES = ("from_name", "to_name")
"""Further columns for readers of the table; ignored when it is used again."""

# Shares are written with all their digits; the error of rounding is far less than one person.
_TOLERANCE = 1e-9
_WHOLE = 1e-6


@dataclass(frozen=True)
class Crosswalk:
    """Shares of census units in zones.

    Attributes:
        frame: Columns `COLUMNS`, index the line of the file; the shares of one unit and year sum to 1.
        vintage: The year whose units are the polygons of the map.
    """

    frame: pd.DataFrame
    vintage: int

    def of(self, year: int) -> pd.DataFrame:
        """Give the lines of one year."""
        return self.frame[self.frame["year"] == year]

    @property
    def members(self) -> dict[str, tuple[str, ...]]:
        """Polygons of each zone, both in the order of their codes."""
        lines = self.of(self.vintage).sort_values(["to", "from"])
        return {str(zone): tuple(map(str, polygons)) for zone, polygons in lines.groupby("to")["from"]}


def read(path: Path, vintage: int) -> Crosswalk:
    """Read a crosswalk that a user has written or edited.

    Raises:
        DataError: What the table reader finds; E-COL-MISSING; E-XWALK where a share or year is no number, or a line
            has no reason.
    """
    rows = read_table(path, "[zones.harmonise] crosswalk", COLUMNS)
    shares, issues = [parse(cell) for cell in rows.columns["share"]], []
    for row, (share, year, reason) in enumerate(zip(shares, rows.columns["year"], rows.columns["reason"], strict=True)):
        if share is None or not 0 < share <= 1:
            rule, fix = "a share is a number above 0 and at most 1", "write the share of the unit's people"
            issues.append(rows.wrong_cell("E-XWALK", row, "share", rule, fix))
        if not re.fullmatch(r"[0-9]{4}", year):
            rule, fix = "a year has four digits", "write the year of the census"
            issues.append(rows.wrong_cell("E-XWALK", row, "year", rule, fix))
        if not reason:
            rule, fix = "a line has a reason, which the audit repeats", "write why the unit is in this zone"
            issues.append(rows.wrong_cell("E-XWALK", row, "reason", rule, fix))
    if issues:
        raise DataError(issues)
    frame = pd.DataFrame(
        {name: rows.columns[name] for name in COLUMNS}
        | {"share": shares, "year": list(map(int, rows.columns["year"]))},
        index=list(rows.lines),
    )
    return Crosswalk(frame, vintage)


def with_names(crosswalk: Crosswalk, units: Mapping[int, Mapping[str, str]], zones: pd.Series) -> pd.DataFrame:
    """Give columns `COLUMNS` and `NAMES`, from names of units (by unit, for each census and the map) and of zones."""
    frame = crosswalk.frame
    names = [units[year][unit] for year, unit in zip(frame["year"].tolist(), frame["from"], strict=True)]
    return frame.assign(from_name=names, to_name=frame["to"].map(zones))[[*COLUMNS, *NAMES]]


def check(crosswalk: Crosswalk, people: Mapping[int, pd.Series], polygons: pd.Index, file: str) -> list[Issue]:
    """Find people whom a crosswalk would lose or count twice.

    Returns:
        E-XWALK: shares that do not sum to 1, units and polygons that are absent or unknown (one error for a year that
        is absent as a whole), zones without a polygon, polygons in two zones, years of neither a census nor the map.
    """
    vintage, units = crosswalk.vintage, {**people, crosswalk.vintage: pd.Series(np.nan, index=polygons)}
    zones = set(crosswalk.of(vintage)["to"])
    issues = []

    def wrong(line: int | None, column: str, value: str, rule: str, fix: str, lost: float | None = None) -> None:
        issues.append(error("E-XWALK", file, line=line, column=column, value=value, rule=rule, fix=fix, people=lost))

    for row in crosswalk.frame.itertuples(name=None):
        line, unit, zone, share, year, _ = row
        if year not in units:
            years = ", ".join(map(str, sorted(units)))
            wrong(line, "year", str(year), f"the years are those of the censuses and of the map: {years}", "correct it")
            continue
        if year == vintage and share != 1:
            fix = "draw its parts as polygons of their own"  # people can be divided by a share, land cannot
            wrong(line, "share", f"{share:g}", "a polygon of the map lies in one zone, share 1", fix)
        if unit not in units[year].index:
            wrong(line, "from", unit, f"the census or map of {year} has no unit {unit}", "correct it")
        if zone not in zones:
            wrong(line, "to", zone, f"no polygon belongs to zone {zone}", "add a line of the map's year for it")
    for year, counted in units.items():
        lines = crosswalk.of(year)
        if lines.empty and len(counted):
            rule = f"the {len(counted):,} units of the census or map of {year} have lines"
            lost = None if counted.isna().all() else float(counted.sum())
            wrong(None, "year", str(year), rule, "add its lines; the crosswalk that the rules write has them", lost)
            continue
        sums = lines.groupby("from")["share"].sum()
        for unit, persons in counted.items():
            total = float(sums.get(unit, 0.0))
            if abs(total - 1) > _TOLERANCE:
                rule = f"the shares of {unit} in {year} sum to {total:.12g}; they must sum to 1"
                fix = "add its lines" if unit not in sums.index else "correct its shares"
                lost = None if np.isnan(persons) else abs(1 - total) * float(persons)
                wrong(_line(lines, "from", str(unit)), "share", str(unit), rule, fix, lost)
    return issues


def _line(lines: pd.DataFrame, column: str, value: str) -> int | None:
    found = lines.index[lines[column] == value]
    return int(found[0]) if len(found) else None


def check_residents(
    crosswalk: Crosswalk,
    population: pd.DataFrame,
    names: Mapping[str, str],
    files: Mapping[int, str],
    given_file: str | None,
) -> list[Issue]:
    """Find zones without residents (E-POP-ZERO), whose growth is undefined.

    Population has index zone and one column a census, NaN where a zone was not counted. The file in the message is the
    one of the census, or the given crosswalk.
    """
    by_rules = "correct the numbers, or join the zone to another in the table of decisions, with the year of the map"
    fix = "correct the crosswalk, or join the zone to another" if given_file else by_rules
    issues, members = [], crosswalk.members
    for year in population.columns.astype(int).tolist():
        for zone in map(str, population.index[population[year] == 0]):
            # Only a given crosswalk is a file in which the user can look up the zone.
            line, column = (_line(crosswalk.of(crosswalk.vintage), "to", zone), "to") if given_file else (None, None)
            file, rule = given_file or files[year], f"{names[members[zone][0]]} has residents in {year}"
            issues.append(error("E-POP-ZERO", file, line=line, column=column, value=zone, rule=rule, fix=fix))
    return issues


def whole_shares(lines: pd.DataFrame, people: pd.Series) -> pd.Series:
    """Turn the shares of one year's lines into whole persons of each line that sum to the residents of the units."""
    units, unit = np.unique(lines["from"].to_numpy(dtype=np.str_), return_inverse=True)
    counts = np.array([int(people[name]) for name in units], dtype=np.int64)
    wanted = lines["share"].to_numpy(dtype=np.float64) * counts[unit]
    persons = np.rint(wanted)
    # Shares that were whole persons when they were written are whole again; others are rounded within their unit.
    split = np.bincount(unit[np.abs(wanted - persons) > _WHOLE], minlength=len(units)) > 0
    for number in np.flatnonzero(split):
        persons[unit == number] = largest_remainder(wanted[unit == number])
    return pd.Series(persons.astype(np.int64), index=lines.index)


def operator(lines: pd.DataFrame, units: pd.Index, zones: pd.Index) -> csr_array:
    """Give the matrix of one year's shares that carries quantities of N units to M zones, shape (M, N).

    A missing value of a unit makes the values of its zones missing, and no others.
    """
    at = zones.get_indexer(pd.Index(lines["to"])), units.get_indexer(pd.Index(lines["from"]))
    return csr_array((lines["share"].to_numpy(dtype=np.float64), at), shape=(len(zones), len(units)))


def to_zones(shares: csr_array, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum a count over the units of each zone; shape (units, …) to (zones, …)."""
    flat: NDArray[np.float64] = shares @ values.reshape(len(values), -1)
    return flat.reshape(shares.shape[0], *values.shape[1:])
