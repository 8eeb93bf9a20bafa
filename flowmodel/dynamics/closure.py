"""What every account must show, whatever its model carries."""

from __future__ import annotations

import numpy as np

from flowmodel.errors import NumericError


def check_nation(residual: np.ndarray, first_year: int) -> None:
    """Refuses a nation of which more than 1e-9 is not explained by its births and deaths.

    Args:
        residual: what they do not explain, as a share of the nation, absolute [year].
        first_year: the year in which the accounts open.

    Raises:
        NumericError: the residual is too large or not finite; the message names the worst year.
    """
    if not (residual < 1e-9).all():
        raise NumericError(
            "E-ACCOUNT-NATION",
            f"year {first_year + 1 + int(np.argmax(residual))}: the nation is off by {residual.max():.1e} of itself",
            "report it with the configuration; the results were not written",
        )
