"""The one check that a run loses nobody, for the accounts of every model."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Array

from flowmodel.errors import NumericError

_FIX = "bound the departure rate or the death rate of that zone"


def check(
    residuals: Mapping[str, np.ndarray],
    national: np.ndarray,
    people: Mapping[str, np.ndarray],
    name: Callable[..., str],
    first_year: int,
) -> None:
    """Refuses accounts that lose or invent people.

    Args:
        residuals: the imbalance of each account, persons [year, ..., zone], by the people it counts.
        national: the share of the nation's people that its births and deaths do not explain [year].
        people: counts that must not be negative, persons, by what they count.
        name: what a position in these arrays is called, such as "zone 110101, year 2013".
        first_year: the year in which the accounts open.

    Raises:
        NumericError: E-ACCOUNT-ZONE, an account is off by a person or more; E-ACCOUNT-NATION, the nation is off by more
            than 1e-9 of its people; E-ACCOUNT-NEGATIVE, a count is negative or not finite.
    """
    for what, residual in residuals.items():
        check_balance(residual, what, name)
    check_nation(national, first_year)
    for what, counts in people.items():
        check_people(counts, what, name)


def check_balance(residual: np.ndarray, what: str, name: Callable[..., str]) -> None:
    """Refuses an account that is off by a person or more anywhere; the message names the worst position."""
    size = np.where(np.isfinite(residual), np.abs(residual), np.inf)
    at = np.unravel_index(np.argmax(size), size.shape)
    if not size[at] < 1:
        raise NumericError(
            "E-ACCOUNT-ZONE",
            f"{name(*at)}: {size[at]} {what} do not balance",
            "report it with the configuration; the results were not written",
        )


def check_nation(residual: np.ndarray, first_year: int) -> None:
    """Refuses a nation of which births and deaths leave more than 1e-9 unexplained; the message names the worst year.

    Args:
        residual: the unexplained share of the nation's people [year].
        first_year: the year in which the accounts open.
    """
    size = np.abs(residual)
    if not (size < 1e-9).all():
        raise NumericError(
            "E-ACCOUNT-NATION",
            f"year {first_year + 1 + int(np.argmax(size))}: the nation is off by {size.max():.1e} of its people",
            "report it with the configuration; the results were not written",
        )


def check_people(counts: np.ndarray | Array, what: str, name: Callable[..., str], fix: str = _FIX) -> None:
    """Refuses a count of people that is negative or not finite; the smallest is found where the counts lie."""
    if not counts.min() >= 0:
        on_host = np.asarray(counts)
        at = tuple(np.argwhere(~(on_host >= 0))[0])
        raise NumericError("E-ACCOUNT-NEGATIVE", f"{name(*at)}: {on_host[at]} {what}", fix)
