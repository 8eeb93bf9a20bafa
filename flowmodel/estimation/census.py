"""Census counts with which a model is compared, and the zones in which a fit uses them."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Array, Bool, Float

from flowmodel.config.sections import Interprovincial
from flowmodel.errors import ConfigError, ZonesError
from flowmodel.zones.table import ZoneTable

BANDS = ("same_county", "other_county", "other_province")


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Census:
    """Residents counted at the start and at the end, persons.

    The fit uses the zones `seen`; the others are held out. Growth is defined in the zones `counted`, which are seen and
    inhabited at both dates.
    """

    start: Float[Array, " zone"]
    end: Float[Array, " zone"]
    counted: Bool[Array, " zone"]
    seen: Bool[Array, " zone"]

    @property
    def national(self) -> Float[Array, ""]:
        """Residents at the end in all zones seen, persons."""
        return self.total(self.end)

    def total(self, people: Float[Array, " zone"]) -> Float[Array, ""]:
        """The sum of `people` over the zones seen."""
        return jnp.sum(jnp.where(self.seen, people, 0.0))


def census(
    start: Float[Array, " zone"], end: Float[Array, " zone"], seen: Bool[Array, " zone"] | None = None
) -> Census:
    """The counts of two censuses, used in all zones or in those `seen`."""
    visible = jnp.ones_like(start, bool) if seen is None else seen
    return Census(start, end, (start > 0) & (end > 0) & visible, visible)


def log_growth(end: Float[Array, " zone"], observed: Census) -> Float[Array, " zone"]:
    """ln(end / start) in the zones `observed.counted`, zero elsewhere."""
    started = jnp.where(observed.counted, observed.start, 1.0)
    return jnp.where(observed.counted, jnp.log(jnp.where(observed.counted, end, 1.0) / started), 0.0)


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
