"""Calibration of a flow model on an observed table: estimates, covariances and fitted flows."""

import dataclasses
from functools import cached_property

import jax.numpy as jnp
import numpy as np
import scipy.sparse as sparse
from jaxtyping import Bool, Float
from scipy.sparse.csgraph import connected_components

from flowmodel.errors import FlowsError
from flowmodel.interaction import inference
from flowmodel.interaction.inference import Bread
from flowmodel.interaction.likelihood import full_log_likelihood
from flowmodel.interaction.likelihood.family import Family
from flowmodel.interaction.model import build
from flowmodel.interaction.model.build import Built
from flowmodel.interaction.model.design import Point, predictor, restricted
from flowmodel.interaction.model.table import FlowTable, Specification
from flowmodel.interaction.scoring.dispersion import pearson_dispersion
from flowmodel.interaction.search import binomial, estimate, newton
from flowmodel.interaction.search.estimate import DEFAULT, Optimum, Report
from flowmodel.interaction.separation.rows import separated_pairs

_COLLINEAR = 1e-10
"""Residual share of a column's moment below which it is a linear combination of effects and other columns."""
_PART = 1e-3
"""Component of a direction without information from which a column is named in the message."""


@dataclasses.dataclass(frozen=True)
class Calibrated:
    """A fitted flow model.

    Attributes:
        table: observed flows.
        specification: the model.
        built: the design; its `allowed` are the pairs in the fit.
        family: the distribution of flows, with its dispersion.
        optimum: result of the search.
        bread: information on the coefficients.
        separated: separated pairs, whose mean tends to zero (or to the threshold) [o, d].
        dispersion_se: standard error of the negative binomial's α; NaN for other families.
    """

    table: FlowTable
    specification: Specification
    built: Built
    family: Family
    optimum: Optimum
    bread: Bread
    separated: Bool[np.ndarray, "origin destination"]
    dispersion_se: float

    @property
    def estimates(self) -> Float[np.ndarray, " parameter"]:
        """Coefficients, in the order of `built.names`."""
        return self.built.natural(np.asarray(self.optimum.at.coefficients))

    @cached_property
    def fitted(self) -> Float[np.ndarray, "origin destination"]:
        """Means μ, persons, including pairs held out; zero for separated and impossible pairs and for zones not fitted.

        For a table with a threshold they are means of all flows, not only of published ones.
        """
        known = self.table.allowed & ~self.separated & self.reached
        eta = np.asarray(predictor(self.built.design, self.optimum.at))
        return np.asarray(np.exp(eta, where=known, out=np.zeros_like(eta)))

    @cached_property
    def log_likelihood(self) -> float:
        """The log likelihood with all constants."""
        return full_log_likelihood.of_fit(self.built.design, self.family, float(self.optimum.sums.log_likelihood))

    @cached_property
    def effects(self) -> int:
        """Number of independent effects."""
        return _effects(self.built)

    @property
    def pairs(self) -> int:
        """Number of pairs in the fit."""
        return int(self.in_fit.sum())

    @property
    def reached(self) -> Bool[np.ndarray, "origin destination"]:
        """The pairs whose mean is known: the effects of both zones, if any, were fitted."""
        return _reached(self.built)

    @property
    def in_fit(self) -> Bool[np.ndarray, "origin destination"]:
        """The pairs in the fit."""
        return np.asarray(self.built.design.allowed)

    @property
    def degrees(self) -> int:
        """Number of fitted parameters: coefficients, effects and α."""
        return len(self.built.names) + self.effects + self.family.binomial

    @cached_property
    def deviance(self) -> float:
        """Twice the difference of the saturated model's log likelihood to that of the fit."""
        return 2 * (full_log_likelihood.saturated(self.built.design, self.family) - self.log_likelihood)

    @property
    def aic(self) -> float:
        """Akaike's information criterion."""
        return 2 * (self.degrees - self.log_likelihood)

    def covariance(self, kind: str) -> Float[np.ndarray, "parameter parameter"]:
        """Covariance of the coefficients in `estimates`, at fixed α.

        Args:
            kind: "model" (multiplied by `pearson` for quasi-Poisson), or a kind of `inference.sandwich`.
        """
        information, jacobian = np.asarray(self.bread.information), self.built.jacobian()
        if kind == "model":
            found = np.linalg.inv(information)
        else:
            optimum = self.optimum
            spread = inference.scatter(self.built.design, optimum.at, optimum.sums, self.bread.projections)
            found = inference.sandwich(information, spread, kind, self.in_fit)
        scale = self.pearson if kind == "model" and self.specification.family == "quasi_poisson" else 1.0
        return np.asarray(scale * jacobian @ found @ jacobian.T)

    @property
    def pearson(self) -> float:
        """Pearson's dispersion for any family, Σ (y − μ)² / μ / (n − k) over pairs with known flow.

        It is near 1 if flows vary like Poisson counts; NaN if there are too few pairs.
        """
        seen = self.in_fit & known_flows(self.table, self.specification)
        if int(seen.sum()) <= self.degrees or not np.all(self.fitted[seen] > 0):
            return float("nan")
        return pearson_dispersion(self.table.flow, self.fitted, seen, parameters=self.degrees)


def calibrate(
    table: FlowTable,
    specification: Specification,
    *,
    without: Bool[np.ndarray, "origin destination"] | None = None,
    tolerance: float = DEFAULT.tolerance,
    most_steps: int = DEFAULT.most_steps,
    at: Point | None = None,
    report: Report = lambda step, error: None,
) -> Calibrated:
    """Fits `specification` to `table` by (pseudo-)maximum likelihood.

    Args:
        table: observed flows.
        specification: the model.
        without: pairs held out of the fit, for which means are still computed.
        tolerance: largest relative error of margins and moments.
        most_steps: largest number of Newton steps.
        at: initial point.
        report: called with number and error of each step.

    Raises:
        ConfigError: as `build.build`.
        FlowsError: as `build.build`; E-MODEL-COLLINEAR, E-FAMILY-UNITS, E-FAMILY-DISPERSION.
        NumericError: the search for separated pairs was not solved.
    """
    built = build.build(table, specification)
    in_fit = _taking(table, specification) if without is None else _taking(table, specification) & ~without
    separated = _separated(built, in_fit, specification)
    built = dataclasses.replace(built, design=restricted(built.design, jnp.asarray(in_fit & ~separated)))
    optimum, family, error = _search(built, specification, tolerance, most_steps, at, report)
    bread = inference.bread(built.design, optimum.at, optimum.sums)
    _check_identified(built, bread, optimum)
    return Calibrated(
        table=table,
        specification=specification,
        built=built,
        family=family,
        optimum=optimum,
        bread=bread,
        separated=separated,
        dispersion_se=error,
    )


def known_flows(table: FlowTable, specification: Specification) -> Bool[np.ndarray, "origin destination"]:
    """Pairs whose flow is known: listed pairs if there is a threshold, otherwise all, since unlisted flows are zero."""
    return table.listed if specification.censoring else np.ones_like(table.listed)


def _taking(table: FlowTable, specification: Specification) -> Bool[np.ndarray, "origin destination"]:
    """Pairs in the fit: allowed ones; for a truncated table only listed ones."""
    censoring = specification.censoring
    truncated = censoring is not None and censoring.unlisted == "truncated"
    return table.allowed & table.listed if truncated else table.allowed


def _search(
    built: Built, specification: Specification, tolerance: float, most_steps: int, at: Point | None, report: Report
) -> tuple[Optimum, Family, float]:
    family = _family(specification)
    if specification.family == "negative_binomial":
        return binomial.fit(built.design, family, tolerance=tolerance, most_steps=most_steps, report=report)
    found = estimate.fit(built.design, family, tolerance=tolerance, most_steps=most_steps, at=at, report=report)
    return found, family, np.nan


def _reached(built: Built) -> Bool[np.ndarray, "origin destination"]:
    """Pairs whose effects were fitted: each zone with an effect has a pair in the fit."""
    in_fit = np.asarray(built.design.allowed)
    origins = np.any(in_fit, axis=1) if built.design.origin_effects else np.ones(in_fit.shape[0], dtype=bool)
    destinations = np.any(in_fit, axis=0) if built.design.destination_effects else np.ones(in_fit.shape[1], dtype=bool)
    return np.asarray(origins[:, None] & destinations[None, :])


def _family(specification: Specification) -> Family:
    censoring = specification.censoring
    if censoring is None:
        return Family(jnp.zeros(()), jnp.ones(()))
    if specification.family == "negative_binomial" and censoring.per_unit != 1:
        fix = "use the column of the threshold as the flow, or set family = 'poisson'"
        raise FlowsError("E-FAMILY-UNITS", "a negative binomial model needs a threshold in the units of the flow", fix)
    return Family(
        jnp.zeros(()),
        jnp.asarray(censoring.per_unit),
        below=censoring.below,
        unlisted=censoring.unlisted,
    )


def _separated(
    built: Built, in_fit: Bool[np.ndarray, "origin destination"], specification: Specification
) -> Bool[np.ndarray, "origin destination"]:
    """Separated pairs; for a truncated table, flows in excess of the threshold take the place of flows."""
    excess, censoring = np.asarray(built.design.flow), specification.censoring
    if censoring is not None and censoring.unlisted == "truncated":
        excess = np.maximum(excess - censoring.below * censoring.per_unit, 0.0)
    return separated_pairs(
        excess,
        in_fit,
        [np.asarray(column) for column in built.design.columns],
        origin_effects=built.design.origin_effects,
        destination_effects=built.design.destination_effects,
    )


def _check_identified(built: Built, bread: Bread, optimum: Optimum) -> None:
    """Refuses columns that are linear combinations of others and of effects, and names them."""
    if not built.names:
        return
    found, sums = np.asarray(bread.information), optimum.sums
    if not np.all(np.isfinite(found)):  # the search has diverged; check at its start instead
        here = estimate.start(built.design)
        sums = newton.initial_sums(built.design, here)
        found = np.asarray(inference.bread(built.design, here, sums).information)
    if not np.all(np.isfinite(found)):
        return  # the verdict is "nonfinite"
    scale = np.sqrt(np.diagonal(found).clip(0))
    absorbed = scale**2 <= _COLLINEAR * np.diagonal(np.asarray(sums.moments))
    rest = ~absorbed
    values, vectors = np.linalg.eigh(found[np.ix_(rest, rest)] / np.outer(scale[rest], scale[rest]))
    names = [name for name, one in zip(built.names, absorbed, strict=True) if one]
    if rest.any() and values[0] < _COLLINEAR:
        kept = [name for name, one in zip(built.names, rest, strict=True) if one]
        names += [name for name, part in zip(kept, vectors[:, 0], strict=True) if abs(part) > _PART]
    if names:
        what = f"{', '.join(names)} are collinear with each other or with the effects of the constraint"
        raise FlowsError("E-MODEL-COLLINEAR", what, "leave one of them out of [model], or hold it")


def _effects(built: Built) -> int:
    """Number of independent effects; of two-way effects one per connected part of the table is redundant."""
    in_fit = np.asarray(built.design.allowed)
    origins = int(np.any(in_fit, axis=1).sum()) if built.design.origin_effects else 0
    destinations = int(np.any(in_fit, axis=0).sum()) if built.design.destination_effects else 0
    if not (origins and destinations):
        return origins + destinations
    return origins + destinations - _parts(in_fit, np.asarray(built.design.flow) > 0)


def _parts(in_fit: Bool[np.ndarray, "o d"], positive: Bool[np.ndarray, "o d"]) -> int:
    """Number of connected parts of the graph of pairs; the smaller graph of positive flows is tried first."""
    rows, columns = np.any(in_fit, axis=1), np.any(in_fit, axis=0)
    parts = 0
    for pairs in (positive, in_fit):
        block = sparse.coo_array(pairs[np.ix_(rows, columns)])
        size = sum(block.shape)
        graph = sparse.coo_array((np.ones(block.nnz), (block.row, block.col + block.shape[0])), shape=(size, size))
        parts = int(connected_components(graph, directed=False)[0])
        if parts == 1:
            break
    return parts
