"""Blank cells: an error, or filled by a declared rule and reported."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.errors import Issue


@dataclass(frozen=True)
class Rows:
    """What every check of a quantity needs to know of the zones, in the order of the table.

    Attributes:
        file: Base name of the table.
        lines: Line of each row, None where a zone is no row of a table.
        codes: Zone code of each row.
        provinces: Province code of each row.
        people: Residents of each row at the first census, NaN where unknown.
        census: Year of the first census.
    """

    file: str
    lines: Sequence[int | None]
    codes: Sequence[str]
    provinces: Sequence[str]
    people: NDArray[np.float64]
    census: int

    def residents(self, row: int) -> float | None:
        """Give the residents of a row for a message, None where unknown."""
        people = float(self.people[row])
        return None if math.isnan(people) else people

    def issue(self, code: str, row: int, column: str | None, value: str, rule: str, fix: str) -> Issue:
        """Report a problem of one zone: a warning where the code begins with W, else an error."""
        place, people = (self.file, self.lines[row], column, value), self.residents(row)
        return Issue(code, "warning" if code.startswith("W-") else "error", *place, rule, fix, people)


@dataclass(frozen=True)
class Filled:
    """A quantity without gaps.

    Attributes:
        values: Shape (rows,).
        imputed: Which values a declared rule has filled, bool, shape (rows,).
        rules: A sentence where the rule was used.
        issues: Warnings for the filled zones, or errors.
    """

    values: NDArray[np.float64]
    imputed: NDArray[np.bool_]
    rules: tuple[str, ...] = ()
    issues: tuple[Issue, ...] = ()


def fill(
    values: NDArray[np.float64], blank: NDArray[np.bool_], rule: str | None, *, name: str, column: str, rows: Rows
) -> Filled:
    """Fill or report the zones that lack a quantity.

    `province_mean` gives them the mean of the zones of their province that have it, weighted by residents of the
    first census, taken of the finished quantity (of the ratio, not of its parts).

    Args:
        values: The quantity, NaN where it is blank or wrong, shape (rows,).
        blank: Where the table is blank, shape (rows,); wrong cells are reported elsewhere.
        rule: `missing` of the config.
        name: Name of the quantity.
        column: Column it comes from.
        rows: The zones.

    Returns:
        The filled quantity; E-MISSING or E-MISSING-PROVINCE where that is not possible.
    """
    gaps = np.flatnonzero(blank).tolist()
    if not gaps:
        return Filled(values, blank)
    if rule is None:
        fix = 'write the value, or declare missing = "province_mean" for it'
        lacking = [
            rows.issue("E-MISSING", row, column, "", f"zone {rows.codes[row]} has no {name}", fix) for row in gaps
        ]
        return Filled(values, np.zeros_like(blank), issues=tuple(lacking))
    means = province_means(values, rows)
    filled = values.copy()
    issues = []
    for row in gaps:
        zone, province = rows.codes[row], rows.provinces[row]
        filled[row] = means.get(province, np.nan)
        if province in means:
            code, fix = "W-IMPUTED", "write the value, if it is known"
            text = f"zone {zone} has no {name} and takes the mean of province {province}"
        else:
            code, fix = "E-MISSING-PROVINCE", "write at least one value in the province"
            text = f"no zone of province {province} has {name}, so there is no mean for zone {zone}"
        issues.append(rows.issue(code, row, column, "", text, fix))
    people = float(np.nansum(rows.people[blank]))
    sentence = (
        f"{name}: {len(gaps)} zones ({people:,.0f} people in {rows.census}) have no value in {column} and take the "
        f'population-weighted mean of their province (missing = "{rule}").'
    )
    return Filled(filled, blank, (sentence,), tuple(issues))


def province_means(values: NDArray[np.float64], rows: Rows) -> dict[str, float]:
    """Average a quantity over the zones of each province that have it, weighted by residents.

    A province without a value (NaN in `values`, shape (rows,)) or without residents is absent.
    """
    provinces = np.asarray(rows.provinces)
    known = ~np.isnan(values) & (rows.people > 0)
    return {
        str(province): float(np.average(values[of], weights=rows.people[of]))
        for province in np.unique(provinces[known])
        for of in [known & (provinces == province)]
    }
