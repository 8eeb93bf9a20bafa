"""From a finished county run and rasters to `grid.nc`: cells of a regular grid as zones."""
