"""Where the people of a zone are: the mean of the places of its pieces of cells, weighted by what they hold."""

from dataclasses import dataclass

import numpy as np
import pyproj
from numpy.typing import NDArray

from .cells import to_degrees
from .coverage import Pieces


@dataclass(frozen=True)
class PointSums:
    """Weighted sums of unit vectors, by zone.

    Attributes:
        vector: Sum of weight times unit vector, shape (zones, 3).
        weight: Sum of weight, shape (zones,).
    """

    vector: NDArray[np.float64]
    weight: NDArray[np.float64]

    def plus(self, other: "PointSums") -> "PointSums":
        """Add the sums of other cells."""
        return PointSums(self.vector + other.vector, self.weight + other.weight)

    def degrees(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give longitude and latitude of the mean, shape (zones,) each, NaN where there is no weight.

        The mean is taken in space and brought back to the sphere along the radius, so it knows no date line and no
        projection; a zone of 500 km is placed as on the ellipsoid to some tens of metres.
        """
        x, y, z = np.where(self.weight > 0, self.vector.T, np.nan)
        return np.degrees(np.arctan2(y, x)), np.degrees(np.arctan2(z, np.hypot(x, y)))


def zero(zones: int) -> PointSums:
    """Give the sums over no cells."""
    return PointSums(np.zeros((zones, 3)), np.zeros(zones))


def sums(system: pyproj.CRS, pieces: Pieces, weight: NDArray[np.float64], zones: int) -> PointSums:
    """Sum the places of pieces.

    A piece stands at its own centroid, not at the centre of its cell: so a zone's point lies within its outline's
    hull, and two zones in one cell have two points.

    Args:
        system: Coordinate system of the pieces.
        pieces: Pieces of cells.
        weight: What each holds, shape (pieces,), not negative.
        zones: Number of zones.
    """
    some = weight > 0
    lon, lat = np.radians(to_degrees(system, pieces.x[some], pieces.y[some]))
    units = (np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat))
    zone, weight = pieces.zone[some], weight[some]
    vector = [np.bincount(zone, weights=weight * part, minlength=zones) for part in units]
    total = np.bincount(zone, weights=weight, minlength=zones)
    return PointSums(np.stack(vector, axis=1).astype(np.float64), total.astype(np.float64))
