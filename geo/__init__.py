"""Maps and tables: polygons and census tables in, rasters, vectors and a project for a GIS out."""

import os

from geo.opening import drivers

# GDAL reads its environment once, on its first use; so before anything of this package can import it.
drivers.switch_off(os.environ)
