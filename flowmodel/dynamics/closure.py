"""The one check that a run loses and invents nobody, for the accounts of every model."""

from collections.abc import Callable, Mapping

import numpy as np

from flowmodel.errors import NumericError

_REPORT = "report it with the configuration; the results were not written"


def check(
    balances: Mapping[str, np.ndarray],
    stocks: Mapping[str, np.ndarray],
    nation: np.ndarray,
    first_year: int,
    place: Callable[[tuple[int, ...]], str],
    fix: str,
) -> None:
    """Refuses accounts that lose or invent people, or leave fewer than none.

    Args:
        balances: opening + births − deaths + inflow − outflow − closing, persons, by what is counted [year, …, zone].
        stocks: people at the end of a year, by what is counted [year, …, zone].
        nation: the share of the nation's people that births and deaths do not explain [year].
        first_year: the year in which the accounts open.
        place: the name of a place, from its index without the year.
        fix: the remedy for negative counts.

    Raises:
        NumericError: E-ACCOUNT-ZONE, a balance is off by a person or more; E-ACCOUNT-NATION, the nation is off by more
            than 1e-9; E-ACCOUNT-NEGATIVE, a stock is below zero. A value that is not finite counts as the worst; the
            message names place and year.
    """
    for what, residual in balances.items():
        size = np.where(np.isfinite(residual), np.abs(residual), np.inf)
        year, *at = (int(index) for index in np.unravel_index(np.argmax(size), size.shape))
        if not size[(year, *at)] < 1:
            text = f"{place(tuple(at))}, year {first_year + 1 + year}: {size[(year, *at)]} {what} do not balance"
            raise NumericError("E-ACCOUNT-ZONE", text, _REPORT)
    share = np.abs(nation)
    if not (share < 1e-9).all():
        worst = int(np.argmax(share))
        text = f"year {first_year + 1 + worst}: the nation is off by {share[worst]:.1e} of itself"
        raise NumericError("E-ACCOUNT-NATION", text, _REPORT)
    for what, people in stocks.items():
        wrong = ~(people >= 0)
        if wrong.any():
            year, *at = (int(index[0]) for index in np.nonzero(wrong))
            text = f"{place(tuple(at))}, year {first_year + 1 + year}: {people[(year, *at)]} {what}"
            raise NumericError("E-ACCOUNT-NEGATIVE", text, fix)
