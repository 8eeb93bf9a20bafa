"""Fetching files of known content: each comes whole and verified under its final name, or not at all."""

from .obtain import Fetched, fetch
from .rawfile import FetchError, RawFile
from .receive import STALL_S

__all__ = ["STALL_S", "FetchError", "Fetched", "RawFile", "fetch"]
