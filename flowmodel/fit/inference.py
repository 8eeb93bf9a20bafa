"""What a fit knows about its parameters: standard errors, correlations, and whether the data identify them at all."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd
from jaxtyping import Array, Float

from flowmodel.fit.objective import Objective
from flowmodel.fit.optimise import gradient_and_hessian
from flowmodel.parameters import Registry

Status = Literal["fitted", "fixed", "at_bound", "not_identified", "absorbed"]

_NO_CURVATURE = 1e-12
_WORST_CORRELATION = 0.95
"""Correlations beyond this are warned of: the data see the two parameters as nearly one."""


@dataclasses.dataclass(frozen=True)
class Inference:
    """Uncertainty at an optimum, over the free parameters, from the Hessian of the negative log posterior.

    `data_se` is the part of each standard error that the data contribute: a parameter is not identified when it exceeds
    the prior's standard deviation. `covariance` is NaN in the rows of parameters at a bound.
    """

    names: tuple[str, ...]
    se: np.ndarray
    data_se: np.ndarray
    covariance: np.ndarray
    status: tuple[Status, ...]
    condition: float

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
        """Sentences a reader must see: what the data cannot identify, and what they cannot tell apart."""
        said = [
            f"{name}: the data say less about it than its prior; do not interpret the estimate"
            for name, status in zip(self.names, self.status, strict=True)
            if status == "not_identified"
        ]
        said += [f"{name} is at its bound" for name, s in zip(self.names, self.status, strict=True) if s == "at_bound"]
        return said + [
            f"{a} and {b} are correlated {r:+.2f}: the data see them as nearly one"
            for a, b, r in self.correlations()
            if abs(r) > _WORST_CORRELATION
        ]


def infer(objective: Objective, natural: Float[Array, " free"]) -> Inference:
    """Standard errors and status of the free parameters at an optimum (natural values)."""
    registry = objective.registry
    gradient, hessian = map(np.asarray, gradient_and_hessian(objective, natural))
    inside = ~registry.held(natural, gradient)
    covariance = _inverse(hessian, inside)
    se = np.sqrt(np.diag(covariance))
    # A log-normal prior is compared where it is normal: on the log scale, at the estimate.
    unit = np.where([entry.prior_scale == "log" for entry in registry.free], np.asarray(natural), 1.0)
    prior_sd = unit * np.asarray([entry.prior_sd for entry in registry.free])
    data_se = _data_se(se, prior_sd) if objective.priors else se
    status: tuple[Status, ...] = tuple(
        "at_bound" if not free else "fitted" if data <= prior else "not_identified"
        for free, data, prior in zip(inside, data_se, prior_sd, strict=True)
    )
    names = tuple(entry.name for entry in registry.free)
    return Inference(names, se, data_se, covariance, status, _condition(hessian, inside))


def _data_se(se: np.ndarray, prior_sd: np.ndarray) -> np.ndarray:
    """What the data alone contribute to each parameter: its precision less the prior's, as a standard error."""
    precision = 1 / se**2 - 1 / prior_sd**2
    return np.where(precision > 0, 1 / np.sqrt(np.where(precision > 0, precision, 1)), np.inf)


def table(registry: Registry, natural: np.ndarray, inference: Inference) -> pd.DataFrame:
    """The rows of `parameters.csv` after a fit."""
    se = dict(zip(inference.names, inference.se.tolist(), strict=True))
    status = dict(zip(inference.names, inference.status, strict=True))
    return _rows(registry, registry.values(natural), se, status)


def given(registry: Registry, values: Mapping[str, float]) -> pd.DataFrame:
    """The rows of `parameters.csv` of a run at given values of the free parameters: all of them fixed."""
    return _rows(registry, registry.values(values[entry.name] for entry in registry.free), {}, {})


def _rows(
    registry: Registry, values: Mapping[str, float], se: Mapping[str, float], status: Mapping[str, Status]
) -> pd.DataFrame:
    """Name, symbol, estimate, se, lower, upper, unit, status, source of every parameter."""
    return pd.DataFrame(
        {
            "name": e.name,
            "symbol": e.symbol,
            "estimate": values[e.name],
            "se": se.get(e.name, np.nan),
            "lower": e.lower,
            "upper": e.upper,
            "unit": e.unit,
            "status": status.get(e.name, "fixed"),
            "source": e.source,
        }
        for e in registry.entries
    )


def _inverse(hessian: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """The inverse over the parameters off their bounds, NaN elsewhere; a direction without curvature has no bound."""
    kept = np.flatnonzero(inside)
    scale = np.sqrt(np.maximum(np.abs(np.diag(hessian)[kept]), _NO_CURVATURE))
    values, vectors = np.linalg.eigh(hessian[np.ix_(kept, kept)] / np.outer(scale, scale))
    variances = np.where(values > 1e-10 * values[-1], 1 / np.where(values > 0, values, 1), 1e10 / values[-1])
    found = (vectors * variances) @ vectors.T / np.outer(scale, scale)
    inverse = np.full(hessian.shape, np.nan)
    inverse[np.ix_(kept, kept)] = found
    return inverse


def _condition(hessian: np.ndarray, inside: np.ndarray) -> float:
    """Condition number of the Hessian on the scale of its own diagonal."""
    kept = hessian[np.ix_(inside, inside)]
    scale = np.sqrt(np.maximum(np.abs(np.diag(kept)), _NO_CURVATURE))
    return float(np.linalg.cond(kept / np.outer(scale, scale)))
