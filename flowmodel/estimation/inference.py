"""Uncertainty of estimates: standard errors, correlations, and whether the data identify each parameter."""

import dataclasses
from collections.abc import Mapping
from statistics import NormalDist
from typing import Literal

import jax
import numpy as np
import pandas as pd
from jaxtyping import Array, Float

from flowmodel.estimation.identification import Sloppy, asymmetry, condition, inverse, sloppy
from flowmodel.estimation.posterior import Posterior
from flowmodel.estimation.search import derivatives
from flowmodel.parameters.registry import Parameter, Registry

Status = Literal["fitted", "fixed", "at_bound", "not_identified", "absorbed"]

INTERVAL = 0.9
_HALF_WIDTH = NormalDist().inv_cdf((1 + INTERVAL) / 2)
_WORST_CORRELATION = 0.95
"""Correlation from which a warning is given: the data hardly distinguish the two parameters."""
UNTRUSTED = (
    "the second derivatives at the optimum are not symmetric ({:.2g} of their diagonal): standard errors, status and "
    "directions are not reliable; fit with runtime.kernel = 'float64'"
)
_STATUS_WARNINGS = {
    "not_identified": ": the data contain less information than its prior; do not interpret the estimate",
    "at_bound": " is at its bound",
}
_MOST_WARNED = 10
_ASYMMETRY = 0.02
"""Asymmetry of the scaled Hessian from which second derivatives are not reliable."""


@dataclasses.dataclass(frozen=True)
class Inference:
    """Uncertainty at an optimum, over the free parameters, from the Hessian of the negative log posterior.

    `data_se` is the standard error from the data alone, without the prior; a parameter is not identified if it exceeds
    the prior's standard deviation. `covariance` is NaN in the rows of parameters at a bound. Fields that end in `_data`
    use the Hessian of the likelihood alone, at the same point. `asymmetry` is the difference of the Hessian to its
    transpose after scaling the diagonal to one.
    """

    names: tuple[str, ...]
    se: np.ndarray
    data_se: np.ndarray
    covariance: np.ndarray
    status: tuple[Status, ...]
    condition: float
    condition_data: float
    sloppy: Sloppy | None
    sloppy_data: Sloppy | None
    asymmetry: float

    def correlations(self) -> list[tuple[str, str, float]]:
        """Pairs of parameters with their correlation, the strongest first."""
        scaled = self.covariance / np.outer(self.se, self.se)
        pairs = [
            (self.names[i], self.names[j], float(scaled[i, j]))
            for i in range(len(self.names))
            for j in range(i)
            if np.isfinite(scaled[i, j])
        ]
        return sorted(pairs, key=lambda pair: -abs(pair[2]))

    def warnings(self) -> list[str]:
        """Warnings in sentences: parameters that the data do not identify, at bounds, and strong correlations."""
        messages = [UNTRUSTED.format(self.asymmetry)] if self.asymmetry > _ASYMMETRY else []
        for status, text in _STATUS_WARNINGS.items():
            messages += [name + text for name, its in zip(self.names, self.status, strict=True) if its == status]
        return messages + [
            f"{a} and {b} are correlated {r:+.2f}: the data hardly distinguish them"
            for a, b, r in self.correlations()[:_MOST_WARNED]
            if abs(r) > _WORST_CORRELATION
        ]


def infer(
    objective: Posterior, natural: Float[Array, " free"], known: tuple[np.ndarray, np.ndarray] | None = None
) -> Inference:
    """Standard errors and status of the free parameters at the minimum of `objective`, with these `natural` values.

    `known` are the first and second derivatives there, if a search has computed them.
    """
    registry = objective.registry
    gradient, hessian = derivatives(objective, natural) if known is None else known
    of_data = hessian - np.asarray(jax.hessian(objective.prior)(natural))
    inside = ~registry.at_bound(natural, gradient)
    covariance = inverse(hessian, inside)
    se = np.sqrt(np.diag(covariance))
    # Standard deviation of a log-normal prior in natural units, at the estimate.
    unit = np.where([entry.prior_scale == "log" for entry in registry.free], np.asarray(natural), 1.0)
    prior_sd = unit * np.asarray([entry.prior_sd for entry in registry.free])
    data_se = _data_se(se, prior_sd) if objective.priors else se
    status: tuple[Status, ...] = tuple(
        "at_bound" if not free else "fitted" if data <= prior else "not_identified"
        for free, data, prior in zip(inside, data_se, prior_sd, strict=True)
    )
    names = tuple(entry.name for entry in registry.free)
    return Inference(
        names=names,
        se=se,
        data_se=data_se,
        covariance=covariance,
        status=status,
        condition=condition(hessian, inside),
        condition_data=condition(of_data, inside),
        sloppy=sloppy(hessian, inside, names),
        sloppy_data=sloppy(of_data, inside, names),
        asymmetry=asymmetry(hessian, inside),
    )


def _data_se(se: np.ndarray, prior_sd: np.ndarray) -> np.ndarray:
    """Standard error from the data alone: precision of the posterior less precision of the prior."""
    precision = 1 / se**2 - 1 / prior_sd**2
    return np.where(precision > 0, 1 / np.sqrt(np.where(precision > 0, precision, 1)), np.inf)


def interval(entry: Parameter, estimate: float, se: float) -> tuple[float, float]:
    """The 90 % interval from a standard error, within the bounds; NaN without a standard error.

    It is symmetric on the scale of the prior, natural or logarithmic.
    """
    if not np.isfinite(se):
        return np.nan, np.nan
    wide = _HALF_WIDTH * se
    if entry.prior_scale == "log":
        with np.errstate(over="ignore"):  # beyond every bound
            ends = estimate * np.exp(-wide / estimate), estimate * np.exp(wide / estimate)
    else:
        ends = estimate - wide, estimate + wide
    return max(float(ends[0]), entry.lower), min(float(ends[1]), entry.upper)


def relative_se(inference: Inference, natural: np.ndarray) -> dict[str, float]:
    """Standard errors divided by absolute estimates, by name; infinite for an estimate of zero."""
    size = np.abs(natural)
    shares = np.where(size > 0, inference.se / np.where(size > 0, size, 1.0), np.inf)
    return dict(zip(inference.names, shares.tolist(), strict=True))


def given(registry: Registry, values: Mapping[str, float]) -> pd.DataFrame:
    """The rows of `parameters.csv` of a run at given values of the free parameters; all have the status "fixed"."""
    return table(registry, np.array([values[entry.name] for entry in registry.free]))


def table(registry: Registry, natural: np.ndarray, inference: Inference | None = None) -> pd.DataFrame:
    """The rows of `parameters.csv`: symbol, estimate, standard error, interval, bounds, status of every parameter."""
    known = zip(inference.names, inference.se.tolist(), inference.status, strict=True) if inference else ()
    found = {name: (se, status) for name, se, status in known}
    rows, estimates = [], registry.values(natural)
    for entry in registry.entries:
        estimate, (se, status) = estimates[entry.name], found.get(entry.name, (np.nan, "fixed"))
        lower, upper = interval(entry, estimate, se)
        row = {"name": entry.name, "symbol": entry.symbol, "estimate": estimate, "se": se}
        row |= {"interval_lower": lower, "interval_upper": upper, "lower": entry.lower, "upper": entry.upper}
        rows.append(row | {"unit": entry.unit, "status": status, "source": entry.source})
    return pd.DataFrame(rows)
