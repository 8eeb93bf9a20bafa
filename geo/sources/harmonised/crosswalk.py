"""The crosswalk: which share of each census unit's people stands in which zone; a file to read, edit and feed back."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from geo.checks.keys import check_columns
from geo.checks.people import largest_remainder
from geo.config import FileConfig
from geo.errors import DataError, Issue, error
from geo.tables import table
from geo.tables.numbers import parse

COLUMNS = ("from", "to", "share", "year", "reason")
"""Unit of the census, or polygon where the year is that of the map; zone; share of its people; year; reason."""
NAMES = ("from_name", "to_name")
"""Written behind them for whoever reads the table, and ignored when it is fed back."""

# A share is written with all its digits; what is left of their rounding is far less than a person of any unit.
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
    """Read a crosswalk that somebody has written or edited.

    Raises:
        DataError: What the table reader finds; E-COL-MISSING; E-XWALK where a share or year is no number, or a line
            has no reason.
    """
    rows = table.read(FileConfig.model_validate({"file": path}), "[zones.harmonise] crosswalk")
    issues = check_columns(rows.file, rows.columns, COLUMNS)
    if issues:
        raise DataError(issues)
    shares, years = [], []
    for row in range(rows.rows):
        share, year = parse(rows.columns["share"][row]), rows.columns["year"][row]
        if share is None or not 0 < share <= 1:
            rule, fix = "a share is a number above 0 and at most 1", "write the share of the unit's people"
            issues.append(rows.wrong_cell("E-XWALK", row, "share", rule, fix, None))
        if not re.fullmatch(r"[0-9]{4}", year):
            rule, fix = "a year has four digits", "write the year of the census"
            issues.append(rows.wrong_cell("E-XWALK", row, "year", rule, fix, None))
        if not rows.columns["reason"][row].strip():
            rule, fix = "a line has a reason, which the audit repeats", "write why the unit is in this zone"
            issues.append(rows.wrong_cell("E-XWALK", row, "reason", rule, fix, None))
        shares.append(share)
        years.append(year)
    if issues:
        raise DataError(issues)
    texts = {name: rows.columns[name] for name in ("from", "to", "reason")}
    frame = pd.DataFrame({**texts, "share": shares, "year": [int(year) for year in years]}, index=list(rows.lines))
    return Crosswalk(frame[list(COLUMNS)], vintage)


def with_names(crosswalk: Crosswalk, units: Mapping[int, Mapping[str, str]], zones: pd.Series) -> pd.DataFrame:
    """Put the names of units and zones beside their codes, for whoever reads the table.

    Args:
        crosswalk: Checked crosswalk.
        units: For each census and the map, names by unit.
        zones: Names by zone.

    Returns:
        Columns `COLUMNS` and `NAMES`.
    """
    frame = crosswalk.frame
    names = [units[year][unit] for year, unit in zip(frame["year"].tolist(), frame["from"], strict=True)]
    return frame.assign(from_name=names, to_name=frame["to"].map(zones))[[*COLUMNS, *NAMES]]


def check(crosswalk: Crosswalk, people: Mapping[int, pd.Series], polygons: pd.Index, file: str) -> list[Issue]:
    """Find whoever a crosswalk would lose or count twice.

    Args:
        crosswalk: Shares.
        people: For each census, residents by unit.
        polygons: Codes of the map.
        file: Base name, for the messages.

    Returns:
        E-XWALK: shares that do not sum to 1, units and polygons that are absent or unknown (one error for a year that
        is absent as a whole), zones without a polygon, polygons in two zones, years of neither a census nor the map.
    """
    zones = set(crosswalk.of(crosswalk.vintage)["to"])
    units = {**people, crosswalk.vintage: pd.Series(np.nan, index=polygons)}
    issues = _other_years(crosswalk.frame, set(units), file) + _divided_polygons(crosswalk.of(crosswalk.vintage), file)
    for year, counted in units.items():
        lines = crosswalk.of(year)
        if lines.empty:
            issues += _absent_year(year, counted, file)
            continue
        issues += _unknown_labels(lines, set(counted.index), zones, year, file)
        sums = lines.groupby("from")["share"].sum()
        for unit, persons in counted.items():
            total = float(sums.get(unit, 0.0))
            if abs(total - 1) > _TOLERANCE:
                rule = f"the shares of {unit} in {year} sum to {total:.12g}; everybody stands in the zones once"
                fix = "add its lines" if unit not in sums.index else "correct its shares"
                lost = None if np.isnan(persons) else abs(1 - total) * float(persons)
                at = _line(lines, "from", str(unit))
                issues.append(
                    error("E-XWALK", file, line=at, column="share", value=str(unit), rule=rule, fix=fix, people=lost)
                )
    return issues


def _absent_year(year: int, counted: pd.Series, file: str) -> list[Issue]:
    """Say once that a whole year is missing, and not once for each of its units."""
    if counted.empty:
        return []
    rule = f"the {len(counted):,} units of the census or map of {year} have lines"
    fix = "add its lines; the crosswalk that the rules write has them"
    lost = None if counted.isna().all() else float(counted.sum())
    return [error("E-XWALK", file, column="year", value=str(year), rule=rule, fix=fix, people=lost)]


def _other_years(frame: pd.DataFrame, years: set[int], file: str) -> list[Issue]:
    """Find lines that would be used for nothing."""
    rule = f"the years are those of the censuses and of the map: {', '.join(map(str, sorted(years)))}"
    return [
        error("E-XWALK", file, line=int(line), column="year", value=str(year), rule=rule, fix="correct the year")
        for line, year in zip(frame.index, frame["year"], strict=True)
        if year not in years
    ]


def _divided_polygons(lines: pd.DataFrame, file: str) -> list[Issue]:
    """Find polygons that are not in one zone as a whole: people can be divided by a share, land cannot."""
    rule, fix = "a polygon of the map lies in one zone, share 1", "draw its parts as polygons of their own"
    return [
        error("E-XWALK", file, line=int(line), column="share", value=f"{share:g}", rule=rule, fix=fix)
        for line, share in zip(lines.index, lines["share"], strict=True)
        if share != 1
    ]


def _unknown_labels(lines: pd.DataFrame, units: set[str], zones: set[str], year: int, file: str) -> list[Issue]:
    """Find units that the census does not have, and zones that the map does not have."""
    issues = []
    for line, unit, zone in zip(lines.index, lines["from"], lines["to"], strict=True):
        if unit not in units:
            rule = f"the census or map of {year} has no unit {unit}"
            issues.append(
                error("E-XWALK", file, line=int(line), column="from", value=unit, rule=rule, fix="correct it")
            )
        if zone not in zones:
            rule, fix = f"no polygon belongs to zone {zone}", "add a line of the map's year for it"
            issues.append(error("E-XWALK", file, line=int(line), column="to", value=zone, rule=rule, fix=fix))
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
    """Find zones without residents: growth from nobody, or to nobody, is no number.

    Args:
        crosswalk: Shares.
        population: Residents, index zone, one column a census; NaN where a zone was not counted.
        names: Name of each polygon, by code.
        files: Base name of the file of each census, for the messages.
        given_file: Base name of the crosswalk where it was fed back, None where the rules made it.

    Returns:
        E-POP-ZERO.
    """
    fix = "correct the crosswalk" if given_file else "correct the numbers"
    fix += ", or join the zone to another" + (
        "" if given_file else " in the table of decisions, with the year of the map"
    )
    issues, members = [], crosswalk.members
    for year in population.columns.astype(int).tolist():
        for zone in map(str, population.index[population[year] == 0]):
            # Only a crosswalk that was fed back is a file in which the user can look the zone up.
            line, column = (_line(crosswalk.of(crosswalk.vintage), "to", zone), "to") if given_file else (None, None)
            file, rule = given_file or files[year], f"{names[members[zone][0]]} has residents in {year}"
            issues.append(error("E-POP-ZERO", file, line=line, column=column, value=zone, rule=rule, fix=fix))
    return issues


def whole_shares(lines: pd.DataFrame, people: pd.Series) -> pd.Series:
    """Turn shares into whole persons of each unit, nobody lost and nobody made.

    Args:
        lines: Lines of one year.
        people: Whole residents by unit.

    Returns:
        Persons of each line.
    """
    units, unit = np.unique(lines["from"].to_numpy(dtype=np.str_), return_inverse=True)
    counts = np.array([int(people[name]) for name in units], dtype=np.int64)
    wanted = lines["share"].to_numpy(dtype=np.float64) * counts[unit]
    persons = np.rint(wanted)
    # Shares that were whole persons when they were written are so again; others are rounded within their unit.
    split = np.bincount(unit[np.abs(wanted - persons) > _WHOLE], minlength=len(units)) > 0
    for number in np.flatnonzero(split):
        persons[unit == number] = largest_remainder(wanted[unit == number])
    return pd.Series(persons.astype(np.int64), index=lines.index)


def operator(lines: pd.DataFrame, units: pd.Index, zones: pd.Index) -> csr_array:
    """Give the matrix that carries quantities of units to zones.

    Args:
        lines: Lines of one year.
        units: N census units.
        zones: M zones.

    Returns:
        Shares, shape (M, N); a missing value of a unit makes its zones' values missing, and no others.
    """
    at = zones.get_indexer(pd.Index(lines["to"])), units.get_indexer(pd.Index(lines["from"]))
    return csr_array((lines["share"].to_numpy(dtype=np.float64), at), shape=(len(zones), len(units)))


def to_zones(shares: csr_array, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum a count over the units of each zone; shape (units, …) to (zones, …)."""
    flat: NDArray[np.float64] = shares @ values.reshape(len(values), -1)
    return flat.reshape(shares.shape[0], *values.shape[1:])
