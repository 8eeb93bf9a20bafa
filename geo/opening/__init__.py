"""Opening of input files: path, kind, size and driver of every file are checked before it is read."""

from . import drivers as drivers
from . import limits as limits
from .archives import check_archive as check_archive
from .content import Kind as Kind
from .content import kind as kind
from .paths import regular_file as regular_file
from .paths import shown as shown
from .reading import expect as expect
from .reading import vector_source as vector_source
