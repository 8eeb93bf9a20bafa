"""Facts about the map libraries: their versions of GDAL and PROJ, and which drivers of GDAL are on."""

from collections.abc import Iterator

from . import drivers


def facts() -> Iterator[tuple[str, str]]:
    """The facts, by name; none where the map libraries are not installed.

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
    for library, left in drivers.check().items():
        yield "drivers", f"{library}: {', '.join(left) or 'those that read other files or the network are off'}"
