"""What a run puts on a map: densities, growth and flows, a value for each zone, before there is a grid."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.results.run_folder import RunFolder, log_growth

from . import styles


@dataclass(frozen=True)
class Layer:
    """One map: a value for each zone, before it is put on a grid.

    Attributes:
        name: file name without suffix, and band description.
        long_name: one sentence.
        units: unit of the raster.
        values: (zones,) people or people per year where `counted`, else the value of every cell; NaN for no value.
        years: year or years it speaks of.
        counted: whether the values are people, to be spread over a zone's cells.
        ramp: gives the colours for the values of the cells.
    """

    name: str
    long_name: str
    units: str
    values: NDArray[np.float64]
    years: str
    counted: bool
    ramp: Callable[[NDArray[np.float64]], styles.Stops]


def layers(run: RunFolder) -> list[Layer]:
    """Every quantity of a run that goes on a map, in order."""
    last = run.last_year
    made = [_density("observed", run.observed(year), year) for year in run.censuses]
    made.append(_density("fitted", run.fitted(last), last))
    for span in run.spans:
        made += _growth(run, span) + _flows(run, span)
    return made


def _density(which: str, people: NDArray[np.float64], year: int) -> Layer:
    said = f"{which.capitalize()} residents per km2, {year}"
    return Layer(
        name=f"population_density_{which}_{year}",
        long_name=said,
        units="persons km-2",
        values=people,
        years=str(year),
        counted=True,
        ramp=styles.density,
    )


def _growth(run: RunFolder, span: tuple[int, int]) -> list[Layer]:
    first, last = span
    years = f"{first}/{last}"
    growth = {
        "observed": log_growth(run.observed(first), run.observed(last)),
        "fitted": log_growth(run.fitted(first), run.fitted(last)),
    }
    return [
        Layer(
            name=f"growth_{which}_{first}_{last}",
            long_name=f"{which.capitalize()} growth of residents, ln of last over first, {years}",
            units="1",
            values=values,
            years=years,
            counted=False,
            # Both on the scale of what was observed: the maps are there to be compared.
            ramp=lambda _: styles.growth(growth["observed"]),
        )
        for which, values in growth.items()
    ]


def _flows(run: RunFolder, span: tuple[int, int]) -> list[Layer]:
    first, last = span
    inflow, outflow = (run.over(flow, span) / (last - first) for flow in ("inflow", "outflow"))
    values = {
        "net_migration": ("Inflow minus outflow of the fitted model", inflow - outflow, styles.balance),
        "inflow": ("Arrivals of the fitted model", inflow, styles.flow),
        "outflow": ("Departures of the fitted model", outflow, styles.flow),
    }
    years = f"{first}/{last}"
    return [
        Layer(
            name=f"{name}_{first}_{last}",
            long_name=f"{said} per km2 and year, mean of the years {years}",
            units="persons km-2 year-1",
            values=people,
            years=years,
            counted=True,
            ramp=ramp,
        )
        for name, (said, people, ramp) in values.items()
    ]
