"""Coordinate systems, datums, and the Heihe–Tengchong line."""
