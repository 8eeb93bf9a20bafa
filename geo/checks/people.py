"""Residents: whole persons, not negative, and none of them lost."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from geo.config import PopulationConfig
from geo.errors import Issue
from geo.tables.numbers import SCALE, read_column
from geo.tables.table import Table

# Ten thousand times a decimal fraction is off by 1e-8 at most; a real fraction of a person is larger than this.
_DECIMALS = 6


def read_population(table: Table, config: PopulationConfig) -> tuple[NDArray[np.float64], list[Issue]]:
    """Read the residents of one census, whose column the table has.

    Returns:
        Persons (fractions kept), shape (rows,), NaN where an issue says why; and the issues: those of `read_column`,
        E-POP-MISSING, E-POP-NEG, E-POP-ZERO, E-POP-FRACTIONAL.
    """
    numbers, issues = read_column(table, config.column)
    persons = np.round(numbers * SCALE[config.unit], _DECIMALS)
    blank = table.blank(config.column).tolist()
    for row, (count, absent) in enumerate(zip(persons.tolist(), blank, strict=True)):
        fault = _fault(count, config, absent=absent)
        if fault is not None:
            code, rule, fix = fault
            people = max(count, 0.0) if math.isfinite(count) else None
            issues.append(table.wrong_cell(code, row, config.column, rule, fix, people))
    return np.where(persons < 0, np.nan, persons), issues


def restore_whole(
    persons: NDArray[np.float64], config: PopulationConfig, year: int, table: Table, provinces: Sequence[str]
) -> tuple[NDArray[np.float64], list[str], list[Issue]]:
    """Give every zone whole persons by the rule the config declares, within each province.

    Residents have shape (rows,), without NaN.

    Returns:
        Whole persons; the sentence of the rule where it changed something; a warning for each zone changed.
    """
    fractional = persons != np.floor(persons)
    if not fractional.any():
        return persons, [], []
    whole = persons.copy()
    names = np.asarray(provinces)
    for province in np.unique(names[fractional]):
        of = names == province
        whole[of] = largest_remainder(persons[of])
    rule = (
        f"population {year}: {fractional.sum()} zones ({persons[fractional].sum():,.0f} people) had fractions of a "
        f"person from an allocation; whole persons are restored within the province so that its total is the nearest "
        f'whole number to its sum (fractional = "largest_remainder").'
    )
    warnings = []
    for row in np.flatnonzero(fractional).tolist():
        text = f"a fraction of a person; {whole[row]:.0f} after restoring whole persons within the province"
        fix, count = "none needed: the rule is declared", float(persons[row])
        warnings.append(table.wrong_cell("W-POP-FRACTIONAL", row, config.column, text, fix, count))
    return whole, [rule], warnings


def largest_remainder(persons: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round so that the total is the nearest whole number to the sum (Hamilton's method of apportionment).

    Every number is rounded down; the persons left over go one each to the largest remainders, the first of equals.
    A whole number has no remainder and stays.

    Returns:
        Whole numbers, shape (n,).
    """
    floor = np.floor(persons)
    left = int(np.floor(math.fsum(persons) + 0.5) - floor.sum())
    whole = floor.copy()
    whole[np.argsort(-(persons - floor), kind="stable")[:left]] += 1.0
    return whole


def _fault(count: float, config: PopulationConfig, *, absent: bool) -> tuple[str, str, str] | None:
    """Give code, rule and fix of what is wrong with one population, or None (a non-number is reported already)."""
    if absent:
        return "E-POP-MISSING", "every zone has a population", "write it, or merge the zone with a neighbour"
    if count < 0:
        return "E-POP-NEG", "a population is not negative", "correct the number"
    if count == 0 and not config.allow_zero:
        return "E-POP-ZERO", "a zone has people", "correct the number, or declare allow_zero = true"
    if not config.fractional and math.isfinite(count) and count != math.floor(count):
        fix = 'correct the number or the unit, or declare fractional = "largest_remainder"'
        return "E-POP-FRACTIONAL", "people are whole persons", fix
    return None
