"""What the reading of rasters needs to know of a config and of zones, whatever source makes them."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from geo.config import PositionConfig, RasterConfig

from .missing import Rows


class Asked(Protocol):
    """A section of a config that may name rasters."""

    @property
    def rasters(self) -> Mapping[str, RasterConfig]:
        """Rasters by name."""

    @property
    def position(self) -> PositionConfig | None:
        """The raster that says where zones stand."""


class Counted(Protocol):
    """Zones that were counted."""

    @property
    def rows(self) -> Rows:
        """The zones."""

    @property
    def population(self) -> Mapping[int, NDArray[np.float64]]:
        """Residents by census, in the order of the rows, NaN where unknown."""


class Drawn(Protocol):
    """Zones that were drawn."""

    @property
    def codes(self) -> Sequence[str]:
        """Code of each polygon."""

    @property
    def shapes(self) -> NDArray[np.object_] | None:
        """Polygons in degrees, None where they are not sound."""
