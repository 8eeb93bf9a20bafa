"""Zones: the labelled table of a run, its arrays for the kernels, and the cells of a raster."""
