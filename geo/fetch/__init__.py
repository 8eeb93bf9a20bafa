"""Fetching files of known content: each arrives whole and verified under its final name, or not at all."""

from .obtain import STALL_S, Fetched, fetch
from .rawfile import FetchError, RawFile

__all__ = ["STALL_S", "FetchError", "Fetched", "RawFile", "fetch"]
