"""Parameter values of the model with registration, as its kernels use them: one set for each group of people."""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from flowmodel.parameters.registry import Parameters, Registry, block, parameters

_OFF = {
    "return_origin_level": -jnp.inf,
    "onward_level": -jnp.inf,
    "learning": -jnp.inf,
    "network": 0.0,
    "competing": 0.0,
    "nest": 1.0,
}
"""Values that switch off the processes that a model does not have."""
_BLOCKS = ("far", "returning", "returning_origin", "within")


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Group:
    """Natural values of one group, in the units of `docs/model.md`; `choice` holds those of the model of residents."""

    choice: Parameters
    inclusive_value: Float[Array, ""]
    hukou: Float[Array, ""]
    return_level: Float[Array, ""]
    return_origin_level: Float[Array, ""]
    conversion_level: Float[Array, ""]
    onward_level: Float[Array, ""]
    learning: Float[Array, ""]
    within_level: Float[Array, ""]
    within_return: Float[Array, ""]
    network: Float[Array, ""]
    competing: Float[Array, ""]
    nest: Float[Array, ""]
    far: Float[Array, " far"]
    returning: Float[Array, " returning"]
    returning_origin: Float[Array, " returning_origin"]
    within: Float[Array, " within"]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class RegisteredParameters:
    """The values of every group, and all values by name for the likelihoods."""

    groups: tuple[Group, ...]
    observed: dict[str, Float[Array, ""]]


def registered_parameters(
    registry: Registry, natural: Float[Array, " free"], groups: tuple[str, ...]
) -> RegisteredParameters:
    """Parameter values for the kernels from the free parameters' natural values (differentiable).

    Groups with names such as "low:15-29" share the parameters of the skill before the colon.
    """
    values = registry.lookup(natural)
    of_groups = tuple(_group(values, name.partition(":")[0], registry) for name in groups)
    return RegisteredParameters(of_groups, values)


def _group(values: dict[str, Float[Array, ""]], skill: str, registry: Registry) -> Group:
    """Values of one skill; a parameter that differs between groups has the name "parameter@skill"."""
    own = {name.partition("@")[0]: value for name, value in values.items() if name.endswith(f"@{skill}")}
    known = {name: jnp.asarray(value, float) for name, value in _OFF.items()} | values | own
    known |= {name: block(values, name) for name in _BLOCKS}
    names = (field.name for field in dataclasses.fields(Group) if field.name != "choice")
    return Group(choice=parameters(known, registry), **{name: known[name] for name in names})
