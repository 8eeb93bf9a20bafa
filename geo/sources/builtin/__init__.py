"""The built-in country: real facts on 31 provinces, and synthetic counties that sum to their censuses."""

from .assemble import build as build
