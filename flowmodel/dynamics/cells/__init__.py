"""Cells of a raster as zones: a county model's parameters applied to cells, and moves between all cells."""
