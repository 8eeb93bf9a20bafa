"""Windows of units: the parts of a field that a batch of them covers, and how results are added back."""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from flowmodel.gravity.spectral.cells import Cells
from flowmodel.gravity.spectral.layout import Shape
from flowmodel.gravity.spectral.plan import CROSSED, SAME
from flowmodel.gravity.spectral.transform import Field

Jobs = Int[Array, "batch job"]


@dataclasses.dataclass(frozen=True)
class Windows:
    """A batch of windows.

    Attributes:
        jobs: a row of `plan.Plan.jobs` each.
        sign: 0 outside of the unit; within it the side of the divide where that is convolved, else 1.
        shape: of the windows.
    """

    jobs: Jobs
    sign: Float[Array, "batch y x"]
    shape: Shape

    def take(self, field: Field) -> Float[Array, "batch y x"]:
        """The weights that are convolved."""
        return _cut_out(field, self.jobs, self.shape) * self.sign

    def levels(self) -> Int[Array, " batch"]:
        """The level of each unit, an index of `layout.levels`."""
        return self.jobs[:, 0]

    def kinds(self) -> Int[Array, " batch"]:
        """What is convolved for each unit: `WHOLE`, `SAME` or `CROSSED` of `plan`."""
        return self.jobs[:, 4]

    def add(self, total: Float[Array, "sum y x"], parts: Float[Array, "batch sum y x"]) -> Float[Array, "sum y x"]:
        """`total` with the windows added where they lie, one after another, since windows overlap."""

        def one(total: Array, part: tuple[Array, Array]) -> tuple[Array, None]:
            corner = (jnp.zeros((), part[0].dtype), part[0][1], part[0][2])
            old = jax.lax.dynamic_slice(total, corner, part[1].shape)
            return jax.lax.dynamic_update_slice(total, old + part[1], corner), None

        added: Array = jax.lax.scan(one, total, (self.jobs, parts))[0]
        return added


def windows(cells: Cells, jobs: Jobs, shape: Shape, dtype: jnp.dtype) -> Windows:
    """A batch of windows of one size."""
    inside = _over(lambda job: _slice(cells.labels, (job[0], job[1], job[2]), (1, *shape))[0] == job[3], jobs)
    crossed = jnp.broadcast_to((jobs[:, 4] == CROSSED)[:, None, None], inside.shape)
    sign = jnp.where(crossed, _cut_out(cells.side, jobs, shape), jnp.ones((), cells.side.dtype))
    return Windows(jobs, jnp.where(inside, sign, 0).astype(dtype), shape)


def share(kinds: Int[Array, " batch"], same: Array, crossed: Array) -> Float[Array, " batch"]:
    """The weight of a convolution: A or B where the divide cuts the unit, else their sum."""
    return jnp.where(kinds == SAME, same, jnp.where(kinds == CROSSED, crossed, same + crossed))


def _cut_out(array: Array, jobs: Jobs, shape: Shape) -> Array:
    return _over(lambda job: _slice(array, (job[1], job[2]), shape), jobs)


def _slice(array: Array, corner: tuple[Array, ...], shape: tuple[int, ...]) -> Array:
    return jax.lax.dynamic_slice(array, corner, shape)


def _over(rule: Callable[[Array], Array], jobs: Jobs) -> Array:
    mapped: Array = jax.vmap(rule)(jobs)
    return mapped
