"""Cells of a raster as zones: a county model's parameters brought to cells, and people moved between all of them."""
