"""Opening of input files: path, kind, size and driver of every file are checked before it is read."""

from . import drivers, limits
from .archives import check_archive
from .content import Kind, kind
from .paths import regular_file, shown
from .reading import expect, vector_source

__all__ = [
    "Kind",
    "check_archive",
    "drivers",
    "expect",
    "kind",
    "limits",
    "regular_file",
    "shown",
    "vector_source",
]
