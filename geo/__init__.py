"""Maps and tables: polygons and census tables in, rasters, vectors and a project for a GIS out."""

import importlib
import os
from typing import TYPE_CHECKING, Any

from geo.opening import drivers

# GDAL reads its environment once, on its first use; so before anything of this package can import it.
drivers.switch_off(os.environ)

if TYPE_CHECKING:
    from geo.maps.interface import Maps as Maps
    from geo.maps.interface import export as export
    from geo.maps.interface import report as report
    from geo.sources.zones import build_zones as build_zones

_MODULES = {
    "Maps": "maps.interface",
    "build_zones": "sources.zones",
    "export": "maps.interface",
    "report": "maps.interface",
}
__all__ = [*_MODULES]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
