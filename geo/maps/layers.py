"""What a run puts on a map: densities, growth and flows, a value for each zone, before there is a grid."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.results.run_folder import RunFolder

from . import styles


@dataclass(frozen=True)
class Layer:
    """One map.

    Attributes:
        name: file name without suffix, and band description.
        long_name: one sentence.
        units: unit of the raster.
        years: year or years it speaks of.
        ramp: gives the colours for the values of the cells.
        counted: whether the values of zones are people or people per year, to be spread over the cells of a zone, or
            the value of every cell.
    """

    name: str
    long_name: str
    units: str
    years: str
    ramp: Callable[[NDArray[np.float64]], styles.Stops]
    counted: bool = True


def flow_layers(suffix: str, years: str, when: str) -> tuple[Layer, Layer, Layer]:
    """The maps of net migration, inflow and outflow of a year, or of the years of an interval."""

    def layer(name: str, said: str, ramp: Callable[[NDArray[np.float64]], styles.Stops]) -> Layer:
        return Layer(f"{name}_{suffix}", f"{said} per km2 and year, {when}", "persons km-2 year-1", years, ramp)

    return (
        layer("net_migration", "Inflow minus outflow of the fitted model", styles.balance),
        layer("inflow", "Arrivals of the fitted model", styles.flow),
        layer("outflow", "Departures of the fitted model", styles.flow),
    )


def layers(run: RunFolder) -> Iterator[tuple[Layer, NDArray[np.float64]]]:
    """Every quantity of a run that goes on a map, in order, with its value for each zone; NaN for no value."""
    people = [("observed", year, run.observed(year)) for year in run.censuses]
    for which, year, values in (*people, ("fitted", run.last_year, run.fitted(run.last_year))):
        said = f"{which.capitalize()} residents per km2, {year}"
        yield Layer(f"population_density_{which}_{year}", said, "persons km-2", str(year), styles.density), values
    for span in run.spans:
        suffix, years = "{}_{}".format(*span), "{}/{}".format(*span)
        observed, fitted = run.growth(span)
        # Both on the scale of what was observed: the maps are there to be compared.
        stops = styles.growth(observed)
        for which, values in (("observed", observed), ("fitted", fitted)):
            said = f"{which.capitalize()} growth of residents, ln of last over first, {years}"
            layer = Layer(f"growth_{which}_{suffix}", said, "1", years, _always(stops), counted=False)
            yield layer, values
        inflow, outflow = (run.over(flow, span) / (span[1] - span[0]) for flow in ("inflow", "outflow"))
        flows = flow_layers(suffix, years, f"mean of the years {years}")
        yield from zip(flows, (inflow - outflow, inflow, outflow), strict=True)


def _always(stops: styles.Stops) -> Callable[[NDArray[np.float64]], styles.Stops]:
    return lambda values: stops
