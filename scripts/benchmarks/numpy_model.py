"""The yearly model in fast NumPy: what speed is compared with, and a check of the numbers. It imports no flowmodel.

`NumpyModel` computes residents, loss and gradient with pair arrays in float32, two threads and BLAS. Why it is fast:

- Only the power of the distance needs an exponential for each pair. It is computed in pieces that stay in a core's
  cache, half of them in a second thread.
- Province and prefecture then scale a few blocks (3.9 % of the pairs of China's counties).
- The divide is a factor on half of a vector, so that one symmetric array serves both products of a year.
- In a gradient, all parameters that do not change that array are columns of one matrix product.

Storing only the half above the diagonal was tried and was no faster: stripes need too many small products, and the
threads of SciPy's ssymv compete with those of NumPy.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, gammaln

EARTH_RADIUS_KM = 6371.0088
REFERENCE_KM = 300.0
CHUNK_ROWS = 64
PULL_NAMES = ("distance", "other_province", "same_prefecture")
DIVIDE_NAMES = ("divide_east_west", "divide_west_east")
NOISE_NAMES = ("noise", "noise_size")

Float64 = NDArray[np.float64]
Float32 = NDArray[np.float32]


class NumpyModel:
    """Residents, loss and gradient of one country; the zones may come in any order.

    Parameters are given as a mapping of scalars: mass, distance, other_province, same_prefecture, divide_east_west,
    divide_west_east, departure_level, birth_adjustment, attraction:0, departure:0 and so on, and for the loss
    noise and noise_size.

    Args:
        lon: degrees_east [N].
        lat: degrees_north [N].
        province: integer index [N].
        prefecture: integer index [N].
        east: side of the divide [N].
        population: residents at the opening, persons [N].
        birth_rate: per year [N].
        death_rate: per year [N].
        attraction: covariates of destinations [N, k].
        departure: covariates of origins [N, m].
        births_path: multiplier of births per year [T].
        deaths_path: multiplier of deaths per year [T].
        offset_km: added to every distance.
    """

    def __init__(
        self,
        lon: Float64,
        lat: Float64,
        province: NDArray[np.integer],
        prefecture: NDArray[np.integer],
        east: NDArray[np.bool_],
        population: Float64,
        birth_rate: Float64,
        death_rate: Float64,
        attraction: Float64,
        departure: Float64,
        births_path: Float64,
        deaths_path: Float64,
        offset_km: float,
    ) -> None:
        """Sorts the zones by side, province and prefecture and stores the log distances."""
        order = np.lexsort((prefecture, province, ~east))
        self._order, self._east_zones = order, int(east.sum())
        self._population = population[order].astype(np.float64)
        self._empty = np.flatnonzero(self._population == 0)
        self._birth_rate, self._death_rate = birth_rate[order, None], death_rate[order, None]
        self._attraction, self._departure = attraction[order], departure[order]
        self._paths = list(zip(births_path.tolist(), deaths_path.tolist(), strict=True))
        self._log_distance = _log_distance(np.radians(lon[order]), np.radians(lat[order]), offset_km)
        self._pull = np.empty_like(self._log_distance)
        self._province_blocks = _blocks(province[order], self._east_zones)
        self._prefecture_pairs = np.flatnonzero(prefecture[order, None] == prefecture[None, order])
        self._pool = ThreadPoolExecutor(1)

    def residents(self, p: Mapping[str, float]) -> Float64:
        """Residents after the last year, persons [N], in the order the zones were given."""
        self._build(p)
        end = np.empty(len(self._order))
        end[self._order] = self._roll([p])[:, 0]
        return end

    def loss(self, p: Mapping[str, float], observed_end: Float64, degrees: float, national_sd: float) -> float:
        """Minus the log density of the observed growth and total."""
        self._build(p)
        return float(self._score(self._roll([p]), p, observed_end, degrees, national_sd)[0])

    def gradient(
        self,
        p: Mapping[str, float],
        names: Sequence[str],
        observed_end: Float64,
        degrees: float,
        national_sd: float,
        step: float = 3e-3,
    ) -> Float64:
        """Central differences of the loss by every named scalar, in the order of the names.

        The error model's scales move no one and need no new decade; what leaves the pull alone is the columns of
        one decade; the pull is built again for the distance alone.
        """

        def difference(ends: Float64, up: Mapping[str, float], down: Mapping[str, float]) -> Float64:
            above, below = np.hsplit(ends, 2)
            data = observed_end, degrees, national_sd
            return self._score(above, up, *data) - self._score(below, down, *data)

        def moved(name: str, by: float) -> dict[str, float]:
            return {**p, name: p[name] + by}

        self._build(p)
        together = [name for name in names if name not in (*PULL_NAMES, *NOISE_NAMES)]
        ends = self._roll([p, *(moved(name, sign * step) for sign in (1, -1) for name in together)])
        slopes = dict(zip(together, difference(ends[:, 1:], p, p) / (2 * step), strict=True))
        for name in set(names) & set(NOISE_NAMES):
            h = 1e-4 * p[name]
            slopes[name] = difference(ends[:, [0, 0]], moved(name, h), moved(name, -h))[0] / (2 * h)
        # The distance, reverse in the alphabet's order, comes last: it leaves another pull behind.
        for name in sorted(set(names) & set(PULL_NAMES), reverse=True):
            pair = np.hstack([self._roll([p]) for _ in self._pulls_beside(p, name, step)])
            slopes[name] = difference(pair, p, p)[0] / (2 * step)
        return np.array([slopes[name] for name in names])

    def _pulls_beside(self, p: Mapping[str, float], name: str, step: float) -> Iterator[None]:
        """The pull one step above and one step below; then as it was, but for the distance."""
        if name == "distance":
            for sign in (1, -1):
                self._build({**p, name: p[name] + sign * step})
                yield
            return
        for change in (step, -2 * step):
            self._scale(name, change)
            yield
        self._scale(name, step)

    def _build(self, p: Mapping[str, float]) -> None:
        """Fills the pull, up to one factor common to all pairs and without the divide."""
        slope, zones = np.float32(-p["distance"]), len(self._order)

        def fill(first: int) -> None:
            for low in range(first, zones, 2 * CHUNK_ROWS):
                pull = self._pull[low : low + CHUNK_ROWS]
                np.multiply(self._log_distance[low : low + CHUNK_ROWS], slope, out=pull)
                np.exp(pull, out=pull)

        other_half = self._pool.submit(fill, CHUNK_ROWS)
        fill(0)
        other_half.result()
        np.fill_diagonal(self._pull, 0)
        self._scale("other_province", p["other_province"])
        self._scale("same_prefecture", p["same_prefecture"])

    def _scale(self, name: str, exponent: float) -> None:
        """Raises the pull of same-prefecture pairs, or of same-province pairs against all others."""
        factor = np.float32(np.exp(exponent))
        if name == "same_prefecture":
            self._pull.reshape(-1)[self._prefecture_pairs] *= factor
            return
        for block in self._province_blocks:
            self._pull[block] *= factor

    def _product(self, x: Float32, east_west: Float32, west_east: Float32) -> Float32:
        """The pull times columns x [N, P]; the two factors [P] are those of crossing the divide."""
        east, y = self._east_zones, np.empty_like(x)
        seen = x.copy()
        seen[east:] *= east_west
        np.matmul(self._pull[:east], seen, out=y[:east])
        np.multiply(x[:east], west_east, out=seen[:east])
        seen[east:] = x[east:]
        np.matmul(self._pull[east:], seen, out=y[east:])
        return y

    def _roll(self, columns: Sequence[Mapping[str, float]]) -> Float64:
        """Residents at the end [N, P], one column per set of parameters, all with the pull now in place."""

        def row(name: str) -> Float64:
            return np.array([p[name] for p in columns])

        def utility(prefix: str, covariates: Float64) -> Float64:
            return sum((covariates[:, k, None] * row(f"{prefix}:{k}") for k in range(covariates.shape[1])), start=zero)

        n = np.repeat(self._population[:, None], len(columns), axis=1)
        zero = np.zeros_like(n)
        east_west, west_east = (np.exp(-row(name)).astype(np.float32) for name in DIVIDE_NAMES)
        leaving = expit(row("departure_level") + utility("departure", self._departure))
        mass, births = row("mass"), self._birth_rate * row("birth_adjustment")
        draw = utility("attraction", self._attraction)
        # A common factor keeps the weights inside float32.
        draw -= np.max(mass * np.log(np.maximum(n, 1)) + draw, axis=0)
        weight, leavers = np.empty_like(n), np.empty_like(n)
        for births_factor, deaths_factor in self._paths:
            weight[:] = n
            weight[self._empty] = 1
            np.log(weight, out=weight)
            weight *= mass
            weight += draw
            np.exp(weight, out=weight)
            weight[self._empty] = 0
            drawn = self._product(weight.astype(np.float32), east_west, west_east)
            np.multiply(n, leaving, out=leavers)
            stuck = drawn == 0
            if stuck.any():
                leavers[stuck], drawn[stuck] = 0, 1
            # The pull is symmetric: its transpose only swaps the two crossings.
            weight *= self._product((leavers / drawn).astype(np.float32), west_east, east_west)
            n *= 1 + births * births_factor - self._death_rate * deaths_factor
            n -= leavers
            n += weight
        return n

    def _score(
        self, end: Float64, p: Mapping[str, float], observed_end: Float64, degrees: float, national_sd: float
    ) -> Float64:
        """The loss of every column of residents [P]."""
        lived_in = self._population > 0
        start, seen = self._population[lived_in], observed_end[self._order][lived_in]
        scale = np.sqrt(p["noise"] ** 2 + p["noise_size"] ** 2 / start)
        z = (np.log(seen) - np.log(end[lived_in]).T) / scale
        constant = gammaln((degrees + 1) / 2) - gammaln(degrees / 2) - 0.5 * np.log(degrees * np.pi)
        zones = np.sum((degrees + 1) / 2 * np.log1p(z**2 / degrees) + np.log(scale) - constant, axis=1)
        national = (np.log(end.sum(axis=0)) - np.log(observed_end.sum())) / national_sd
        return np.asarray(zones + 0.5 * national**2)


def _log_distance(lon: Float64, lat: Float64, offset_km: float) -> Float32:
    """Log of the great-circle distance with its offset [N, N], from radians, by the haversine formula."""
    half_lat, half_lon = (np.sin((x[:, None] - x[None, :]) / 2) ** 2 for x in (lat, lon))
    haversine = half_lat + np.cos(lat[:, None]) * np.cos(lat[None, :]) * half_lon
    distance_km = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(haversine, 1)))
    np.fill_diagonal(distance_km, REFERENCE_KM)
    np.log((distance_km + offset_km) / REFERENCE_KM, out=distance_km)
    return np.asarray(distance_km, dtype=np.float32)


def _blocks(province: NDArray[np.integer], east_zones: int) -> list[tuple[slice, slice]]:
    """The blocks of same-province pairs: on each side of the divide a province is one run of zones."""
    east = np.arange(len(province)) < east_zones
    blocks = []
    for code in np.unique(province):
        sides = [np.flatnonzero((province == code) & (east == side)) for side in (True, False)]
        runs = [slice(int(side[0]), int(side[-1]) + 1) for side in sides if len(side)]
        blocks += [(rows, columns) for rows in runs for columns in runs]
    return blocks
