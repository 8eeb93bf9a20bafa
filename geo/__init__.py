"""Maps and tables: polygons and census tables in, rasters, vectors and a project for a GIS out."""

import os
from typing import TYPE_CHECKING, Any

from geo.opening import drivers

# GDAL reads its environment once, on its first use; so before anything of this package can import it.
drivers.switch_off(os.environ)

if TYPE_CHECKING:
    from geo.maps.interface import Maps as Maps

__all__ = ["Maps"]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from geo.maps import interface

    return getattr(interface, name)
