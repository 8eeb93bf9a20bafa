"""Maps and tables: polygons and census tables in, rasters, vectors and a project for a GIS out."""
