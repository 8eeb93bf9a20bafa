"""Zones on a grid of equal cells: the grid, who owns which cell, people spread over cells, and the GeoTIFF."""
