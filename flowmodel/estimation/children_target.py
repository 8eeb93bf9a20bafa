"""The target `children`: the nation's migrant and left-behind children at the end, as a differentiable sum over zones.

The exact account goes over pairs on the host. Here a zone's residents from elsewhere, those of the province and
others, have as many children each as the exact account gives them at the centres of the priors. The sums agree there to
the last digit, whoever comes along, and elsewhere but for changes in where people come from, the own city above all
(real counties, at a fit to the bands: 4 % below, both sums alike); births follow from the nation's growth.
`metrics.json` has the exact sums.
"""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from flowmodel.dynamics.registered import children
from flowmodel.dynamics.registered import run as registered_run
from flowmodel.dynamics.registered.factored.rollout import Decade
from flowmodel.dynamics.registered.setup import RegisteredSetup
from flowmodel.estimation import likelihoods
from flowmodel.parameters.registered import registered_parameters


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class ChildrenTarget:
    """Children for every resident from elsewhere before `children_away` and `ageing`, and the figures.

    `near`, `far` and `within` are of residents from the same province, another one, and another township; `young` is
    the share of children among residents of the first census. The nation's children at the end are its residents then
    and `grown` (negative): those of the first census who are still children, less all its residents, plus the years'
    deaths (at the priors' centres; of more than 18 years also less the births before the last 18). `published` are
    migrant and left-behind children, persons; `sd` is that of their logarithms.
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
        """Migrant and left-behind children of the nation, persons."""
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
    """The target of `model`, from one run at the centres of the priors."""
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
