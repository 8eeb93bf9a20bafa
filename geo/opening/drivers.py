"""GDAL drivers that read other files or the network, switched off by the environment before GDAL is first used.

Every input is opened by a named driver, so this is the second lock; it also covers what a file drags along.
"""

import re
import sys
from collections.abc import Iterator, MutableMapping

# Files that name other files, services or programs to read from. Names as GDAL 3.12 (in pyogrio) gives them: it prints
# a line for a name it does not know, while 3.10 (in rasterio) only logs it.
REOPENING = (
    *("VRT", "OGR_VRT", "GTI", "GDALG", "DERIVED", "STACTA", "STACIT", "MRF", "ESRIC", "ERS", "MAP", "PRF", "TIL"),
    *("MBTiles", "PMTiles", "MVT", "KMLSUPEROVERLAY", "KML", "LIBKML", "PDF", "PCIDSK", "SQLite", "Zarr", "ILWIS"),
    *("RPFTOC", "ECRGTOC", "SRP", "ADRG", "RS2", "TSX", "SAFE", "SENTINEL2", "DIMAP", "PDS", "PDS4", "ISIS3"),
    *("GML", "LVBAG", "VFK", "EDIGEO", "MapInfo File", "MiraMonVector", "GNMFile", "GNMDatabase", "PAux", "GenBin"),
    *("ADBC", "GPSBabel", "OGR_PDS"),
)
SERVICES = (
    *("HTTP", "WMS", "WMTS", "WCS", "WFS", "OAPIF", "OGCAPI", "CSW", "DAAS", "EEDA", "EEDAI", "PLMOSAIC", "PLSCENES"),
    *("NGW", "Carto", "AmigoCloud", "Elasticsearch"),
)
# In rasterio's GDAL alone: HDF5 files link to others, a NetCDF name may be a URL, Rasterlite is SQLite.
RASTERIO_ONLY = ("HDF5", "HDF5Image", "netCDF", "BAG", "S102", "S104", "S111", "Rasterlite")
FORBIDDEN = (*REOPENING, *SERVICES, *RASTERIO_ONLY)

# For `rasterio.Env` around a reading: no file beside a raster is looked at, and where this is the first use of rasterio
# in the process, the drivers of its own go as well.
RASTER_OPTIONS = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GDAL_SKIP": ",".join(FORBIDDEN)}

_SET = {
    "GDAL_VRT_ENABLE_PYTHON": "NO",
    "PROJ_NETWORK": "OFF",
    # GDAL has no switch for its HTTP client: nothing answers at this address. Hosts in the user's no_proxy are still
    # reached, so content that names a URL is refused besides.
    "GDAL_HTTP_PROXY": "http://127.0.0.1:9",
    "CPL_VSIL_CURL_ALLOWED_FILENAME": "none",
}
_UNSET = (
    "OGR_SQLITE_LOAD_EXTENSIONS",
    "ALLOW_VIRTUAL_OGR_FROM_TRIGGER_AND_VIEW",
    "ALLOW_OGR_SQL_FUNCTIONS_FROM_TRIGGER_AND_VIEW",
    "SHAPE_RESTORE_SHX",
)
_OFF = ("", "NO", "OFF", "FALSE", "0")


class EnvironmentRefused(Exception):
    """The environment lets data bring code along."""

    exit_status = 2


def switch_off(environment: MutableMapping[str, str]) -> None:
    """Forbid drivers, the network and code inside data; a GDAL that is in use already does not notice.

    Args:
        environment: The environment of this process, changed in place. Drivers that it skips stay skipped.

    Raises:
        EnvironmentRefused: E-ENV-PYTHON where it allows Python code inside a VRT file to run.
    """
    python = environment.get("GDAL_VRT_ENABLE_PYTHON", "")
    if python.strip().upper() not in _OFF:
        text = f"E-ENV-PYTHON GDAL_VRT_ENABLE_PYTHON={python[:20]!r} lets a data file run Python code"
        raise EnvironmentRefused(f"{text}; fix: unset GDAL_VRT_ENABLE_PYTHON")
    skipped = environment.get("GDAL_SKIP", "")
    already = re.split("," if "," in skipped else r"\s", skipped)
    names = dict.fromkeys((*REOPENING, *SERVICES, *(name for name in already if name)))
    environment["GDAL_SKIP"] = ",".join(names)
    environment.update(_SET)
    for name in _UNSET:
        environment.pop(name, None)


def check() -> dict[str, tuple[str, ...]]:
    """List the forbidden drivers that are nevertheless there, for each GDAL that is loaded.

    One that was used before this package was imported keeps all of its drivers. Files are then still safe, for each is
    opened by a named driver.

    Returns:
        Names by library ("pyogrio", "rasterio"), empty where all is well.
    """
    there: dict[str, dict[str, str]] = {}
    if "pyogrio" in sys.modules:
        there["pyogrio"] = sys.modules["pyogrio"].list_drivers()
    if "rasterio" in sys.modules:
        with sys.modules["rasterio"].Env(**RASTER_OPTIONS) as environment:
            there["rasterio"] = environment.drivers()
    return {library: tuple(name for name in FORBIDDEN if name in names) for library, names in there.items()}


def facts() -> Iterator[tuple[str, str]]:
    """Versions of GDAL and PROJ and the drivers of GDAL, by name; none where the map libraries are not installed.

    pyogrio and rasterio each bring a GDAL of their own.
    """
    try:
        import pyogrio
        import pyproj
        import rasterio
    except ImportError:
        return
    yield "GDAL", f"{pyogrio.__gdal_version_string__} (vectors), {rasterio.__gdal_version__} (rasters)"
    yield "PROJ", f"{pyproj.proj_version_str}, data in {pyproj.datadir.get_data_dir()}"
    for library, left in check().items():
        yield "drivers", f"{library}: {', '.join(left) or 'those that read other files or the network are off'}"
