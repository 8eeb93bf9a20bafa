"""The spectra of one decay with distance on every torus of a layout."""

import dataclasses
from typing import Any

import jax

from flowmodel.gravity.spectral.layout import Layout
from flowmodel.gravity.spectral.spectrum import Rule, quarter
from flowmodel.gravity.spectral.transform import Quarter


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Spectra:
    """The spectrum on the torus of `layout.whole` and of each of `layout.windows`."""

    whole: Quarter
    windows: tuple[Quarter, ...]


def spectra(rule: Rule, layout: Layout, dtype: Any) -> Spectra:
    """The spectra of the decay `rule`."""
    whole, *windows = (quarter(rule, window, layout.cell_km, dtype) for window in (layout.whole, *layout.windows))
    return Spectra(whole, tuple(windows))
