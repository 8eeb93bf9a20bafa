"""Which numbers of one row are parts of another: sexes, ages, urban and rural, industries."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .table import Category, YearBook

Values = dict[str, dict[Category, NDArray[np.float64]]]
"""Numbers of each category of each quantity, shape (rows,) each."""

Cell = tuple[str, Category]


@dataclass(frozen=True)
class Identity:
    """A whole and its parts, in every row.

    Attributes:
        whole: Quantity and category.
        parts: The same of everything it consists of.
        rule: In words, for messages.
    """

    whole: Cell
    parts: tuple[Cell, ...]
    rule: str


def identities(book: YearBook) -> list[Identity]:
    """Give the identities that the columns of a book must satisfy."""
    ages = book.columns["residents_by_age"]
    rules = [
        Identity(("residents", ()), _all(book, "residents_by_sex"), "residents are men and women"),
        Identity(("residents", ()), (("urban", ()), ("rural", ())), "residents are urban and rural"),
        Identity(("employed_total", ()), _all(book, "employed"), "employed people are those of the industries"),
    ]
    for (sex,) in book.columns["residents_by_sex"]:
        parts = tuple(("residents_by_age", category) for category in ages if category[1] == sex)
        rules.append(Identity(("residents_by_sex", (sex,)), parts, f"residents ({sex}) are those of all ages"))
    return rules


def _all(book: YearBook, name: str) -> tuple[Cell, ...]:
    return tuple((name, category) for category in book.columns[name])


def header(book: YearBook, cell: Cell) -> str:
    """Give the header of the column of a cell."""
    return book.columns[cell[0]][cell[1]]


def stack(values: Values, cells: tuple[Cell, ...]) -> NDArray[np.float64]:
    """Put columns side by side, shape (rows, cells)."""
    return np.column_stack([values[name][category] for name, category in cells])
