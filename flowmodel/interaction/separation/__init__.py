"""Which rows no finite parameters can fit."""

from .rows import separated as separated
from .rows import separated_pairs as separated_pairs
