"""How a GIS shows a raster: a QGIS style file of the same name beside it; and the end of a colour scale."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from geo.results.whole_files import write_bytes

# ColorBrewer RdBu and YlOrRd (Harrower and Brewer 2003): blue loses, red gains.
_DIVERGING = ("#2166ac", "#67a9cf", "#d1e5f0", "#f7f7f7", "#fddbc7", "#ef8a62", "#b2182b")
_SEQUENTIAL = ("#ffffcc", "#ffeda0", "#fed976", "#feb24c", "#fc4e2a", "#bd0026")
_EXTREMES = 98.0

# Densities differ by factors of ten: even steps would show a few cities and nothing else.
_EVEN = (1 / 3, 2 / 3, 1.0)
_TENFOLD = (0.01, 0.1, 1.0)
_DENSITY_STOPS = (0.0, 1.0, 10.0, 100.0, 1000.0, 10_000.0)

Stops = Sequence[tuple[float, str]]


def limit(values: NDArray[np.float64]) -> float:
    """Where the colours of a scale end: the 98th percentile of the size of the values, rounded up to one digit.

    A few extreme zones would bleach all others, so the scale does not reach to them.

    Args:
        values: any numbers; NaN counts for nothing.

    Returns:
        A positive number, 1 where all values are zero or missing.
    """
    sizes = np.abs(values[np.isfinite(values)])
    widest = float(np.percentile(sizes, _EXTREMES)) if sizes.size else 0.0
    if widest <= 0.0:
        return 1.0
    step = 10.0 ** math.floor(math.log10(widest))
    return math.ceil(widest / step) * step


def growth(values: NDArray[np.float64]) -> Stops:
    """Colours of growth: white at no change, in even steps."""
    return _both_ways(limit(values), _EVEN)


def balance(values: NDArray[np.float64]) -> Stops:
    """Colours of a gain or loss of people per km2: white at none, in tenfold steps."""
    return _both_ways(limit(values), _TENFOLD)


def flow(values: NDArray[np.float64]) -> Stops:
    """Colours of a flow per km2, in steps from none to many."""
    top = limit(values)
    return [(share * top, colour) for share, colour in zip((0.0, 0.001, 0.01, 0.1, 0.3, 1.0), _SEQUENTIAL, strict=True)]


def density(_values: NDArray[np.float64]) -> Stops:
    """Colours of people per km2, in tenfold steps; the same for every year and run, whatever the values."""
    return list(zip(_DENSITY_STOPS, _SEQUENTIAL, strict=True))


def write_ramp(raster: Path, stops: Stops) -> None:
    """Write the style of a raster of quantities: `stops` with colours blended between them."""
    low, high = f"{stops[0][0]:.6g}", f"{stops[-1][0]:.6g}"
    root, renderer = _renderer("singlebandpseudocolor", classificationMin=low, classificationMax=high)
    shader = ElementTree.SubElement(
        ElementTree.SubElement(renderer, "rastershader"),
        "colorrampshader",
        colorRampType="INTERPOLATED",
        classificationMode="1",
        clip="0",
        minimumValue=low,
        maximumValue=high,
    )
    for value, colour in stops:
        said = f"{value:.6g}"
        ElementTree.SubElement(shader, "item", value=said, color=colour, label=said, alpha="255")
    _save(root, raster)


def write_classes(raster: Path, classes: Mapping[int, tuple[str, str]]) -> None:
    """Write the style of a raster of classes."""
    root, renderer = _renderer("paletted")
    palette = ElementTree.SubElement(renderer, "colorPalette")
    for value, (label, colour) in classes.items():
        ElementTree.SubElement(palette, "paletteEntry", value=str(value), color=colour, label=label, alpha="255")
    _save(root, raster)


def _both_ways(top: float, shares: tuple[float, ...]) -> Stops:
    sizes = [share * top for share in shares]
    return list(zip([*(-size for size in reversed(sizes)), 0.0, *sizes], _DIVERGING, strict=True))


def _renderer(kind: str, **options: str) -> tuple[ElementTree.Element, ElementTree.Element]:
    root = ElementTree.Element("qgis", version="3.22")
    pipe = ElementTree.SubElement(root, "pipe")
    attributes = {"type": kind, "band": "1", "opacity": "1"} | options
    return root, ElementTree.SubElement(pipe, "rasterrenderer", attributes)


def _save(root: ElementTree.Element, raster: Path) -> None:
    ElementTree.indent(root)
    header = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
    text = header + ElementTree.tostring(root, encoding="unicode") + "\n"
    write_bytes(raster.with_suffix(".qml"), text.encode("utf-8"))
