"""The target `children`: national numbers of migrant and left-behind children at the end, differentiable.

The exact numbers are sums over pairs of zones (`dynamics.registered.children`). The target approximates them by sums
over zones: children per migrant, from the same and from other provinces, are those of a run at the centres of the
priors. At the centres both agree exactly. Elsewhere they differ as far as the origins of migrants change (4 % at a fit
of real counties). `metrics.json` reports the exact numbers.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from flowmodel.dynamics.registered import children
from flowmodel.dynamics.registered import run as registered_run
from flowmodel.dynamics.registered.country import Decade
from flowmodel.dynamics.registered.setup import RegisteredSetup
from flowmodel.estimation import likelihoods
from flowmodel.parameters.registered import registered_parameters


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class ChildrenTarget:
    """Children per migrant, and the published numbers.

    Attributes:
        near: children per migrant from the same province, before the factors `children_away` and ageing.
        far: the same for migrants from other provinces.
        within: the same for residents from another township of the zone.
        young: share of children among residents at the first census.
        grown: children of the nation at the end less its residents at the end, persons (negative), at the centres of
            the priors.
        school: standardised covariate of schooling.
        strictness: strictness of registration, 0 to 1.
        published: published migrant and left-behind children, persons.
        sd: standard deviation of the logarithms of the published numbers.
    """

    near: Float[Array, "group zone"]
    far: Float[Array, "group zone"]
    within: Float[Array, " zone"]
    young: Float[Array, " zone"]
    grown: Float[Array, ""]
    school: Float[Array, " zone"]
    strictness: Float[Array, " zone"]
    published: Float[Array, " figure"]
    sd: float = dataclasses.field(metadata={"static": True})

    def predicted(self, end: Decade, values: dict[str, Float[Array, ""]]) -> Float[Array, " figure"]:
        """Modelled migrant and left-behind children of the nation, persons."""
        between = jnp.sum(self.near * end.near + self.far * end.far, axis=0)
        within = self.within * jnp.sum(end.within, axis=0)
        residents = jnp.sum(end.residents, axis=0)
        ageing = (jnp.sum(residents) + self.grown) / jnp.sum(residents * self.young)
        open_to_all = values["comove_level"] + values["comove_school"] * self.school
        logit = open_to_all - values["comove_hukou"] * self.strictness
        come = jnp.sum(between * jax.nn.sigmoid(logit) + within * jax.nn.sigmoid(open_to_all))
        stay = jnp.sum(between * jax.nn.sigmoid(-logit) + within * jax.nn.sigmoid(-open_to_all))
        return values["children_away"] * ageing * jnp.stack([come, stay])

    def term(self, end: Decade, values: dict[str, Float[Array, ""]]) -> Float[Array, ""]:
        """Negative log likelihood."""
        return likelihoods.log_normal(self.published, self.predicted(end, values), self.sd, jnp.ones(2, bool))


def target(model: RegisteredSetup, sd: float) -> ChildrenTarget:
    """The target of `model`, computed from one run at the centres of the priors."""
    asked, families = model.stock.children, model.families
    assert asked is not None
    assert families is not None
    parameters = registered_parameters(model.registry, model.registry.prior_centres(), model.groups.names)
    closed = registered_run.run(model, parameters)
    assert closed.children is not None
    residents = closed.closing[-1].sum(axis=0)
    growth = children.ageing(families, residents, closed.births.sum(axis=1))
    kids = float(parameters.observed["children_away"]) * growth

    def rate(of: np.ndarray, people: np.ndarray) -> Array:
        return jnp.asarray(of / kids / np.where(people > 0, people, 1.0))

    return ChildrenTarget(
        near=rate(closed.children.of_near[-1], closed.near[-1]),
        far=rate(closed.children.of_far[-1], closed.far[-1]),
        within=jnp.asarray(families.kids * families.floats),
        young=jnp.asarray(families.young),
        grown=jnp.asarray(closed.children.living[-1].sum() - residents.sum()),
        school=jnp.asarray(families.school),
        strictness=jnp.asarray(families.strictness),
        published=jnp.asarray([asked.published.migrant, sum(asked.published.left_behind) / 2]),
        sd=sd,
    )
