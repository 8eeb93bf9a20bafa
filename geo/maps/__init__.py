"""A finished run as files for people: rasters, vector layers, figures and one page."""
