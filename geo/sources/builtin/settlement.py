"""Where people settle in the invented country: a surface with centres of each province, thin beyond the divide."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.coordinates import crs, divide

from .provinces import PROVINCES

_CENTRES_PER_COUNTY = 0.1
_CENTRE_REACH = 0.13
_CAPITAL_REACH = 0.22
_RURAL_FLOOR = 0.12
_BEYOND_FLOOR = 0.04
_DIVIDE_WIDTH_KM = 90.0


@dataclass(frozen=True)
class Settlement:
    """Density surface of one province, without a unit: only ratios inside the province mean anything.

    Attributes:
        centres_km: The capital, then other centres, China Albers in km, shape (C, 2).
        strengths: Density at each centre, shape (C,).
        reaches_km: Distance over which it falls by 1/e, shape (C,).
    """

    centres_km: NDArray[np.float64]
    strengths: NDArray[np.float64]
    reaches_km: NDArray[np.float64]

    def density(self, points_km: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the relative density of people at points (N, 2) in km, shape (N,)."""
        local = np.full(len(points_km), _RURAL_FLOOR)
        for centre, strength, reach in zip(self.centres_km, self.strengths, self.reaches_km, strict=True):
            local += strength * np.exp(-np.hypot(*(points_km - centre).T) / reach)
        return local * _thinning(points_km)


def draw_settlement(
    province: int,
    capital_km: NDArray[np.float64],
    land_km: NDArray[np.float64],
    counties: int,
    rng: np.random.Generator,
) -> Settlement:
    """Draw the centres of one province: its capital, and others where the country is settled.

    Args:
        province: Row of `PROVINCES`.
        capital_km: Position of the capital, shape (2,).
        land_km: Points spread evenly over the territory, shape (N, 2).
        counties: Number of counties of the province.
        rng: Source of randomness.
    """
    radius_km = np.sqrt(PROVINCES[province].land_area_km2 / np.pi)
    others = round(_CENTRES_PER_COUNTY * counties)
    thinning = _thinning(land_km)
    chosen = rng.choice(len(land_km), size=others, replace=False, p=thinning / thinning.sum())
    return Settlement(
        centres_km=np.vstack((capital_km, land_km[chosen])),
        strengths=np.concatenate(([3.0], rng.lognormal(-0.2, 0.5, others))),
        reaches_km=radius_km * np.concatenate(([_CAPITAL_REACH], np.full(others, _CENTRE_REACH))),
    )


def lonlat(points_km: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bring points from China Albers in km to longitude and latitude in degrees, shape (N, 2)."""
    points = crs.project(np.asarray(shapely.points(points_km * 1000.0)), crs.china_albers(), crs.WGS84)
    return np.asarray(shapely.get_coordinates(points))


def _thinning(points_km: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the factor by which settlement thins out across the Heihe-Tengchong line: 1 south-east of it."""
    distance_km = divide.signed_distance_km(*lonlat(points_km).T)
    return np.asarray(_BEYOND_FLOOR + (1.0 - _BEYOND_FLOOR) * 0.5 * (1.0 + np.tanh(distance_km / _DIVIDE_WIDTH_KM)))
