"""The calibration of a flow model on an observed table: from names to estimates, standard errors and fitted flows."""

from __future__ import annotations

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
from flowmodel.interaction.search.estimate import Optimum, Report
from flowmodel.interaction.separation.rows import separated_pairs

_COLLINEAR = 1e-10
"""What is left of a column, as a part of its moment, at which effects and other columns explain it whole."""
_PART = 1e-3
"""Share in a direction without information from which a column is named."""


@dataclasses.dataclass(frozen=True)
class Calibrated:
    """A fitted flow model.

    Attributes:
        table: what was fitted to.
        specification: of what.
        built: the design; its `allowed` are the pairs that took part.
        family: with its dispersion.
        optimum: where the search ended.
        bread: the information on the coefficients.
        separated: pairs whose mean no finite parameters can fit; it tends to zero (or to the threshold) [o, d].
        dispersion_se: standard error of the negative binomial's α; NaN without.
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
        """Means μ, persons, of held-out pairs too; zero for separated ones, those that cannot be, and zones not fitted.

        Of a table with a threshold they are the means of all flows, not of those that are published.
        """
        known = self.table.allowed & ~self.separated & self.reached
        eta = np.asarray(predictor(self.built.design, self.optimum.at))
        return np.asarray(np.exp(eta, where=known, out=np.zeros_like(eta)))

    @cached_property
    def log_likelihood(self) -> float:
        """Whole, with every constant."""
        return full_log_likelihood.of_fit(self.built.design, self.family, float(self.optimum.sums.log_likelihood))

    @cached_property
    def effects(self) -> int:
        """How many effects were fitted, less those that the others imply."""
        return _effects(self.built)

    @property
    def pairs(self) -> int:
        """How many pairs took part."""
        return int(self.taking.sum())

    @property
    def reached(self) -> Bool[np.ndarray, "origin destination"]:
        """The pairs whose mean is known: of both zones some pair took part, where the zone has an effect."""
        return _reached(self.built)

    @property
    def taking(self) -> Bool[np.ndarray, "origin destination"]:
        """The pairs that took part."""
        return np.asarray(self.built.design.allowed)

    @property
    def degrees(self) -> int:
        """Parameters fitted: coefficients, effects and α."""
        return len(self.built.names) + self.effects + self.family.binomial

    @cached_property
    def deviance(self) -> float:
        """Twice the log likelihood that a perfect fit would gain."""
        return 2 * (full_log_likelihood.saturated(self.built.design, self.family) - self.log_likelihood)

    @property
    def aic(self) -> float:
        """Akaike's criterion."""
        return 2 * (self.degrees - self.log_likelihood)

    def covariance(self, kind: str) -> Float[np.ndarray, "parameter parameter"]:
        """Covariance of the coefficients as `estimates` has them, α held.

        Args:
            kind: "model" (times `pearson` if quasi-Poisson), or one of `inference.sandwich`.
        """
        information, jacobian = np.asarray(self.bread.information), self.built.jacobian()
        if kind == "model":
            found = np.linalg.inv(information)
        else:
            optimum = self.optimum
            spread = inference.scatter(self.built.design, optimum.at, optimum.sums, self.bread.projections)
            found = inference.sandwich(information, spread, kind, self.taking)
        scale = self.pearson if kind == "model" and self.specification.family == "quasi_poisson" else 1.0
        return np.asarray(scale * jacobian @ found @ jacobian.T)

    @property
    def pearson(self) -> float:
        """Pearson's dispersion, Σ (y − μ)² / μ over pairs of known flow less parameters, of every family.

        It is near 1 if flows scatter as Poisson's do.
        """
        seen = self.taking & known_flows(self.table, self.specification)
        if int(seen.sum()) <= self.degrees or not np.all(self.fitted[seen] > 0):
            return float("nan")
        return pearson_dispersion(self.table.flow, self.fitted, seen, parameters=self.degrees)


def calibrate(
    table: FlowTable,
    specification: Specification,
    *,
    without: Bool[np.ndarray, "origin destination"] | None = None,
    tolerance: float = 1e-10,
    most_steps: int = 100,
    at: Point | None = None,
    report: Report = lambda step, error: None,
) -> Calibrated:
    """Fits `specification` to `table` by (pseudo-)maximum likelihood.

    Args:
        table: observed flows; pairs not allowed take no part.
        specification: the model.
        without: pairs that are held out: not fitted to, but given a mean.
        tolerance: of margins and moments, relative.
        most_steps: Newton steps before giving up.
        at: where to begin.
        report: told of every step.

    Raises:
        ConfigError: as `build.build`.
        FlowsError: the model cannot be calibrated on these pairs; the message says which.
        NumericError: the search for separated pairs was not solved.
    """
    built = build.build(table, specification)
    taking = _taking(table, specification) if without is None else _taking(table, specification) & ~without
    apart = _separated(built, taking, specification)
    built = dataclasses.replace(built, design=restricted(built.design, jnp.asarray(taking & ~apart)))
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
        separated=apart,
        dispersion_se=error,
    )


def known_flows(table: FlowTable, specification: Specification) -> Bool[np.ndarray, "origin destination"]:
    """Pairs whose flow is known: with a threshold those listed, else all, for pairs that are not listed have none."""
    return table.listed if specification.censoring else np.ones_like(table.listed)


def _taking(table: FlowTable, specification: Specification) -> Bool[np.ndarray, "origin destination"]:
    """Pairs to fit to: a truncated table says nothing of those that it does not list."""
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
    """Pairs whose effects were fitted: both zones take part in some pair."""
    taking = np.asarray(built.design.allowed)
    origins = np.any(taking, axis=1) if built.design.origin_effects else np.ones(taking.shape[0], dtype=bool)
    destinations = np.any(taking, axis=0) if built.design.destination_effects else np.ones(taking.shape[1], dtype=bool)
    return np.asarray(origins[:, None] & destinations[None, :])


def _family(specification: Specification) -> Family:
    censoring = specification.censoring
    if censoring is None:
        return Family(jnp.zeros(()), jnp.ones(()))
    if specification.family == "negative_binomial" and censoring.per_unit != 1:
        fix = "take the threshold's own column as the flow, or family = 'poisson'"
        raise FlowsError("E-FAMILY-UNITS", "a negative binomial cannot be censored in other units than its own", fix)
    return Family(
        jnp.zeros(()),
        jnp.asarray(censoring.per_unit),
        below=censoring.below,
        unlisted=censoring.unlisted,
    )


def _separated(
    built: Built, taking: Bool[np.ndarray, "origin destination"], specification: Specification
) -> Bool[np.ndarray, "origin destination"]:
    """Pairs whose likelihood has no maximum; a truncated one has none where all that is listed is at the threshold."""
    excess, censoring = np.asarray(built.design.flow), specification.censoring
    if censoring is not None and censoring.unlisted == "truncated":
        excess = np.maximum(excess - censoring.below * censoring.per_unit, 0.0)
    return separated_pairs(
        excess,
        taking,
        [np.asarray(column) for column in built.design.columns],
        origin_effects=built.design.origin_effects,
        destination_effects=built.design.destination_effects,
    )


def _check_identified(built: Built, bread: Bread, optimum: Optimum) -> None:
    """Refuses columns that are sums of others and of effects, and names them."""
    if not built.names:
        return
    found, sums = np.asarray(bread.information), optimum.sums
    if not np.all(np.isfinite(found)):  # a search without information goes astray: judge it where it began
        here = estimate.start(built.design)
        sums = newton.working(built.design, here)
        found = np.asarray(inference.bread(built.design, here, sums).information)
    if not np.all(np.isfinite(found)):
        return  # the verdict says so
    scale = np.sqrt(np.diagonal(found).clip(0))
    dead = scale**2 <= _COLLINEAR * np.diagonal(np.asarray(sums.moments))
    live = ~dead
    values, vectors = np.linalg.eigh(found[np.ix_(live, live)] / np.outer(scale[live], scale[live]))
    names = [name for name, gone in zip(built.names, dead, strict=True) if gone]
    if live.any() and values[0] < _COLLINEAR:
        kept = [name for name, here in zip(built.names, live, strict=True) if here]
        names += [name for name, part in zip(kept, vectors[:, 0], strict=True) if abs(part) > _PART]
    if names:
        what = f"the pairs cannot tell {', '.join(names)} apart from one another, or from what the constraint absorbs"
        raise FlowsError("E-MODEL-COLLINEAR", what, "leave one of them out of [model], or hold it")


def _effects(built: Built) -> int:
    """Effects less those that the others imply: one for each part of the table that no pair links to the rest."""
    taking = np.asarray(built.design.allowed)
    origins = int(np.any(taking, axis=1).sum()) if built.design.origin_effects else 0
    destinations = int(np.any(taking, axis=0).sum()) if built.design.destination_effects else 0
    if not (origins and destinations):
        return origins + destinations
    return origins + destinations - _parts(taking, np.asarray(built.design.flow) > 0)


def _parts(taking: Bool[np.ndarray, "o d"], positive: Bool[np.ndarray, "o d"]) -> int:
    """Connected parts of the graph of pairs; that of the flows above zero is smaller, and usually connected as well."""
    rows, columns = np.any(taking, axis=1), np.any(taking, axis=0)
    parts = 0
    for pairs in (positive, taking):
        block = sparse.coo_array(pairs[np.ix_(rows, columns)])
        size = sum(block.shape)
        graph = sparse.coo_array((np.ones(block.nnz), (block.row, block.col + block.shape[0])), shape=(size, size))
        parts = int(connected_components(graph, directed=False)[0])
        if parts == 1:
            break
    return parts
