"""S by bands, dense and in tiles: both bands as operators of their own, against the matrix of all pairs."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import twin
from twin_worlds import country_of

from flowmodel.gravity import distance, pair, tiled
from flowmodel.gravity.bands import BandedPairs, Bands, banded
from flowmodel.gravity.barriers import Place
from flowmodel.gravity.dense import Pairs
from flowmodel.gravity.operator import AllPairs, Factors

COEFFICIENT = jnp.asarray([-1.3, -0.7, 0.4, -0.3])
WORLD = twin.random_world(5, 23)
TILES = (4, 64)


def pairs_of(form: str, place: Place, dtype: type = np.float64) -> AllPairs:
    """The pairs of the world at the places given: "dense", or a side of tiles."""
    if form == "dense":
        of_all = country_of(WORLD)[1]
        return Pairs(of_all.log_distance.astype(dtype), place)
    return tiled.tiles(distance.on_sphere(WORLD.lon, WORLD.lat, dtype), place, WORLD.offset_km, int(form))


def in_provinces(sizes: tuple[int, ...], *, sorted_by_province: bool) -> Place:
    """The world's places with provinces of these sizes."""
    place = country_of(WORLD)[1].place
    province = np.repeat(np.arange(len(sizes)), sizes)
    if not sorted_by_province:
        province = np.random.default_rng(2).permutation(province)
    return Place(place.index, jnp.asarray(province, jnp.int32), place.prefecture, place.east)


PLACES = {
    "sorted": in_provinces((8, 1, 9, 5), sorted_by_province=True),
    "unsorted": in_provinces((8, 1, 9, 5), sorted_by_province=False),
    "one province": in_provinces((23,), sorted_by_province=True),
}


@pytest.mark.usefixtures("compiled_quickly")
@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("form", ["dense", *map(str, TILES)])
def test_each_band_is_an_operator(form: str, where: str) -> None:
    place = PLACES[where]
    pairs = banded(pairs_of(form, place))
    strength = pairs.strength(COEFFICIENT)
    matrix = np.concatenate(list(pairs_of("dense", place).strength(COEFFICIENT).rows(7)))
    province = np.asarray(place.province)
    same = province[:, None] == province
    rng = np.random.default_rng(3)
    columns, vector = rng.random((23, 3)), rng.random(23)
    for operator, expected in ((strength.near, matrix * same), (strength.far, matrix * ~same)):
        np.testing.assert_allclose(operator.multiply(jnp.asarray(columns)), expected @ columns, rtol=1e-11)
        np.testing.assert_allclose(operator.multiply(jnp.asarray(vector)), expected @ vector, rtol=1e-11)
        np.testing.assert_allclose(np.concatenate(list(operator.rows(5))), expected, rtol=1e-9)
        found = operator.exchange(jnp.asarray(vector), jnp.asarray(columns[:, 0]))
        reach = expected @ columns[:, 0]
        push = np.where(reach > 0, vector / np.where(reach > 0, reach, 1), 0)
        for one, wanted in zip(found, (reach, push, expected @ push), strict=True):
            np.testing.assert_allclose(one, wanted, rtol=1e-11)
    whole = np.concatenate(list(pairs.whole.strength(COEFFICIENT).rows(5)))
    np.testing.assert_allclose(whole, matrix, rtol=1e-9)


@pytest.mark.usefixtures("compiled_quickly")
@pytest.mark.parametrize("form", ["dense", "4"])
def test_contraction_by_bands_is_the_sum_over_pairs(form: str) -> None:
    place = PLACES["unsorted"]
    strength = banded(pairs_of(form, place)).strength(COEFFICIENT)
    rng = np.random.default_rng(4)
    sides = {band: (rng.random((3, 23)), rng.random((3, 23))) for band in ("near", "far")}
    factors = Bands(*(Factors(*map(jnp.asarray, sides[band])) for band in ("near", "far")))
    dense = pairs_of("dense", place)
    assert isinstance(dense, Pairs)
    matrix = np.concatenate(list(dense.strength(COEFFICIENT).rows(23)))
    province = np.asarray(place.province)
    same = province[:, None] == province
    near, far = (left.T @ right for left, right in sides.values())
    flow = matrix * np.where(same, near, far)
    rule = functools.partial(pair.pair_terms, dense.law, COEFFICIENT)
    terms = pair.over_pairs(rule)(dense.log_distance, place, place)
    np.testing.assert_allclose(strength.contract(factors), [np.sum(flow * term) for term in terms], rtol=1e-10)


@pytest.mark.parametrize("form", ["dense", "4"])
def test_bands_in_float32_are_those_in_float64(form: str) -> None:
    pairs = banded(pairs_of(form, PLACES["unsorted"]))
    columns = jnp.asarray(np.random.default_rng(5).random((23, 2)))

    def product(pairs: BandedPairs) -> Bands:
        return pairs.strength(COEFFICIENT).multiply(Bands(columns, columns))

    narrow, exact = jax.jit(product)(pairs.in_dtype(np.float32)), jax.jit(product)(pairs)
    assert pairs.in_dtype(np.float32).dtype == np.float32
    for one, other in ((narrow.near, exact.near), (narrow.far, exact.far)):
        assert one.dtype == np.float64
        np.testing.assert_allclose(one, other, rtol=5e-6)
        assert not np.array_equal(one, other)


def test_few_tiles_hold_near_pairs_where_zones_are_sorted() -> None:
    visits = {where: pairs_of("4", PLACES[where]).of("near").visits.shape[1] for where in ("sorted", "unsorted")}
    assert visits["sorted"] < 12 < visits["unsorted"] <= 21
    # The tiles of the first eight zones, and of zones 9 to 17, hold pairs of one province alone.
    assert pairs_of("4", PLACES["sorted"]).of("far").visits.shape[1] < 21
