"""Checks of census tables: what is wrong with them, by code, file, row and column."""
