"""What censuses say of a stock: bands, skills and provinces at the end, registered people at the start."""

from __future__ import annotations

import dataclasses

import jax
import numpy as np
import pandas as pd
from jaxtyping import Array, Bool, Float

from flowmodel.config.sections import Interprovincial
from flowmodel.errors import ConfigError, ZonesError
from flowmodel.estimation.census import Census
from flowmodel.zones.table import ZoneTable

BANDS = ("same_county", "other_county", "other_province")


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class RegisteredCensus:
    """Persons; zeros where a fit does not ask.

    Attributes:
        census: residents at both dates, and which zones may be seen.
        bands: residents registered elsewhere at the end [band, zone], in the order of `BANDS`.
        skills: residents by skill at the end [skill, zone].
        registered: registered people at the start.
        provinces: stocks from province to province at the start, in units of their source [origin, destination].
        pairs_seen: which of those may be seen.
    """

    census: Census
    bands: Float[Array, "band zone"]
    skills: Float[Array, "skill zone"]
    registered: Float[Array, " zone"]
    provinces: Float[Array, "province province"]
    pairs_seen: Bool[Array, "province province"]


def bands(table: ZoneTable, year: int) -> np.ndarray:
    """Residents registered elsewhere by band, persons [band, zone], as the census of `year` counts them."""
    return np.stack([table.census("in_migrants", year, band=band) for band in BANDS])


def provinces(table: ZoneTable, file: str, asked: Interprovincial) -> np.ndarray:
    """Stocks from province to province [origin, destination] in the order of the table's province codes.

    Raises:
        ConfigError: the file or a column of it is not there.
        ZonesError: it names a province that the table does not have, lacks a pair or repeats one, or holds a number
            that is none.
    """
    try:
        rows = pd.read_csv(file, dtype={asked.origin: str, asked.destination: str})
        kept = rows[[asked.origin, asked.destination, asked.stock]]
    except (OSError, KeyError, ValueError) as error:
        raise ConfigError("E-INTERPROVINCIAL", f"{file}: {error}", "see [fit.interprovincial]") from None
    codes = np.unique(table.values("province")).astype(str)
    strange = sorted(set(kept[asked.origin]) ^ set(codes) | set(kept[asked.destination]) ^ set(codes))
    if strange:
        raise ZonesError("E-INTERPROVINCIAL", f"{file}: provinces {strange} are in one of file and zones", "match them")
    if kept.duplicated([asked.origin, asked.destination]).any() or len(kept) != len(codes) ** 2:
        raise ZonesError("E-INTERPROVINCIAL", f"{file}: {len(kept)} rows", "give every ordered pair once")
    stocks = pd.to_numeric(kept[asked.stock], errors="raise").to_numpy(float)
    if not (np.isfinite(stocks) & (stocks >= 0)).all():
        raise ZonesError("E-INTERPROVINCIAL", f"{file}: {asked.stock} is not a number of people", "correct the cell")
    wide = kept.assign(stock=stocks).pivot(index=asked.origin, columns=asked.destination, values="stock")
    return np.asarray(wide.loc[codes, codes])
