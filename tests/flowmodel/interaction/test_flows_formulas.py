"""Laws and distances against the loops of their formulas, on American cities as laser-core tests its own."""

import csv
import re

import numpy as np
import pytest

from flowmodel.errors import FlowsError
from flowmodel.interaction.model import laws, pair
from flowmodel.interaction.model.pair import Pair
from geo.flows.distances import haversine

TOP = 10
SCALE, HERE, THERE, DECAY, COMPETITION = 0.1, 0.5, 1.0, 2.0, 0.5
"""k, a, b, c, δ of laser-core's tests; its competing destinations have k = 1."""
TIED_PEOPLE = np.array([1e5, 2e4, 6e4, 2e5])
TIED_KM = np.array([[0, 100, 200, 300], [100, 0, 200, 300], [200, 200, 0, 100], [300, 300, 100, 0]], float)
OFF = ~np.eye(TOP, dtype=bool)


def _degrees(text):
    size, side = re.fullmatch(r"([\d.]+)°([NSEW])", text).groups()
    return float(size) * (-1 if side in "SW" else 1)


@pytest.fixture(scope="module")
def cities(data_dir):
    """People and distances, km, of the ten largest cities."""
    with (data_dir / "flows/laser_us_cities/us-cities.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))[:TOP]
    people = np.array([float(row["2023 Estimate"].replace(",", "")) for row in rows])
    lon, lat = (np.array([_degrees(row[name]) for row in rows]) for name in ("longitude", "latitude"))
    return people, haversine(lon, lat)


def _loop(size, rule):
    """A table of `rule` of every two places, zero from a place to itself."""
    return np.array([[rule(i, j) if i != j else 0.0 for j in range(size)] for i in range(size)])


def _reached(people, km, *, home, destination):
    """Σ p_m over m with d_im ≤ d_ij, with or without m = i and m = j."""

    def rule(i, j):
        left_out = {*(() if home else (i,)), *(() if destination else (j,))}
        return sum(people[m] for m in range(len(people)) if km[i, m] <= km[i, j] and m not in left_out)

    return _loop(len(people), rule)


def test_great_circles():
    lon, lat = np.array([32.5816, 36.8474, 0.0, 0.0, 1.0]), np.array([0.3152, -1.3032, 0.0, 1.0, 0.0])
    km = haversine(lon, lat)
    assert km[0, 1] == pytest.approx(507.29393, abs=1e-5)  # Kampala to Nairobi
    assert km[2, [3, 4]] == pytest.approx(111.19493, abs=1e-5)


def test_great_circles_from_new_york(cities):
    expected = [0, 3957.13675, 1154.88510, 2283.37528, 3444.88038, 124.08572, 2547.74127, 3906.51957, 2206.50912]
    np.testing.assert_allclose(cities[1][0], [*expected, 1342.25107], atol=1e-5)


def test_gravity(cities):
    people, km = cities
    expected = _loop(TOP, lambda i, j: SCALE * people[i] ** HERE * people[j] ** THERE * km[i, j] ** -DECAY)
    ours = np.exp(-DECAY * np.asarray(laws.ln_distance(Pair(distance_km=np.where(OFF, km, 1.0)))))
    ours = SCALE * people[:, None] ** HERE * people[None, :] ** THERE * ours
    np.testing.assert_allclose(ours[OFF], expected[OFF], rtol=1e-13)


def test_competing_destinations(cities):
    people, km = cities

    def rule(i, j):
        near = sum(people[m] / km[j, m] for m in range(TOP) if m not in (i, j))
        return people[i] ** HERE * people[j] ** THERE * km[i, j] ** -DECAY * near**COMPETITION

    competing = pair.competing(people, km, np.arange(TOP))
    seen = Pair(distance_km=np.where(OFF, km, 1.0), competing=np.where(OFF, competing, 1.0))
    terms = laws.LAWS["competing_destinations"].terms
    ours = np.exp(-DECAY * terms["ln_distance"](seen) + COMPETITION * terms["ln_competing"](seen))
    ours = people[:, None] ** HERE * people[None, :] ** THERE * np.asarray(ours)
    np.testing.assert_allclose(ours[OFF], _loop(TOP, rule)[OFF], rtol=1e-12)


@pytest.mark.parametrize("home", [False, True])
@pytest.mark.parametrize("tied", [False, True])
def test_stouffer(cities, home, tied):
    people, km = (TIED_PEOPLE, TIED_KM) if tied else cities
    off = km > 0
    reached = _reached(people, km, home=home, destination=True)
    expected = _loop(len(people), lambda i, j: SCALE * people[i] ** HERE * (people[j] / reached[i, j]) ** THERE)
    between = pair.between(people, km, np.arange(len(people)), with_home=home)
    rule = laws.LAWS["stouffer"].terms["ln_stouffer"]
    ours = np.exp(THERE * np.asarray(rule(Pair(destination_mass=people[None, :], between=between))))
    np.testing.assert_allclose((SCALE * people[:, None] ** HERE * ours)[off], expected[off], rtol=1e-13)


@pytest.mark.parametrize("tied", [False, True])
def test_radiation(cities, tied):
    """As Simini et al. (2012): the destination's own opportunities do not intervene."""
    people, km = (TIED_PEOPLE, TIED_KM) if tied else cities
    off = km > 0
    s = _reached(people, km, home=False, destination=False)

    def rule(i, j):
        from_here = people[i] + s[i, j]
        return SCALE * people[i] * people[j] / (from_here * (from_here + people[j]))

    between = pair.between(people, km, np.arange(len(people)))
    seen = Pair(origin_mass=people[:, None], destination_mass=people[None, :], between=between)
    ours = SCALE * np.exp(np.asarray(laws.radiation(seen)))
    np.testing.assert_allclose(ours[off], _loop(len(people), rule)[off], rtol=1e-13)


def test_places_at_the_same_distance_lie_between():
    """By hand: from the third place the first two are 200 km off, so each has the other and the fourth on its way."""
    between = pair.between(TIED_PEOPLE, TIED_KM, np.arange(4))
    by_hand = [[0, 0, 2e4, 8e4], [0, 0, 1e5, 1.6e5], [2.2e5, 3e5, 0, 0], [8e4, 1.6e5, 0, 0]]
    np.testing.assert_array_equal(between[TIED_KM > 0], np.array(by_hand)[TIED_KM > 0])


def test_rivals_at_no_distance_are_refused():
    km = np.array([[0.0, 3.0, 2.0], [3.0, 0.0, 0.0], [2.0, 0.0, 0.0]])
    with pytest.raises(FlowsError, match="E-LAW-DOMAIN destinations 1 and 2 "):
        pair.competing(np.ones(3), km, np.array([0, 1, 2]))
