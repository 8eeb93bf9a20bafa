"""The arrays of a run with registration that do not change over the years: zones by group, on the device."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from flowmodel.config import Model, Stock
from flowmodel.dynamics.registered.census.groups import Groups
from flowmodel.dynamics.registered.census.margins import Margins
from flowmodel.dynamics.registered.census.strictness import strictness
from flowmodel.dynamics.residents.zones import standardised
from flowmodel.zones.table import ZoneTable


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class RegisteredZones:
    """Margins of the first census (persons), vital rates (per year), standardised covariates; all float64.

    `birth_to`, `next_group` and `learns` are as in `census.groups.Groups`, the others as in `Margins`.
    """

    home: Float[Array, "group zone"]
    within: Float[Array, "group zone"]
    near: Float[Array, "group zone"]
    far: Float[Array, "group zone"]
    out: Float[Array, "group zone"]
    elsewhere: Float[Array, "group zone"]
    birth_rate: Float[Array, "group zone"]
    death_rate: Float[Array, "group zone"]
    leaving: Float[Array, " group"]
    ageing: Float[Array, " group"]
    attraction: Float[Array, "zone attraction"]
    far_pull: Float[Array, "zone far"]
    departure: Float[Array, "zone departure"]
    returning: Float[Array, "zone returning"]
    returning_origin: Float[Array, "zone returning_origin"]
    moving_within: Float[Array, "zone within"]
    strictness: Float[Array, " zone"]
    hidden: Float[Array, " zone"]
    birth_to: tuple[int, ...] = dataclasses.field(metadata={"static": True})
    next_group: tuple[int, ...] = dataclasses.field(metadata={"static": True})
    learns: tuple[bool, ...] = dataclasses.field(metadata={"static": True})

    @property
    def residents(self) -> Float[Array, "group zone"]:
        """Residents of the first census, persons."""
        return self.home + self.within + self.near + self.far


def registered_zones(
    table: ZoneTable, model: Model, stock: Stock, margins: Margins, groups: Groups, out: np.ndarray
) -> RegisteredZones:
    """The arrays of `table` for `model`; `out` [group, zone] are the people away of every group.

    Residents of a zone have the group shares of the census wherever they are registered: a census of counties does not
    report migrants' education. People away therefore have the shares of the zones where they live, summed in `out`
    (`initial.away_by_group`), so that the two sides of every group agree.

    Raises:
        ZonesError: the table lacks a covariate, or a count that the stock needs.
    """
    shared = ("home", "within", "near", "far", "elsewhere")
    covariates = {
        "attraction": model.attraction,
        "far_pull": stock.far_covariates,
        "departure": model.departure,
        "returning": stock.return_covariates,
        "returning_origin": stock.return_origin_covariates,
        "moving_within": stock.within_covariates,
    }
    arrays = {
        **{name: getattr(margins, name) * groups.share for name in shared},
        "out": out,
        **{name: standardised(table, names) for name, names in covariates.items()},
        **{name: getattr(groups, name) for name in ("birth_rate", "death_rate", "leaving", "ageing")},
        "strictness": strictness(table, model.years[0], stock),
        "hidden": margins.hidden,
    }
    return RegisteredZones(
        **{name: jnp.asarray(np.asarray(values, float)) for name, values in arrays.items()},
        birth_to=tuple(map(int, groups.birth_to)),
        next_group=tuple(map(int, groups.next_group)),
        learns=tuple(map(bool, groups.learns)),
    )
