"""Layers of polygons: read by a named driver, checked shape by shape and beside one another, brought to degrees."""
