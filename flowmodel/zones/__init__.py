"""Zones and raster cells of a run, as read from `zones.nc` and `grid.nc`."""
