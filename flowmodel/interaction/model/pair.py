"""What a law may see of one origin and one destination, over arrays of all pairs: distance and opportunities.

Opportunities are a mass of the destinations (people, jobs) that a mover meets on the way. Ties count as met: a zone at
exactly the distance of the destination lies between.
"""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from flowmodel.errors import FlowsError

Need = str
"""A field of `Pair` that a law reads."""

Entry = Float[Array, "*pair"] | Float[np.ndarray, "*pair"]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Pair:
    """One pair, each field a scalar; or all pairs, each field an array that broadcasts to [origin, destination].

    Attributes:
        distance_km: from origin to destination, km.
        origin_mass: opportunities in the origin.
        destination_mass: opportunities in the destination.
        everywhere: opportunities in the origin and all destinations together.
        between: intervening opportunities, nearer to the origin than the destination is; without either.
        competing: opportunities near the destination, each over its distance from there; without either.
    """

    distance_km: Entry | None = None
    origin_mass: Entry | None = None
    destination_mass: Entry | None = None
    everywhere: Entry | None = None
    between: Entry | None = None
    competing: Entry | None = None


def everywhere(
    origin_mass: Float[np.ndarray, " origin"], mass: Float[np.ndarray, " destination"], home: np.ndarray
) -> Float[np.ndarray, " origin"]:
    """Opportunities in the origin and in all destinations but the origin itself, in the unit of `mass`.

    `home` is as in `competing`.
    """
    own = np.where(home >= 0, mass[home], 0.0)
    return np.asarray(origin_mass + mass.sum() - own)


def between(
    mass: Float[np.ndarray, " destination"],
    distance_km: Float[np.ndarray, "origin destination"],
    home: np.ndarray | None = None,
    *,
    with_destination: bool = False,
    with_home: bool = False,
) -> Float[np.ndarray, "origin destination"]:
    """Opportunities within the distance of the destination: Σ_m n_m over m with d_im ≤ d_ij (Simini et al. 2012: s_ij).

    Args:
        mass: opportunities of each destination.
        distance_km: of each pair.
        home: index of the destination that is the origin itself, −1 where it is none; by default nowhere.
        with_destination: count the destination itself too (as Stouffer 1940 does).
        with_home: count the origin itself too.

    Returns:
        Sums, in the unit of `mass`. A row is sorted once, so a table costs N² log N.
    """
    counted = np.broadcast_to(mass, distance_km.shape).astype(float)
    if home is not None and not with_home:
        counted = counted.copy()
        rows = np.flatnonzero(home >= 0)
        counted[rows, home[rows]] = 0.0
    found = np.empty(distance_km.shape)
    for row, (distances, masses) in enumerate(zip(distance_km, counted, strict=True)):
        order = np.argsort(distances, kind="stable")
        reached = np.cumsum(masses[order])
        last = np.searchsorted(distances[order], distances, side="right") - 1
        found[row] = reached[last]
    # Sums along a row are of one order of magnitude; what is taken off was added, so at most rounding is left below 0.
    return found if with_destination else np.maximum(found - counted, 0.0)


def competing(
    mass: Float[np.ndarray, " destination"],
    distance_km: Float[np.ndarray, "destination destination"],
    home: np.ndarray,
    *,
    mass_exponent: float = 1.0,
    distance_exponent: float = -1.0,
) -> Float[np.ndarray, "origin destination"]:
    """Accessibility of a destination to its rivals, Σ_{m ≠ i, j} n_m^b d_jm^c (Fotheringham 1983: b = 1, c = −1).

    Args:
        mass: opportunities n of each destination.
        distance_km: between destinations.
        home: index of the destination that is the origin itself, −1 where it is none, of every origin.
        mass_exponent: b.
        distance_exponent: c.

    Returns:
        Sums, in the unit of mass^b km^c.

    Raises:
        FlowsError: two destinations lie at no distance from one another.
    """
    apart = distance_km.copy()
    np.fill_diagonal(apart, 1.0)
    if not np.all(apart > 0):
        one, other = np.argwhere(~(apart > 0))[0]
        said = f"destinations {one} and {other} (from 0) are at {distance_km[one, other]} km from one another"
        raise FlowsError("E-LAW-DOMAIN", said, "give them a distance above zero, or make one zone of them")
    weight = mass**mass_exponent * apart**distance_exponent
    np.fill_diagonal(weight, 0.0)
    everyone = weight.sum(axis=1)
    found = np.broadcast_to(everyone, (len(home), len(mass))).copy()
    rows = np.flatnonzero(home >= 0)
    # d_jm is row j of the table: the origin's own part stands in its column. A zone is no rival of itself.
    found[rows] -= weight[:, home[rows]].T
    return found


def as_arrays(pair: Pair) -> Pair:
    """The same on the device, vectors as a column (origins) or a row (destinations)."""

    def wide(values: Entry | None, axis: int) -> Array | None:
        if values is None:
            return None
        array = jnp.asarray(values, float)
        return jnp.expand_dims(array, axis) if array.ndim == 1 else array

    return Pair(
        distance_km=wide(pair.distance_km, 1),
        origin_mass=wide(pair.origin_mass, 1),
        destination_mass=wide(pair.destination_mass, 0),
        everywhere=wide(pair.everywhere, 1),
        between=wide(pair.between, 1),
        competing=wide(pair.competing, 1),
    )
