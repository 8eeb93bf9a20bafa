"""Fetching files of known content: each has its final name only when it is complete and verified."""

from .obtain import FetchError, RawFile, fetch

__all__ = ["FetchError", "RawFile", "fetch"]
