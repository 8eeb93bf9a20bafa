"""The objective of the model with registration: one negative log likelihood for each target of `[fit]`."""

import dataclasses
from typing import Literal, Self

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from flowmodel.config import Fit
from flowmodel.dynamics.registered.census.groups import skill_counts
from flowmodel.dynamics.registered.country import Country, Decade
from flowmodel.dynamics.registered.factored import rollout as factored
from flowmodel.dynamics.registered.pairwise import rollout as pairwise
from flowmodel.dynamics.registered.setup import RegisteredSetup
from flowmodel.estimation import children_target, likelihoods
from flowmodel.estimation.census import BANDS, Census, RegisteredCensus, bands, census
from flowmodel.estimation.children_target import ChildrenTarget
from flowmodel.estimation.posterior import Posterior
from flowmodel.parameters.registered import RegisteredParameters, registered_parameters
from flowmodel.parameters.registry import Registry

_REGISTERED_SD = 0.01
"""Standard deviation of log registered people: counts include people without a residence or away under six months."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class RegisteredObjective(Posterior):
    """The objective of a fit with registration, a function of the free parameters' natural values."""

    country: Country
    observed: RegisteredCensus
    children: ChildrenTarget | None
    registry: Registry = dataclasses.field(metadata={"static": True})
    names: tuple[str, ...] = dataclasses.field(metadata={"static": True})
    path: Literal["factored", "pairwise"] = dataclasses.field(metadata={"static": True})
    targets: tuple[str, ...] = dataclasses.field(metadata={"static": True})
    weights: tuple[tuple[str, float], ...] = dataclasses.field(metadata={"static": True})
    priors: bool = dataclasses.field(metadata={"static": True})
    degrees_of_freedom: float = dataclasses.field(metadata={"static": True})
    national_sd: float = dataclasses.field(metadata={"static": True})
    bands_sd: float = dataclasses.field(metadata={"static": True})

    def parameters(self, natural: Float[Array, " free"]) -> RegisteredParameters:
        """Parameters of the kernels from natural values of the free parameters."""
        return registered_parameters(self.registry, natural, self.names)

    def decade(self, natural: Float[Array, " free"]) -> Decade:
        """Numbers that a census can count at the end."""
        path = pairwise.decade if self.path == "pairwise" else factored.decade
        return path(self.parameters(natural), self.country, provinces="interprovincial" in self.targets)

    @property
    def census(self) -> Census:
        """The counts of residents."""
        return self.observed.census

    def predicted(self, natural: Float[Array, " free"]) -> Float[Array, "output zone"]:
        """Residents at the end, and the bands of a census, persons."""
        end = self.decade(natural)
        return jnp.concatenate([jnp.sum(end.residents, axis=0)[None], banded(end, self.country)])

    def held_out(self, held: np.ndarray, province: np.ndarray | None) -> Self:
        """The same objective without outcomes of the zones `held` and pairs of provinces that they cover entirely."""
        pairs = self.observed.pairs_seen
        if province is not None:
            covered = np.asarray([held[province == p].all() for p in range(len(pairs))])
            pairs = jnp.asarray(np.asarray(pairs) & ~covered[:, None] & ~covered)
        people = census(self.census.start, self.census.end, jnp.asarray(~held))
        return dataclasses.replace(self, observed=dataclasses.replace(self.observed, census=people, pairs_seen=pairs))

    def with_growth(self, end: np.ndarray, from_zone: np.ndarray, natural: np.ndarray) -> Self:
        """The same objective with `end` residents counted, and the errors of bands taken from `from_zone`."""
        people = census(self.census.start, jnp.asarray(end), self.census.seen)
        expected = np.maximum(np.asarray(self.predicted(jnp.asarray(natural)))[1:], 1.0)
        bands = expected * (np.asarray(self.observed.bands) / expected)[:, from_zone]
        observed = dataclasses.replace(self.observed, census=people, bands=jnp.asarray(bands))
        return dataclasses.replace(self, observed=observed)

    def terms(self, natural: Float[Array, " free"]) -> dict[str, Float[Array, ""]]:
        """Negative log likelihood by target, without weights."""
        end, values = self.decade(natural), self.registry.lookup(natural)
        return {name: self._term(name, end, values) for name in self.targets}

    def _term(self, name: str, end: Decade, values: dict[str, Array]) -> Float[Array, ""]:
        seen = self.observed.census.seen
        match name:
            case "growth":
                people = jnp.sum(end.residents, axis=0)
                noise = values["noise"], values["noise_size"]
                return likelihoods.growth(*noise, people, self.observed.census, self.degrees_of_freedom)
            case "national_total":
                total = self.observed.census.total(jnp.sum(end.residents, axis=0))
                return likelihoods.national_total(total, self.observed.census.national, self.national_sd)
            case "national_bands":
                predicted, counted = (
                    jnp.sum(jnp.where(seen, one, 0.0), axis=1)
                    for one in (banded(end, self.country), self.observed.bands)
                )
                return likelihoods.log_normal(counted, predicted, self.bands_sd, jnp.ones_like(counted, bool))
            case "registered":
                zones, counted = self.country.zones, self.observed.registered
                predicted = jnp.sum(zones.home + zones.within + zones.out + zones.elsewhere, axis=0)
                return likelihoods.log_normal(counted, predicted, _REGISTERED_SD, seen & (predicted > 0))
            case "interprovincial":
                assert end.provinces is not None
                counted, expected = self.observed.provinces, end.provinces * values["scale_interprovincial"]
                seen = self.observed.pairs_seen
            case "skills":
                counted, expected, seen = self.observed.skills, end.residents, jnp.tile(seen, (3, 1))
            case "children":
                assert self.children is not None
                return self.children.term(end, values)
            case _:
                band = BANDS.index(name)
                counted, expected = self.observed.bands[band], banded(end, self.country)[band]
        return likelihoods.negative_binomial(counted, expected, values[f"dispersion_{name}"], seen)


def banded(end: Decade, country: Country) -> Float[Array, "band zone"]:
    """Residents registered elsewhere as a census counts them, summed over groups, persons.

    Where a zone consists of several counties, the census counts moves between them as moves between counties, while the
    model counts them within the zone.
    """
    within, near, far = (jnp.sum(part, axis=0) for part in (end.within, end.near, end.far))
    hidden = country.zones.hidden * within
    return jnp.stack([within - hidden, near + hidden, far])


def objective(
    model: RegisteredSetup,
    fit: Fit,
    between: np.ndarray | None = None,
    seen: np.ndarray | None = None,
    pairs_seen: np.ndarray | None = None,
) -> RegisteredObjective:
    """The objective that compares `model` with the targets of `fit`.

    Args:
        model: zones, years and processes.
        fit: targets and settings of their likelihoods.
        between: migrants from province to province, for the target `interprovincial` [origin, destination].
        seen: zones whose outcomes are used; all by default [zone].
        pairs_seen: pairs of provinces that are used; all by default [origin, destination].

    Raises:
        ZonesError: the table lacks a count that a target needs.
    """
    table, (first, last), wanted = model.table, model.years, set(fit.targets)
    start, end = jnp.asarray(table.population(first)), jnp.asarray(table.population(last))
    count = model.country.provinces
    apart = ~np.eye(count, dtype=bool) & (np.ones((count, count), bool) if pairs_seen is None else pairs_seen)
    of_bands = bands(table, last) if {*BANDS, "national_bands"} & wanted else np.zeros((len(BANDS), len(start)))
    observed = RegisteredCensus(
        census=census(start, end, None if seen is None else jnp.asarray(seen)),
        bands=jnp.asarray(of_bands),
        skills=jnp.asarray(skill_counts(table, last) if "skills" in wanted else np.zeros((3, len(start)))),
        registered=jnp.asarray(model.margins.registered),
        provinces=jnp.zeros((count, count)) if between is None else jnp.asarray(between),
        pairs_seen=jnp.asarray(apart),
    )
    return RegisteredObjective(
        country=model.country,
        observed=observed,
        children=children_target.target(model, fit.children_sd) if "children" in wanted else None,
        registry=model.registry,
        names=model.groups.names,
        path=model.plan.path,
        targets=fit.targets,
        weights=tuple(fit.weights.items()),
        priors=fit.priors,
        degrees_of_freedom=fit.degrees_of_freedom,
        national_sd=fit.national_sd,
        bands_sd=fit.bands_sd,
    )
