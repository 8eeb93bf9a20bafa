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
from flowmodel.interaction.likelihood import log_likelihood
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
        constants = log_likelihood.constants(self.built.design, self.family)
        return float(self.optimum.sums.log_likelihood) + constants

    @cached_property
    def effects(self) -> int:
        """Number of independent effects; of two-way effects one per connected part of the table is redundant."""
        design = self.built.design
        sides = ((design.origin_effects, 1), (design.destination_effects, 0))
        zones = [int(np.any(self.in_fit, axis=axis).sum()) for effects, axis in sides if effects]
        return sum(zones) - (_parts(self.in_fit, np.asarray(design.flow) > 0) if len(zones) == 2 else 0)

    @property
    def pairs(self) -> int:
        """Number of pairs in the fit."""
        return int(self.in_fit.sum())

    @property
    def reached(self) -> Bool[np.ndarray, "origin destination"]:
        """The pairs whose mean is known: each of their zones that has an effect has a pair in the fit."""
        origins = np.any(self.in_fit, axis=1, keepdims=True) | (not self.built.design.origin_effects)
        return np.asarray(origins & (np.any(self.in_fit, axis=0) | (not self.built.design.destination_effects)))

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
        return 2 * (log_likelihood.saturated(self.built.design, self.family) - self.log_likelihood)

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
            found = inference.sandwich(self.built.design, self.optimum.at, self.optimum.sums, self.bread, kind)
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
    in_fit = table.allowed & table.listed if _is_truncated(specification) else table.allowed
    in_fit = in_fit if without is None else in_fit & ~without
    separated = _separated(built, in_fit, specification)
    design = restricted(built.design, jnp.asarray(in_fit & ~separated))
    built, family, dispersion_se = dataclasses.replace(built, design=design), _family(specification), np.nan
    if specification.family == "negative_binomial":
        optimum, family, dispersion_se = binomial.fit(design, family, tolerance, most_steps, report)
    else:
        optimum = estimate.fit(design, family, tolerance=tolerance, most_steps=most_steps, at=at, report=report)
    bread = inference.bread(design, optimum.at, optimum.sums)
    _check_identified(built, bread, optimum)
    return Calibrated(table, specification, built, family, optimum, bread, separated, dispersion_se)


def known_flows(table: FlowTable, specification: Specification) -> Bool[np.ndarray, "origin destination"]:
    """Pairs whose flow is known: listed pairs if there is a threshold, otherwise all, since unlisted flows are zero."""
    return table.listed if specification.censoring else np.ones_like(table.listed)


def _is_truncated(specification: Specification) -> bool:
    """Whether nothing is known about unlisted pairs, so that only listed ones are in the fit."""
    return specification.censoring is not None and specification.censoring.unlisted == "truncated"


def _family(specification: Specification) -> Family:
    censoring = specification.censoring
    if censoring is None:
        return Family(jnp.zeros(()), jnp.ones(()))
    if specification.family == "negative_binomial" and censoring.per_unit != 1:
        fix = "use the column of the threshold as the flow, or set family = 'poisson'"
        raise FlowsError("E-FAMILY-UNITS", "a negative binomial model needs a threshold in the units of the flow", fix)
    per_unit = jnp.asarray(censoring.per_unit)
    return Family(jnp.zeros(()), per_unit, below=censoring.below, unlisted=censoring.unlisted)


def _separated(
    built: Built, in_fit: Bool[np.ndarray, "origin destination"], specification: Specification
) -> Bool[np.ndarray, "origin destination"]:
    """Separated pairs; for a truncated table, flows in excess of the threshold take the place of flows."""
    design, censoring = built.design, specification.censoring
    excess = np.asarray(design.flow)
    if censoring is not None and _is_truncated(specification):
        excess = np.maximum(excess - censoring.below * censoring.per_unit, 0.0)
    effects = {"origin_effects": design.origin_effects, "destination_effects": design.destination_effects}
    return separated_pairs(excess, in_fit, [np.asarray(column) for column in design.columns], **effects)


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
