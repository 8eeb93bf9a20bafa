"""Census counts of the registered population: bands and skills at the end, registered people and provinces at first."""

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
    """Census counts, persons; zeros where no target of the fit needs them.

    Attributes:
        census: residents at both dates, and the zones that are used.
        bands: residents registered elsewhere at the end [band, zone], in the order of `BANDS`.
        skills: residents by skill at the end [skill, zone].
        registered: registered people at the start [zone].
        provinces: migrants from province to province at the start, in units of the source [origin, destination].
        pairs_seen: pairs of provinces that are used [origin, destination].
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
    """Migrants from province to province [origin, destination], in the order of the table's province codes.

    Raises:
        ConfigError: the file or one of its columns is missing.
        ZonesError: its provinces are not those of the table, a pair is missing or repeated, or a value is not a
            non-negative number.
    """
    try:
        rows = pd.read_csv(file, dtype={asked.origin: str, asked.destination: str})
        kept = rows[[asked.origin, asked.destination, asked.stock]]
    except (OSError, KeyError, ValueError) as error:
        raise ConfigError("E-INTERPROVINCIAL", f"{file}: {error}", "see [fit.interprovincial]") from None
    codes = np.unique(table.values("province")).astype(str)
    unmatched = sorted(set(kept[asked.origin]) ^ set(codes) | set(kept[asked.destination]) ^ set(codes))
    if unmatched:
        what = f"{file}: provinces {unmatched} are in only one of the file and the zones"
        raise ZonesError("E-INTERPROVINCIAL", what, "use the same province codes in both")
    if kept.duplicated([asked.origin, asked.destination]).any() or len(kept) != len(codes) ** 2:
        raise ZonesError("E-INTERPROVINCIAL", f"{file}: {len(kept)} rows", "give every ordered pair once")
    people = pd.to_numeric(kept[asked.stock], errors="raise").to_numpy(float)
    if not (np.isfinite(people) & (people >= 0)).all():
        raise ZonesError("E-INTERPROVINCIAL", f"{file}: {asked.stock} is not a number of people", "correct the cell")
    wide = kept.assign(people=people).pivot(index=asked.origin, columns=asked.destination, values="people")
    return np.asarray(wide.loc[codes, codes])
