"""The kinds of file that are distinguished, with their names in messages."""

from enum import Enum


class Kind(Enum):
    """What a file is by its content alone; the value is its name in messages."""

    GPKG = "a GeoPackage"
    SQLITE = "an SQLite database that is no GeoPackage"
    GEOJSON = "a GeoJSON text"
    JSON = "a JSON text that is no GeoJSON"
    SHAPEFILE = "a Shapefile"
    PARQUET = "a Parquet file"
    GEOTIFF = "a TIFF image"
    XLSX = "an Excel workbook (.xlsx)"
    OLE = "an old (.xls) or password-protected Office file"
    R_DATA = "an R data file"
    ZIP = "a zip archive"
    GZIP = "a gzip archive"
    ARCHIVE = "an archive (bzip2, xz, 7z or rar)"
    XML = "an XML or HTML text"
    TEXT = "a text"
    CSV = "a text"  # the same member: the content of a CSV does not differ from another text
    EMPTY = "an empty file"
    UNKNOWN = "something unknown"
