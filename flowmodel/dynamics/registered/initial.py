"""The initial stock before any fit: whether a stock with its margins exists, and the people away of every group."""

import jax.numpy as jnp
import numpy as np

from flowmodel.dynamics.registered.census.margins import Margins
from flowmodel.errors import ZonesError
from flowmodel.gravity.bands import Banded, BandedPairs, Bands
from flowmodel.gravity.barriers import BARRIERS
from flowmodel.gravity.ipf import Sides, rounds
from flowmodel.zones.table import ZoneTable

_BORDERS = {"same_prefecture": 0.8}
"""Coefficients of borders in S, the centres of their priors except for the province, which the margins determine. Where
groups differ, S determines the origins of each group's migrants; every group's stock is then fitted with its own S."""
_REACHED = 1e-4


def away_by_group(table: ZoneTable, margins: Margins, pairs: BandedPairs, share: np.ndarray) -> np.ndarray:
    """People away from every zone by group, persons [group, zone]; they have the groups of the zones where they live.

    Raises:
        ZonesError: E-STOCK-MARGINS, no stock of pairs has these margins: a zone has more people from elsewhere than
            all other zones of its band can have sent.
    """
    decay = (-entry.prior_mean for entry in pairs.law.parameters)
    strength = pairs.strength(jnp.asarray([*decay, *(_BORDERS.get(name, 0.0) for name in BARRIERS)]))
    given = Sides(*(jnp.asarray(part) for part in (margins.out, margins.near, margins.far)))
    at, _, error = rounds(strength, given)
    if not error < _REACHED:
        _refuse(table, given, at, strength)
    shares = jnp.asarray(share.T)
    product = strength.multiply(Bands(at.near[:, None] * shares, at.far[:, None] * shares))
    out = np.asarray(at.out[:, None] * (product.near + product.far)).T
    # The fit leaves an error of a millionth; it is corrected here, because groups must sum to the zone's people away.
    return np.asarray(out * (margins.out / np.where(margins.out > 0, out.sum(axis=0), 1.0)))


def _refuse(table: ZoneTable, given: Sides, at: Sides, strength: Banded) -> None:
    product = strength.multiply(Bands(at.near[:, None], at.far[:, None]))
    found = np.asarray(at.out * (product.near + product.far)[:, 0])
    wanted = np.asarray(given.out)
    worst = int(np.argmax(np.abs(found - wanted)))
    what = f"zone {table.codes[worst]}: {wanted[worst]:,.0f} people away, {found[worst]:,.0f} can be placed"
    fix = "check the zone's registered people and bands, or raise model.stock.least_far"
    raise ZonesError("E-STOCK-MARGINS", what, fix)
