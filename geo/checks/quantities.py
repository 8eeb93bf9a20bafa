"""Rates and covariates: columns to finished quantities in the units of the model, each within its range."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.config import PanelConfig, RateConfig
from geo.errors import Issue, error
from geo.tables.numbers import SCALE, read_column
from geo.tables.table import Table

from .missing import Filled, Rows, fill

# The highest crude rates on record are near 60 per mille (World Population Prospects 2024); a county of old people
# may have a higher death rate, but not a tenth of its people a year.
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
    """Read births or deaths per resident and year; `kind` is "birth" or "death".

    One national rate holds in every zone. A rate that is not given is zero, with a warning (W-NO-RATES).
    """
    rate: RateConfig | None = getattr(config.rates, kind)
    if rate is not None and rate.column is not None:
        values, blank, issues = _read(table, rate.column, None, rate.unit, rows)
        return _finish(values, blank, issues, rate.column, rate.missing, f"{kind} rate", RATE, rows)
    key, value, issues = f"zones.rates.{kind}", 0.0, []
    if rate is None or rate.value is None:
        sentence = f"{kind} rate: none is given; the model assumes no {kind}s."
        rule = f"{key} is not given: the model assumes no {kind}s, so that migration has to explain all growth"
        fix = f'give a column or one national rate, such as {kind} = {{ value = 11.9, unit = "per_mille" }}'
        issues.append(Issue("W-NO-RATES", "warning", table.file, None, key, None, rule, fix, None))
    else:
        value = rate.value * SCALE[rate.unit]
        sentence = f"{kind} rate: all {table.rows} zones have the national rate of {value * 1000:g} per mille a year."
        if not RATE.least <= value <= RATE.greatest:
            written = f"{rate.value:g}"
            issues.append(error(RATE.code, table.file, column=key, value=written, rule=RATE.rule, fix=RATE.fix))
    return Filled(np.full(table.rows, value), np.zeros(table.rows, dtype=bool), (sentence,), tuple(issues))


def describe_rate(config: PanelConfig, kind: str) -> dict[str, str]:
    """Give the source of a vital rate."""
    rate: RateConfig | None = getattr(config.rates, kind)
    if rate is None:
        return {"source": "none given: zero is assumed"}
    if rate.column is None:
        return {"source": f"one national rate, {rate.value:g} ({rate.unit})"}
    return {"source": f"{config.table.file.name}, column {rate.column}"}


def read_covariate(table: Table, config: PanelConfig, name: str, rows: Rows) -> Filled:
    """Read one covariate, divided by its `per` column where it has one."""
    covariate = config.covariates[name]
    values, blank, issues = _read(table, covariate.column, covariate.per, covariate.unit, rows)
    limits = SHARE if _UNIT_NAME[covariate.unit] == "1" else AMOUNT
    return _finish(values, blank, issues, covariate.column, covariate.missing, name, limits, rows)


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
    column: str,
    missing: str | None,
    name: str,
    limits: Range,
    rows: Rows,
) -> Filled:
    """Check the range, then fill the gaps."""
    outside = (values < limits.least) | (values > limits.greatest)
    for row in map(int, np.flatnonzero(outside)):
        rule = f"{name} of zone {rows.codes[row]}: {limits.rule}"
        issues.append(rows.issue(limits.code, row, column, f"{values[row]:.6g}", rule, limits.fix))
    filled = fill(values, blank, missing, name=name, column=column, rows=rows)
    return Filled(filled.values, filled.imputed, filled.rules, (*issues, *filled.issues))
