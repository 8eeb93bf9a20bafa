"""The quantities that are kept of a census: names, dimensions, units, sums or means, and what compares over time."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

AGES = ("0", "1-4", *(f"{first}-{first + 4}" for first in range(5, 85, 5)), "85+")
SEXES = ("male", "female")
LEVELS = ("none", "preschool", "primary", "junior_secondary", "senior_secondary", "college", "university")
SECTORS = (
    "agriculture",
    "mining",
    "manufacturing",
    "utilities",
    "construction",
    "transport",
    "information",
    "trade",
    "accommodation",
    "finance",
    "real_estate",
    "business_services",
    "research",
    "environment",
    "personal_services",
    "education",
    "health",
    "culture",
    "public_administration",
    "international",
)
ORIGINS = ("same_county", "other_county", "other_province")
DIMENSIONS = {"age": AGES, "sex": SEXES, "level": LEVELS, "sector": SECTORS, "band": ORIGINS}
"""Categories of each dimension, in order."""


@dataclass(frozen=True)
class Quantity:
    """One quantity of the year-books.

    Attributes:
        name: Name of the variable.
        long_name: What it counts or measures.
        units: Of the values as kept.
        kind: A "count" is summed over places; a "mean" is averaged with `weight`.
        dims: Dimensions besides the row.
        weight: Quantity whose total over its dimensions weighs a mean.
        bounds: Least and greatest value that a mean can have.
        definition: What the book of a year means by it.
        not_comparable: Why a category, or "*" for all of them, must not be compared between censuses.
    """

    name: str
    long_name: str
    units: str
    kind: Literal["count", "mean"]
    dims: tuple[str, ...] = ()
    weight: str | None = None
    bounds: tuple[float, float] = (0.0, math.inf)
    definition: Mapping[int, str] = field(default_factory=dict)
    not_comparable: Mapping[str, str] = field(default_factory=dict)

    def attributes(self, year: int) -> dict[str, str]:
        """Give units, long_name and, where the book of a year has one, definition."""
        named = {"units": self.units, "long_name": self.long_name}
        return named | ({"definition": self.definition[year]} if year in self.definition else {})


_LONG_FORM = (
    "counted on the long form, a sample of about a tenth of the households drawn anew for each census, and sorted by "
    "GB/T 4754-2002 in 2010 and GB/T 4754-2017 in 2020; compare shares of the total, with care"
)
_WITHIN_CITY = (
    "a move between the districts of one city is in same_county in 2010 (its own city's urban districts) and in "
    "other_county in 2020; only their sum compares"
)
_A_YEAR = "in the year before the census for each 1,000 residents"
_REGISTERED_ELSEWHERE = "residents registered in another township or street office, whenever they came"


def _count(name: str, long_name: str, *dims: str, units: str = "persons", **notes: Any) -> Quantity:
    return Quantity(name, long_name, units, "count", dims, **notes)


def _mean(name: str, long_name: str, units: str, weight: str, bounds: tuple[float, float], **notes: Any) -> Quantity:
    return Quantity(name, long_name, units, "mean", (), weight, bounds, **notes)


_ALL = (
    _count("residents", "residents"),
    _count("residents_by_sex", "residents by sex", "sex"),
    _count("residents_by_age", "residents by age and sex", "age", "sex"),
    _count(
        "registered",
        "people registered here (hukou)",
        definition={2010: "people whose household registration is here, wherever they live"},
    ),
    _mean(
        "nonagricultural_share",
        "share of residents with a non-agricultural registration",
        "1",
        "residents",
        (0.0, 1.0),
        definition={2010: "of the residents: only with them as weight do the places give the printed shares of totals"},
    ),
    _count("urban", "urban residents"),
    _count("rural", "rural residents"),
    _count("households", "family households", units="households"),
    _count("household_residents", "residents of family households"),
    _mean(
        "housing_area",
        "housing area per resident of a family household",
        "m2_per_person",
        "household_residents",
        (0.5, 200.0),
        definition={
            2010: "of all family households",
            2020: "of the 94 % of family households that live in a dwelling; their residents are not kept",
        },
        not_comparable={"*": "2010 averages all family households, 2020 the 94 % of them that live in a dwelling"},
    ),
    _mean("birth_rate", f"births {_A_YEAR}", "per_mille", "residents", (0.0, 100.0)),
    _mean("death_rate", f"deaths {_A_YEAR}", "per_mille", "residents", (0.0, 100.0)),
    _mean("natural_increase_rate", f"births less deaths {_A_YEAR}", "per_mille", "residents", (-100.0, 100.0)),
    _count(
        "in_migrants",
        "residents registered in another township, by where",
        "band",
        definition={2010: _REGISTERED_ELSEWHERE, 2020: _REGISTERED_ELSEWHERE},
        not_comparable={"same_county": _WITHIN_CITY, "other_county": _WITHIN_CITY},
    ),
    _count(
        "education",
        "residents aged 6 and over by level of education",
        *("level", "sex"),
        definition={
            2010: "aged 6 and over; who went to kindergarten alone is in none",
            2020: "aged 6 and over; who went to kindergarten alone is in preschool",
        },
        not_comparable={
            "none": "2010 has those who went to kindergarten alone in none, 2020 in preschool; only their sum compares",
            "preschool": "2020 alone",
        },
    ),
    _mean(
        "schooling",
        "mean years of schooling as printed",
        "years",
        "schooling_residents",
        (0.0, 20.0),
        definition={2010: "of residents aged 15 and over", 2020: "of residents aged 6 and over"},
        not_comparable={"*": "2010 averages residents aged 15 and over, 2020 those aged 6 and over"},
    ),
    _count(
        "schooling_residents",
        "residents that the printed mean years of schooling average",
        definition={2010: "residents aged 15 and over", 2020: "residents aged 6 and over"},
        not_comparable={"*": "2010 counts residents aged 15 and over, 2020 those aged 6 and over"},
    ),
    _mean(
        "schooling_levels",
        "mean years of schooling of residents aged 6 and over, from their levels",
        "years",
        "education",
        (0.0, 16.0),
        definition=dict.fromkeys((2010, 2020), "primary 6, junior secondary 9, senior secondary 12, above 16 years"),
    ),
    _count("employed_total", "employed people of the long form", not_comparable={"*": _LONG_FORM}),
    _count("employed", "employed people of the long form by industry", "sector", not_comparable={"*": _LONG_FORM}),
)
QUANTITIES = {quantity.name: quantity for quantity in _ALL}
"""Every quantity by its name, those of the columns and those made of them (`derived`)."""
