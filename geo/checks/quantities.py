"""Rates and covariates: columns to finished quantities in the units of the model, each within its range."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.config import CovariateConfig, PanelConfig, RateConfig
from geo.errors import Issue, error
from geo.tables.numbers import SCALE, read_column
from geo.tables.table import Table

from .missing import Filled, Rows, fill

# The highest crude rates on record are near 60 per mille (World Population Prospects 2024); a county of the old
# may die faster, none at a tenth of its people a year.
_GREATEST_RATE = 0.1
# Percentages are rounded to two digits: a share may exceed its bounds by half of the last one.
_SHARE_MARGIN = 5e-5

_UNIT_NAME = {
    "1": "1",
    "per_cent": "1",
    "per_mille": "1",
    "years": "years",
    "km2": "km2",
    "persons": "persons",
    "ten_thousand_persons": "persons",
    "m2_per_person": "m2 per person",
}


@dataclass(frozen=True)
class Range:
    """Least and greatest value a quantity can have, with the code and the words for one outside."""

    least: float
    greatest: float
    code: str
    rule: str
    fix: str


RATE = Range(
    0.0,
    _GREATEST_RATE,
    "E-RATE-RANGE",
    f"a rate lies between 0 and {_GREATEST_RATE:g} per year",
    "correct the number or the unit of the rate",
)
SHARE = Range(
    -_SHARE_MARGIN,
    1.0 + _SHARE_MARGIN,
    "E-SHARE",
    "a share lies between 0 and 1",
    "correct the number, the unit, or the column it is divided by (both must count the same area)",
)
AMOUNT = Range(0.0, np.inf, "E-NEG", "the quantity is not negative", "correct the number")


def read_rate(table: Table, config: PanelConfig, kind: str, rows: Rows) -> Filled:
    """Read births or deaths per resident and year; `kind` is "birth" or "death"."""
    rate: RateConfig = getattr(config.rates, kind)
    values, blank, issues = _read(table, rate.column, None, rate.unit, rows)
    return _finish(values, blank, issues, rate, f"{kind} rate", RATE, rows)


def read_covariate(table: Table, config: PanelConfig, name: str, rows: Rows) -> Filled:
    """Read one covariate, divided by its `per` column where it has one."""
    covariate = config.covariates[name]
    values, blank, issues = _read(table, covariate.column, covariate.per, covariate.unit, rows)
    limits = SHARE if _UNIT_NAME[covariate.unit] == "1" else AMOUNT
    return _finish(values, blank, issues, covariate, name, limits, rows)


def describe(config: PanelConfig, name: str) -> dict[str, str]:
    """Give the attributes of a covariate: units, long_name and source."""
    covariate = config.covariates[name]
    per = f" / {covariate.per}" if covariate.per else ""
    return {
        "units": _UNIT_NAME[covariate.unit],
        "long_name": covariate.long_name or name.replace("_", " "),
        "source": f"{config.table.file.name}, column {covariate.column}{per}",
    }


def _read(
    table: Table, column: str, per: str | None, unit: str, rows: Rows
) -> tuple[NDArray[np.float64], NDArray[np.bool_], list[Issue]]:
    """Give the quantity (NaN where unknown), where it is blank, and what is wrong with the numbers."""
    people = [rows.residents(row) for row in range(table.rows)]
    values, issues = read_column(table, column, people)
    blank = table.blank(column)
    values = values * SCALE[unit]
    if per is None:
        return values, blank, issues
    divisor, more = read_column(table, per, people)
    blank = blank | table.blank(per)
    for row in map(int, np.flatnonzero(divisor <= 0)):
        rule, fix = f"{column} is divided by it, so it must be positive", "correct the number, or leave it blank"
        more.append(table.wrong_cell("E-DIV-ZERO", row, per, rule, fix, people[row]))
    return values / np.where(divisor > 0, divisor, np.nan), blank, issues + more


def _finish(
    values: NDArray[np.float64],
    blank: NDArray[np.bool_],
    issues: list[Issue],
    config: RateConfig | CovariateConfig,
    name: str,
    limits: Range,
    rows: Rows,
) -> Filled:
    """Check the range, then fill the gaps."""
    outside = (values < limits.least) | (values > limits.greatest)
    for row in map(int, np.flatnonzero(outside)):
        rule = f"{name} of zone {rows.codes[row]}: {limits.rule}"
        people = rows.residents(row)
        issues.append(
            error(
                limits.code,
                rows.file,
                rule=rule,
                fix=limits.fix,
                people=people,
                line=rows.lines[row],
                column=config.column,
                value=f"{values[row]:.6g}",
            )
        )
    filled = fill(values, blank, config.missing, name=name, column=config.column, rows=rows)
    return Filled(filled.values, filled.imputed, filled.rules, (*issues, *filled.issues))
