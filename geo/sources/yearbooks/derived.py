"""Quantities that follow from several columns: whom a mean averages, and schooling by one rule for all books."""

import xarray as xr

from .quantities import QUANTITIES
from .table import YearBook

YEARS = {
    "none": 0.0,
    "preschool": 0.0,
    "primary": 6.0,
    "junior_secondary": 9.0,
    "senior_secondary": 12.0,
    "college": 16.0,
    "university": 16.0,
}
"""Years of schooling of each level. They reproduce the means of the book of 2020 to the last digit in every row."""

CHILDREN = ("0", "1-4", "5-9", "10-14")
"""Ages below 15."""


def add(data: xr.Dataset, book: YearBook) -> xr.Dataset:
    """Add `schooling_residents` and `schooling_levels` to the quantities of a book's columns."""
    education = data["education"].sel(level=list(dict.fromkeys(level for level, _ in book.columns["education"])))
    known = education.sum(("level", "sex"), skipna=False)
    children = data["residents_by_age"].sel(age=list(CHILDREN)).sum(("age", "sex"), skipna=False)
    averaged = known if book.schooling_from == 6 else data["residents"] - children
    found = {"schooling_residents": averaged, "schooling_levels": mean_years(education)}
    for name, values in found.items():
        values.attrs = QUANTITIES[name].attributes(book.year)
    return data.assign(found)


def mean_years(education: xr.DataArray) -> xr.DataArray:
    """Mean years of schooling of the people whose level is known, from their levels by `YEARS`."""
    years = xr.DataArray([YEARS[level] for level in education["level"].values], dims="level")
    return (education * years).sum(("level", "sex"), skipna=False) / education.sum(("level", "sex"), skipna=False)
