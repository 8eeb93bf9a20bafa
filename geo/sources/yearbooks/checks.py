"""Checks of the numbers of a year-book: counts are whole, parts sum to their whole, and places to their totals."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from geo.config.table import PublishedConfig
from geo.errors import Issue
from geo.tables.table import Table

from .derived import CHILDREN, YEARS
from .hierarchy import Hierarchy
from .identities import Cell, Values, header, identities, stack
from .quantities import QUANTITIES
from .table import YearBook

_HALF_A_PERSON = 0.5
# Means are printed with two digits: half of the last one for each mean that takes part, and a little for weights that
# are rounded too.
_ROUNDING = 0.021
_RATES_ROUNDING = 0.0151
_YEARS_ROUNDING = 0.0051
_FIX = "find the misprint and put it into the table of corrections with its evidence"


@dataclass(frozen=True)
class Book:
    """One year-book with everything that is judged together.

    Attributes:
        table: Its cells.
        declared: What the adapter declares.
        tree: Places and totals.
        values: Numbers of every row, in the units of the cells.
    """

    table: Table
    declared: YearBook
    tree: Hierarchy
    values: Values

    def issue(self, code: str, row: int | np.integer[Any], column: str, rule: str, fix: str = _FIX) -> Issue:
        """Make the issue that a cell breaks `rule`: an error, or a warning where the code begins with W."""
        severity: Literal["error", "warning"] = "warning" if code.startswith("W-") else "error"
        row = int(row)
        people = float(self.values["residents"][()][row])
        value, line = self.table.columns[column][row], self.table.lines[row]
        known = None if np.isnan(people) else people
        return Issue(code, severity, self.table.file, line, column, value, rule, fix, known)

    def cells(self, kind: str) -> Iterator[tuple[Cell, NDArray[np.float64]]]:
        """Give the columns of counts or of means."""
        for name, cells in self.values.items():
            if QUANTITIES[name].kind == kind:
                yield from (((name, category), numbers) for category, numbers in cells.items())


def check(book: Book, published: PublishedConfig | None) -> list[Issue]:
    """Check every number that is kept.

    Returns:
        E-CODE-FORMAT, E-CODE-DUP, E-CODE-PARENT and W-PLACE-EMPTY of the places; E-POP-NEG, E-POP-FRACTIONAL and
        E-RANGE of single cells; E-IDENTITY and W-IDENTITY of rows; E-HIER-SUM, W-HIER-SUM and W-HIER-MEAN of totals;
        E-TOTAL of all. What is about residents is an error, the rest a warning.
    """
    return [
        *_codes(book),
        *_empty(book),
        *_counts(book),
        *_means(book),
        *_identities(book),
        *_education(book),
        *_rates(book),
        *_sums(book),
        *_averages(book),
        *_total(book, published),
    ]


def _codes(book: Book) -> Iterator[Issue]:
    """Codes have six digits, occur once, and belong to the province above them."""
    column, tree = book.declared.code, book.tree
    written = [book.table.columns[column][row] for row in tree.leaves]
    times = Counter(tree.keys)
    for row, code, own, key, province in zip(tree.leaves, written, tree.codes, tree.keys, tree.provinces, strict=True):
        if code and not own and code not in book.declared.missing:
            yield book.issue("E-CODE-FORMAT", row, column, "a code is six digits", "correct the code")
        if own and own[:2] != province:
            rule = f"the rows above the place are of the province {province}"
            yield book.issue("E-CODE-PARENT", row, column, rule, "correct the code")
        if times[key] > 1:
            yield book.issue("E-CODE-DUP", row, column, f"{times[key]} places are {key}", "correct the codes")


def _empty(book: Book) -> Iterator[Issue]:
    rule, fix = "a place has residents; the row is left out", "none needed if nobody lives there"
    column = book.declared.columns["residents"][()]
    return (book.issue("W-PLACE-EMPTY", row, column, rule, fix) for row in book.tree.empty)


def _counts(book: Book) -> Iterator[Issue]:
    """Counts are whole and not negative."""
    for cell, numbers in book.cells("count"):
        column = header(book.declared, cell)
        for row in np.flatnonzero(numbers < 0):
            yield book.issue("E-POP-NEG", row, column, "a count is not negative")
        for row in np.flatnonzero((numbers >= 0) & (numbers != np.floor(numbers))):
            yield book.issue("E-POP-FRACTIONAL", row, column, "a count is whole")


def _means(book: Book) -> Iterator[Issue]:
    for cell, numbers in book.cells("mean"):
        least, greatest = QUANTITIES[cell[0]].bounds
        scaled = numbers * book.declared.scale.get(cell[0], 1.0)
        for row in np.flatnonzero((scaled < least) | (scaled > greatest)):
            rule = f"it lies between {least:g} and {greatest:g} {QUANTITIES[cell[0]].units}"
            yield book.issue("E-RANGE", row, header(book.declared, cell), rule)


def _identities(book: Book) -> Iterator[Issue]:
    """Parts make up their whole in every row; a missing part may have any value."""
    for identity in identities(book.declared):
        parts = stack(book.values, identity.parts)
        whole = np.nan_to_num(book.values[identity.whole[0]][identity.whole[1]])
        code = "W-IDENTITY" if identity.whole[0] == "employed_total" else "E-IDENTITY"
        for row in _differing(whole, np.nansum(parts, axis=1), np.isnan(parts).any(axis=1) & _is_leaf(book)):
            rule = f"{identity.rule}, {np.nansum(parts[row]):.12g}"
            yield book.issue(code, row, header(book.declared, identity.whole), rule)


def _is_leaf(book: Book) -> NDArray[np.bool_]:
    """Mark the places; blank parts of totals are zero, since they are the sums of their places."""
    leaf = np.zeros(len(book.table.lines), dtype=np.bool_)
    leaf[book.tree.leaves] = True
    return leaf


def _education(book: Book) -> Iterator[Issue]:
    """Levels of education cover all residents aged 6 and over; the mean of 2020's book follows from their levels."""
    columns = book.declared.columns["education"]
    for (sex,) in book.declared.columns["residents_by_sex"]:
        levels = tuple(("education", category) for category in columns if category[1] == sex)
        asked = stack(book.values, levels).sum(axis=1)
        young = [("residents_by_age", (age, sex)) for age in ("0", "1-4", "5-9")]
        children = np.nan_to_num(stack(book.values, tuple(young)))
        most = book.values["residents_by_sex"][(sex,)] - children[:, :2].sum(axis=1)
        for row in np.flatnonzero((asked > most) | (asked < most - children[:, 2])):
            rule = f"those with an education ({sex}), {asked[row]:.12g}, are aged 6 and over: {most[row]:.12g} or fewer"
            yield book.issue("W-IDENTITY", row, header(book.declared, levels[0]), rule)
    if book.declared.schooling_from == 6:
        people = stack(book.values, tuple(("education", category) for category in columns))
        total = people.sum(axis=1)
        years = people @ np.array([YEARS[level] for level, _ in columns]) / np.where(total > 0, total, np.nan)
        printed = book.values["schooling"][()]
        for row in np.flatnonzero(np.abs(years - printed) > _YEARS_ROUNDING):
            rule = f"mean years of schooling follow from the levels, {years[row]:.4f}"
            yield book.issue("W-IDENTITY", row, book.declared.columns["schooling"][()], rule)


def _rates(book: Book) -> Iterator[Issue]:
    if "natural_increase_rate" not in book.values:
        return
    birth, death, increase = (book.values[name][()] for name in ("birth_rate", "death_rate", "natural_increase_rate"))
    for row in np.flatnonzero(np.abs(birth - death - increase) > _RATES_ROUNDING):
        rule = f"births less deaths, {birth[row] - death[row]:.2f}"
        yield book.issue("W-IDENTITY", row, book.declared.columns["natural_increase_rate"][()], rule)


def _sums(book: Book) -> Iterator[Issue]:
    """Totals are the sums of their places."""
    tree = book.tree
    for cell, numbers in book.cells("count"):
        parts = numbers[tree.leaves]
        summed = tree.members @ np.nan_to_num(parts)
        incomplete = (tree.members @ np.isnan(parts).astype(np.float64)) > 0
        code = "E-HIER-SUM" if cell[0] == "residents" else "W-HIER-SUM"
        for at in _differing(np.nan_to_num(numbers[tree.totals]), summed, incomplete):
            rule = f"a total is the sum of its places, {summed[at]:.12g}"
            yield book.issue(code, tree.totals[at], header(book.declared, cell), rule)


def _differing(
    whole: NDArray[np.float64], parts: NDArray[np.float64], incomplete: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Find wholes that their parts miss; where some parts are unknown, only those that they exceed."""
    return np.flatnonzero((parts - whole > _HALF_A_PERSON) | ((whole - parts > _HALF_A_PERSON) & ~incomplete))


def _averages(book: Book) -> Iterator[Issue]:
    """Printed means of totals are the weighted means of their places, but for rounding."""
    tree = book.tree
    for cell, numbers in book.cells("mean"):
        weight = _weight(book, cell[0])[tree.leaves]
        parts = numbers[tree.leaves]
        known = ~np.isnan(parts) & ~np.isnan(weight)
        counted = tree.members @ np.where(known, weight, 0.0)
        mean = tree.members @ np.where(known, parts * weight, 0.0) / np.where(counted > 0, counted, np.nan)
        within = book.declared.mean_tolerance.get(cell[0], _ROUNDING)
        for at in np.flatnonzero(np.abs(mean - numbers[tree.totals]) > within):
            rule = f"the mean of a total is that of its places, {mean[at]:.4f}, within {within:g}"
            yield book.issue("W-HIER-MEAN", tree.totals[at], header(book.declared, cell), rule)


def _weight(book: Book, name: str) -> NDArray[np.float64]:
    """Who a mean averages, of every row."""
    weight = QUANTITIES[name].weight or "residents"
    if weight != "schooling_residents":
        return book.values[weight][()]
    if book.declared.schooling_from == 6:
        asked = stack(book.values, tuple(("education", each) for each in book.values["education"]))
        return np.asarray(asked.sum(axis=1))
    young = [("residents_by_age", each) for each in book.values["residents_by_age"] if each[0] in CHILDREN]
    children = np.nan_to_num(stack(book.values, tuple(young)))
    return np.asarray(book.values["residents"][()] - children.sum(axis=1))


def _total(book: Book, published: PublishedConfig | None) -> Iterator[Issue]:
    """All places together have the published residents, less those counted in no place."""
    if published is None:
        return
    column = book.declared.columns["residents"][()]
    summed = float(np.nansum(book.values["residents"][()][book.tree.leaves]))
    if abs(summed - published.in_zones) > published.tolerance * published.total:
        rule = f"places have {summed:,.0f} residents; published, less those in no place: {published.in_zones:,}"
        fix = "correct published, or look for missing rows"
        yield Issue("E-TOTAL", "error", book.table.file, None, column, f"{summed:.0f}", rule, fix, summed)
