"""People of the invented counties: residents that sum to the censuses, covariates and vital rates of known means."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .provinces import PROVINCES
from .seats import apportion

MIN_RESIDENTS = 5_000
"""Least residents of a county, persons."""

_SYNTHETIC = "synthetic: drawn at random around national means of 2010"
ATTRIBUTES: dict[str, dict[str, str]] = {
    "population": {
        "units": "persons",
        "long_name": "residents at the census",
        "source": "synthetic counties whose province sums equal the 5th (2000) and 6th (2010) national census",
        "definition": "resident",
    },
    "birth_rate": {"units": "per_year", "long_name": "births per resident and year", "source": _SYNTHETIC},
    "death_rate": {"units": "per_year", "long_name": "deaths per resident and year", "source": _SYNTHETIC},
    "schooling": {"units": "years", "long_name": "mean years of schooling", "source": _SYNTHETIC},
    "urban_share": {"units": "1", "long_name": "urban share of residents", "source": _SYNTHETIC},
    "industry_share": {"units": "1", "long_name": "share of manufacturing in employment", "source": _SYNTHETIC},
    "young_share": {"units": "1", "long_name": "share of residents aged 20 to 34", "source": _SYNTHETIC},
}
"""Attributes of each variable in the files."""


def residents(
    province: NDArray[np.intp], area_km2: NDArray[np.float64], density: NDArray[np.float64], rng: np.random.Generator
) -> pd.DataFrame:
    """Draw residents of 2010, lognormal around the settled land, and from them those of 2000.

    Args:
        province: Row of `PROVINCES` of each county, shape (N,).
        area_km2: Area, shape (N,).
        density: Relative density of people inside each province, shape (N,).
        rng: Source of randomness.

    Returns:
        Columns 2000 and 2010, whole persons (float64); each province sums exactly to its census.
    """
    weight = area_km2 * density * rng.lognormal(0.0, 0.4, len(province))
    later = _to_census(province, weight, 2010)
    # Denser counties grew more, as cities did in that decade.
    crowding = _standard(np.log(later / area_km2))
    growth = 0.08 * crowding + 0.10 * rng.standard_normal(len(province))
    earlier = _to_census(province, later * np.exp(-growth), 2000)
    return pd.DataFrame({2000: earlier, 2010: later})


def covariates(
    density_km2: NDArray[np.float64], seat: NDArray[np.bool_], divide_km: NDArray[np.float64], rng: np.random.Generator
) -> pd.DataFrame:
    """Draw schooling (years) and the urban, industry and young shares, correlated as in towns and countryside.

    Args:
        density_km2: Residents per km2, shape (N,).
        seat: Whether the county is the seat of its prefecture, shape (N,).
        divide_km: Distance from the Heihe-Tengchong line, positive in the south-east, shape (N,).
        rng: Source of randomness.
    """
    noise = iter(rng.standard_normal((4, len(seat))))
    dense, east = _standard(np.log(density_km2)), np.tanh(divide_km / 400.0)
    urban = _standard(0.5 * dense + 1.1 * seat + 0.8 * next(noise))
    schooling = _standard(0.6 * urban + 0.2 * east + 0.7 * next(noise))
    industry = _standard(0.3 * urban + 0.3 * dense + 0.4 * east + 0.8 * next(noise))
    young = _standard(0.3 * urban + 0.25 * industry + 0.85 * next(noise))
    return pd.DataFrame(
        {
            "schooling": 8.8 + 1.3 * schooling,
            "urban_share": 0.02 + 0.97 * _logistic(-0.1 + 1.0 * urban),
            "industry_share": _logistic(-1.75 + 0.75 * industry),
            "young_share": 0.24 + 0.03 * young,
        }
    )


def vital_rates(
    schooling: NDArray[np.float64], divide_km: NDArray[np.float64], rng: np.random.Generator
) -> pd.DataFrame:
    """Draw birth and death rates per year, about 0.0100 and 0.0056; births are higher in the west, shape (N,) each."""
    noise = rng.standard_normal((2, len(schooling)))
    east, learned = _standard(np.tanh(divide_km / 400.0)), _standard(schooling)
    births = _standard(-0.5 * east - 0.4 * learned + 0.8 * noise[0])
    deaths = _standard(0.2 * east - 0.3 * learned + 0.9 * noise[1])
    return pd.DataFrame(
        {"birth_rate": _lognormal(0.0100, 0.29, births), "death_rate": _lognormal(0.0056, 0.175, deaths)}
    )


def _to_census(province: NDArray[np.intp], weight: NDArray[np.float64], year: int) -> NDArray[np.float64]:
    """Share out the residents of each province by weight, `MIN_RESIDENTS` for every county first."""
    persons = np.empty(len(province))
    for row, facts in enumerate(PROVINCES):
        own = province == row
        persons[own] = MIN_RESIDENTS + apportion(facts.residents(year) - MIN_RESIDENTS * int(own.sum()), weight[own])
    return persons


def _standard(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((values - values.mean()) / values.std())


def _logistic(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1.0 / (1.0 + np.exp(-values)))


def _lognormal(mean: float, spread: float, score: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn standard normal scores into a lognormal variable with this mean and spread of the logarithm."""
    return np.asarray(mean * np.exp(spread * score - spread**2 / 2.0))
