"""The account of people in no zone: the published total, the sum of the zones, and the difference."""

import math
from collections.abc import Mapping

import pandas as pd

from geo.config import PublishedConfig
from geo.errors import Issue, error

COLUMNS = ("year", "published", "in_zones", "unallocated", "military", "undetermined", "unexplained", "zones_missing")


def close(
    published: Mapping[int, PublishedConfig], population: pd.DataFrame, files: Mapping[int, str]
) -> tuple[pd.DataFrame, list[Issue]]:
    """Compare every census with its published total.

    Args:
        published: Published totals with the people counted in no zone, rounded as published.
        population: Residents, index zone, one column a census, NaN where a zone was not counted.
        files: Base name of the file of each census.

    Returns:
        The account, one row a census, persons: published = in_zones + unallocated, and unallocated = military +
        undetermined + unexplained. E-TOTAL where a census in which every zone was counted is off by more than its
        tolerance.
    """
    rows: list[tuple[float | None, ...]] = []
    issues = []
    for year in population.columns.astype(int):
        people, missing = math.fsum(population[year].dropna()), int(population[year].isna().sum())
        total = published.get(year)
        if total is None:
            rows.append((year, None, people, None, None, None, None, missing))
            continue
        unallocated = total.total - people
        unexplained = unallocated - total.military - total.undetermined
        rows.append((year, total.total, people, unallocated, total.military, total.undetermined, unexplained, missing))
        if not missing and abs(unexplained) > total.tolerance * total.total:
            rule = f"the zones of {year} and the stated accounts make up the published {total.total:,}"
            fix = "find the units that lack or repeat them, or correct the published total"
            lost = abs(unexplained)
            issues.append(error("E-TOTAL", files[year], value=f"{people:.0f}", rule=rule, fix=fix, people=lost))
    return pd.DataFrame(rows, columns=list(COLUMNS)), issues
