"""The figures of a run: growth maps, net migration, fitted against observed; no text from the data is drawn."""

import io
from pathlib import Path

import geopandas as gpd
import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from geo.coordinates import divide
from geo.coordinates.crs import china_albers
from geo.results.run_folder import RunFolder
from geo.results.whole_files import write_bytes

from . import styles

_DPI = 150
_DIVERGING = "RdBu_r"
_NO_VALUE = "#bdbdbd"
_EAST, _WEST = "#018571", "#a6611a"
_SCALE_BAR_M = 1_000_000.0


def write(run: RunFolder, folder: Path) -> dict[str, bytes]:
    """Draw every figure into `folder` as PNG.

    Returns:
        The PNG of each figure by name (growth, fitted_observed, net_migration).
    """
    folder.mkdir(parents=True, exist_ok=True)
    polygons = run.polygons.to_crs(china_albers())
    drawn = {
        "growth": growth_maps(run, polygons),
        "fitted_observed": fitted_observed(run),
        "net_migration": net_migration_map(run, polygons),
    }
    images = {name: _png(figure) for name, figure in drawn.items()}
    for name, image in images.items():
        write_bytes(folder / f"{name}.png", image)
    return images


def growth_maps(run: RunFolder, polygons: gpd.GeoDataFrame) -> Figure:
    """Observed and fitted growth side by side, one scale, white at no change."""
    first, last = run.period
    observed, fitted = run.growth(run.period)
    scale = _scale(observed)
    figure = Figure(figsize=(12, 4.8), layout="constrained")
    axes = figure.subplots(1, 2)
    for axis, growth, title in zip(axes, (observed, fitted), ("Observed", "Fitted"), strict=True):
        _map(axis, polygons, growth, scale)
        axis.set_title(f"{title} growth, {first} to {last}")
    _colour_bar(figure, list(axes), scale, f"ln(residents {last} / residents {first})")
    return figure


def net_migration_map(run: RunFolder, polygons: gpd.GeoDataFrame) -> Figure:
    """Inflow less outflow of the fitted model for each 1,000 residents of the first census, a year."""
    first, last = run.period
    people = run.fitted(first)
    rate = np.full(people.shape, np.nan)
    peopled = people > 0.0
    net = run.over("inflow", run.period) - run.over("outflow", run.period)
    rate[peopled] = 1000.0 * net[peopled] / people[peopled] / (last - first)
    scale = _scale(rate)
    figure = Figure(figsize=(7, 5.4), layout="constrained")
    axis = figure.subplots()
    _map(axis, polygons, rate, scale)
    axis.set_title(f"Net migration of the fitted model, mean of {first + 1} to {last}")
    _colour_bar(figure, [axis], scale, f"persons a year per 1,000 residents of {first}")
    return figure


def fitted_observed(run: RunFolder) -> Figure:
    """Observed log growth over fitted log growth, one point a zone, its area following its residents."""
    first, last = run.period
    observed, fitted = run.growth(run.period)
    people = run.observed(first)
    east = run.zone("east") == 1
    figure = Figure(figsize=(6.4, 6), layout="constrained")
    axis = figure.subplots()
    for here, colour, label in ((~east, _WEST, "west of the divide"), (east, _EAST, "east of the divide")):
        size = 60.0 * people[here] / max(people.max(), 1.0) + 3.0
        axis.scatter(fitted[here], observed[here], s=size, c=colour, alpha=0.45, linewidths=0, label=label)
    both = np.concatenate([observed, fitted])
    low, high = float(np.nanmin(both)), float(np.nanmax(both))
    axis.plot([low, high], [low, high], color="black", linewidth=0.8, label="fitted = observed")
    axis.axhline(0.0, color=_NO_VALUE, linewidth=0.6, zorder=0)
    axis.axvline(0.0, color=_NO_VALUE, linewidth=0.6, zorder=0)
    axis.set_xlabel(f"fitted ln(residents {last} / {first})")
    axis.set_ylabel(f"observed ln(residents {last} / {first})")
    axis.set_title("Growth of the zones, in sample")
    axis.legend(loc="upper left", frameon=False)
    return figure


def _map(axis: Axes, polygons: gpd.GeoDataFrame, values: NDArray[np.float64], scale: TwoSlopeNorm) -> None:
    colours = matplotlib.colormaps[_DIVERGING].with_extremes(bad=_NO_VALUE)(scale(np.ma.masked_invalid(values)))
    polygons.plot(ax=axis, color=colours, edgecolor="face", linewidth=0.1, aspect="equal")
    left, right, bottom, top = *axis.get_xlim(), *axis.get_ylim()
    gpd.GeoSeries([divide.line()], crs="EPSG:4326").to_crs(polygons.crs).plot(
        ax=axis, color="black", linewidth=1.1, linestyle="--", aspect="equal"
    )
    axis.set_xlim(left, right)
    axis.set_ylim(bottom, top)
    if right - left > 2.0 * _SCALE_BAR_M:
        x, y = left + 0.05 * (right - left), bottom + 0.05 * (top - bottom)
        axis.plot([x, x + _SCALE_BAR_M], [y, y], color="black", linewidth=2.0)
        axis.text(x + _SCALE_BAR_M / 2.0, y, "1,000 km", ha="center", va="bottom", fontsize=8)
    axis.set_axis_off()


def _scale(values: NDArray[np.float64]) -> TwoSlopeNorm:
    top = styles.limit(values)
    return TwoSlopeNorm(vcenter=0.0, vmin=-top, vmax=top)


def _colour_bar(figure: Figure, axes: list[Axes], scale: TwoSlopeNorm, label: str) -> None:
    bar = figure.colorbar(ScalarMappable(scale, _DIVERGING), ax=axes, shrink=0.75, extend="both")
    bar.set_label(label)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    # Without a software tag the same figure is the same bytes.
    figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return buffer.getvalue()
