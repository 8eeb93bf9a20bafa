"""Says what this machine has: interpreter, packages and where they load from, devices, data."""

from __future__ import annotations

import os
from importlib import metadata, util

from _command import cli


def doctor() -> None:
    """Prints one line a fact; the first thing to send along with a question."""
    from flowmodel import runtime

    for fact, value in runtime.describe().items():
        print(f"{fact:12} {value}")
    for package in ("flowmodel", "geo"):
        found = util.find_spec(package)
        print(f"{package:12} {found.origin if found else 'not found'}")
    for name in ("jaxlib", "optax", "numpy", "scipy", "xarray", "h5netcdf", "geopandas", "pyproj", "rasterio"):
        try:
            print(f"{name:12} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            print(f"{name:12} missing: pip install '.[geo,report]'")
    _gdal()
    for variable in ("FLOWMODEL_DATA", "PROJ_LIB", "PROJ_DATA", "GDAL_DATA"):
        print(f"{variable:12} {os.environ.get(variable, 'not set')}")


def _gdal() -> None:
    """The two GDALs of one process: pyogrio's and rasterio's wheels each bring their own."""
    import geo.opening  # before GDAL, whose drivers it restricts

    try:
        import pyogrio
        import rasterio
    except ImportError:
        return
    print(f"{'GDAL':12} {pyogrio.__gdal_version_string__} (vectors), {rasterio.__gdal_version__} (rasters)")
    for library, left in geo.opening.drivers.check().items():
        print(f"{'drivers':12} {library}: {', '.join(left) or 'those that read other files or the network are off'}")


if __name__ == "__main__":
    cli(doctor)
