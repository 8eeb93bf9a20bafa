"""Checks of census tables, which report problems by code, file, row and column."""
