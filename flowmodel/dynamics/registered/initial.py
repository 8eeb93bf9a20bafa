"""The initial stock before any fit: that its margins can be met, and who is away in which group."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from flowmodel.dynamics.registered.census.margins import Margins
from flowmodel.errors import ZonesError
from flowmodel.gravity.bands import BandedPairs, Bands, band_strength, multiply
from flowmodel.gravity.ipf import Sides, rounds
from flowmodel.zones.table import ZoneTable

_BORDERS = (0.0, 0.8, 0.0)
"""Coefficients of borders in S, the centres of their priors but for the province, which the margins tell. Where groups
differ, S says which origins the migrants of each come from; every group's stock is then fitted again with its own S."""
_REACHED = 1e-4


def away_by_group(table: ZoneTable, margins: Margins, banded: BandedPairs, share: np.ndarray) -> np.ndarray:
    """People away from every zone by group, persons [group, zone], if they are made up as the zones where they live.

    Raises:
        ZonesError: no stock of pairs has these margins: one zone's people from elsewhere are more than all others of
            its band can have sent.
    """
    decay = (-entry.prior_mean for entry in banded.pairs.law.parameters)
    matrix = band_strength(jnp.asarray([*decay, *_BORDERS]), banded)
    given = Sides(*(jnp.asarray(part) for part in (margins.out, margins.near, margins.far)))
    at, _, error = rounds(matrix, given, banded)
    if not error < _REACHED:
        _refuse(table, given, at, matrix, banded)
    shares = jnp.asarray(share.T)
    product = multiply(matrix, Bands(at.near[:, None] * shares, at.far[:, None] * shares), banded)
    out = np.asarray(at.out[:, None] * (product.near + product.far)).T
    # What the fitting left open, a millionth, is put right: groups must sum to the zone's people away.
    return np.asarray(out * (margins.out / np.where(margins.out > 0, out.sum(axis=0), 1.0)))


def _refuse(table: ZoneTable, given: Sides, at: Sides, matrix: Bands, banded: BandedPairs) -> None:
    product = multiply(matrix, Bands(at.near[:, None], at.far[:, None]), banded)
    found = np.asarray(at.out * (product.near + product.far)[:, 0])
    wanted = np.asarray(given.out)
    worst = int(np.argmax(np.abs(found - wanted)))
    what = f"zone {table.codes[worst]}: {wanted[worst]:,.0f} people away, {found[worst]:,.0f} can be placed"
    fix = "check the zone's registered people and bands, or raise model.stock.least_far"
    raise ZonesError("E-STOCK-MARGINS", what, fix)
