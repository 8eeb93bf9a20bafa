"""Variables of a pair that a law of flow tables can use: distance and opportunities.

Opportunities are a mass of the destinations, such as people or jobs. They intervene where they are no farther from the
origin than the destination; a zone at exactly the destination's distance intervenes too.
"""

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
        between: intervening opportunities, without those of origin and destination (see `between`).
        competing: accessibility of the destination to its competitors, per km (see `competing`).
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
    """Opportunities in the origin and in all other destinations, in the unit of `mass`; `home` as in `competing`."""
    own = np.where(home >= 0, mass[home], 0.0)
    return np.asarray(origin_mass + mass.sum() - own)


def between(
    mass: Float[np.ndarray, " destination"],
    distance_km: Float[np.ndarray, "origin destination"],
    home: np.ndarray | None = None,
    *,
    with_home: bool = False,
) -> Float[np.ndarray, "origin destination"]:
    """Intervening opportunities s_ij = Σ_m n_m over all m other than j with d_im ≤ d_ij (Simini et al. 2012).

    The sums are in the unit of `mass`. Each row is sorted once, so a table costs N² log N. `home` is as in `competing`;
    by default no origin is a destination. `with_home` says whether the origin's own opportunities count.
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
    # The subtracted number was added before, so only rounding can leave a negative sum.
    return np.asarray(np.maximum(found - counted, 0.0))


def competing(
    mass: Float[np.ndarray, " destination"],
    distance_km: Float[np.ndarray, "destination destination"],
    home: np.ndarray,
) -> Float[np.ndarray, "origin destination"]:
    """Accessibility of destination j to its competitors, Σ_{m ≠ i, j} n_m / d_jm (Fotheringham 1983).

    Args:
        mass: opportunities n of each destination.
        distance_km: between destinations.
        home: of every origin, the index of the destination that is the same zone, −1 if there is none.

    Returns:
        Sums, in the unit of `mass` per km.

    Raises:
        FlowsError: E-LAW-DOMAIN, the distance between two destinations is zero.
    """
    apart = distance_km.copy()
    np.fill_diagonal(apart, 1.0)
    if not np.all(apart > 0):
        one, other = np.argwhere(~(apart > 0))[0]
        what = f"destinations {one} and {other} (counted from 0) are {distance_km[one, other]} km apart"
        raise FlowsError("E-LAW-DOMAIN", what, "give them a distance above zero, or merge them into one zone")
    weight = mass * np.reciprocal(apart)
    np.fill_diagonal(weight, 0.0)
    everyone = weight.sum(axis=1)
    found = np.broadcast_to(everyone, (len(home), len(mass))).copy()
    rows = np.flatnonzero(home >= 0)
    # Row j holds d_jm, so the term of the origin, which does not compete with its own destinations, is in its column.
    found[rows] -= weight[:, home[rows]].T
    return found


def as_arrays(pair: Pair) -> Pair:
    """The same as JAX arrays that broadcast to [origin, destination]: vectors of origins as columns, others as rows."""

    def wide(name: str, values: Entry) -> Array:
        array = jnp.asarray(values, float)
        return jnp.expand_dims(array, axis_of(name)) if array.ndim == 1 else array

    return Pair(**{name: wide(name, values) for name, values in vars(pair).items() if values is not None})


def axis_of(name: str) -> int:
    """The axis of [origin, destination] along which a field of `Pair` is constant if it is a vector over zones."""
    return 0 if name == "destination_mass" else 1
