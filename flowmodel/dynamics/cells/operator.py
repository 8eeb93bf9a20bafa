"""The operator over cells of a grid run, with or without moves inside counties.

A county model gives the departures from a county but not the moves inside it. With `within = "none"` nobody moves
between cells of one county, and the flows between counties sum to the departures of the county model. With `"kernel"`
the same kernel also applies inside counties; moves to other counties stay at the county's rate, and moves inside the
county are added to them.
"""

import dataclasses
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from flowmodel import runtime
from flowmodel.gravity.decay import POWER, Law
from flowmodel.gravity.spectral import mixture, operator, plan, sums
from flowmodel.gravity.spectral.layout import LEVELS
from flowmodel.gravity.spectral.operator import Spectral
from flowmodel.parameters.registry import Parameters
from flowmodel.zones.cells import GridCells
from flowmodel.zones.table import ZoneTable

Field = Float[Array, "y x"]
Within = Literal["none", "kernel"]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class GridKernel:
    """K over the pairs of cells of two counties, and inside counties if such moves are modelled."""

    spectral: Spectral
    within: Within = dataclasses.field(metadata={"static": True})

    @property
    def dtype(self) -> Any:
        """The precision of transforms."""
        return self.spectral.ground.decay.whole.dtype

    def reach(self, weight: Field) -> tuple[Field, Field | None]:
        """Σ_j K_oj w_j of every origin over cells of other counties, and over its own county if modelled."""
        if self.within == "none":
            return self.spectral.matvec(weight), None
        between, inside = self._sums(weight, 1, jnp.eye(2))
        return between, inside

    def arrivals(self, push: Field) -> Field:
        """Σ_o v_o K_oj of every destination, over all pairs that are modelled."""
        if self.within == "none":
            return self.spectral.rmatvec(push)
        return self._sums(push, -1, jnp.ones((1, 2)))[0]

    def _sums(self, weight: Field, sign: int, rows: Float[Array, "sum two"]) -> Float[Array, "sum y x"]:
        """Sums over pairs of two counties and over pairs of one, mixed by `rows`; `sign` as in `Spectral`."""
        of, levels = self.spectral, self.spectral.ground.cells.layout.levels
        apart = mixture.all_pairs(of.coefficient, levels)
        both = jnp.concatenate([apart.levels, mixture.one_county(of.coefficient, levels)])
        mixed = dataclasses.replace(apart, levels=rows.astype(both.dtype) @ both)
        found = sums.weighted(mixed, of.tilted(weight, sign), of.ground.cells, of.ground.decay)
        return of.tilted(found.astype(weight.dtype), -sign)


def build(
    parameters: Parameters,
    cells: GridCells,
    table: ZoneTable,
    offset_km: float,
    *,
    within: Within,
    dtype: str,
    law: Law = POWER,
    levels: tuple[str, ...] = LEVELS,
) -> GridKernel:
    """The operator of a grid; provinces, prefectures and counties are those of the cells' counties.

    Args:
        parameters: of the county model.
        cells: the grid.
        table: the counties.
        offset_km: the internal distance d0.
        within: the treatment of moves inside a county.
        dtype: precision of transforms, "float32" or "float64".
        law: of distance decay.
        levels: borders in use besides the divide; without counties, moves inside them are treated like all others.
    """
    counties = np.arange(len(table.codes), dtype=np.int32)
    of_county = {"province": table.indices("province"), "prefecture": table.indices("prefecture"), "county": counties}
    index = {level: np.append(np.asarray(of, np.int32), np.int32(-1)) for level, of in of_county.items()}
    units = {level: index[level][cells.zone] for level in levels}
    planned = plan.on_device(plan.plan(cells.zone >= 0, cells.east, cells.cell_km, units))
    made = runtime.program(operator.build, static_argnames=("dtype", "law"))
    return GridKernel(made(parameters, planned, jnp.asarray(offset_km), dtype=jnp.dtype(dtype), law=law), within)


def sentence(kernel: GridKernel, need: str) -> str:
    """One line, for a person."""
    layout = kernel.spectral.ground.cells.layout
    (rows, columns), windows = layout.shape, sum(len(jobs) for jobs in kernel.spectral.ground.cells.jobs)
    return f"kernel: spectral, {rows:,} x {columns:,} cells, {windows:,} windows of borders (a year {need})"
