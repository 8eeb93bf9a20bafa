"""The quantities that are kept of a census: names, dimensions, units, how they add up, and what compares over time."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

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
        dims: Dimensions beside the row.
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


_LONG_FORM = (
    "counted on the long form, a sample of about a tenth of the households drawn anew for each census, and sorted by "
    "GB/T 4754-2002 in 2010 and GB/T 4754-2017 in 2020; compare shares of the total, with care"
)
_WITHIN_CITY = (
    "a move between the districts of one city is in same_county in 2010 (its own city's urban districts) and in "
    "other_county in 2020; only their sum compares"
)
_REGISTERED_ELSEWHERE = "residents registered in another township or street office, whenever they came"
_ALL = (
    Quantity("residents", "residents", "persons", "count"),
    Quantity("residents_by_sex", "residents by sex", "persons", "count", ("sex",)),
    Quantity("residents_by_age", "residents by age and sex", "persons", "count", ("age", "sex")),
    Quantity(
        "registered",
        "people registered here (hukou)",
        "persons",
        "count",
        definition={2010: "people whose household registration is here, wherever they live"},
    ),
    Quantity(
        "nonagricultural_share",
        "share of residents with a non-agricultural registration",
        "1",
        "mean",
        weight="residents",
        bounds=(0.0, 1.0),
        definition={2010: "of the residents: only with them as weight do the places give the printed shares of totals"},
    ),
    Quantity("urban", "urban residents", "persons", "count"),
    Quantity("rural", "rural residents", "persons", "count"),
    Quantity("households", "family households", "households", "count"),
    Quantity("household_residents", "residents of family households", "persons", "count"),
    Quantity(
        "housing_area",
        "housing area per resident of a family household",
        "m2_per_person",
        "mean",
        weight="household_residents",
        bounds=(0.5, 200.0),
        definition={
            2010: "of all family households",
            2020: "of the 94 % of family households that live in a dwelling; how many people that is, is not kept",
        },
        not_comparable={"*": "2010 averages all family households, 2020 the 94 % of them that live in a dwelling"},
    ),
    Quantity(
        "birth_rate",
        "births in the year before the census for each 1,000 residents",
        "per_mille",
        "mean",
        weight="residents",
        bounds=(0.0, 100.0),
    ),
    Quantity(
        "death_rate",
        "deaths in the year before the census for each 1,000 residents",
        "per_mille",
        "mean",
        weight="residents",
        bounds=(0.0, 100.0),
    ),
    Quantity(
        "natural_increase_rate",
        "births less deaths in the year before the census for each 1,000 residents",
        "per_mille",
        "mean",
        weight="residents",
        bounds=(-100.0, 100.0),
    ),
    Quantity(
        "in_migrants",
        "residents registered in another township, by where",
        "persons",
        "count",
        ("band",),
        definition={2010: _REGISTERED_ELSEWHERE, 2020: _REGISTERED_ELSEWHERE},
        not_comparable={"same_county": _WITHIN_CITY, "other_county": _WITHIN_CITY},
    ),
    Quantity(
        "education",
        "residents aged 6 and over by level of education",
        "persons",
        "count",
        ("level", "sex"),
        definition={
            2010: "aged 6 and over; who went to kindergarten alone is in none",
            2020: "aged 6 and over; who went to kindergarten alone is in preschool",
        },
        not_comparable={
            "none": "2010 has those who went to kindergarten alone in none, 2020 in preschool; only their sum compares",
            "preschool": "2020 alone",
        },
    ),
    Quantity(
        "schooling",
        "mean years of schooling as printed",
        "years",
        "mean",
        weight="schooling_residents",
        bounds=(0.0, 20.0),
        definition={2010: "of residents aged 15 and over", 2020: "of residents aged 6 and over"},
        not_comparable={"*": "2010 averages residents aged 15 and over, 2020 those aged 6 and over"},
    ),
    Quantity(
        "schooling_residents",
        "residents that the printed mean years of schooling average",
        "persons",
        "count",
        definition={2010: "residents aged 15 and over", 2020: "residents aged 6 and over"},
        not_comparable={"*": "2010 counts residents aged 15 and over, 2020 those aged 6 and over"},
    ),
    Quantity(
        "schooling_levels",
        "mean years of schooling of residents aged 6 and over, from their levels",
        "years",
        "mean",
        weight="education",
        bounds=(0.0, 16.0),
        definition=dict.fromkeys((2010, 2020), "primary 6, junior secondary 9, senior secondary 12, above 16 years"),
    ),
    Quantity(
        "employed_total",
        "employed people of the long form",
        "persons",
        "count",
        not_comparable={"*": _LONG_FORM},
    ),
    Quantity(
        "employed",
        "employed people of the long form by industry",
        "persons",
        "count",
        ("sector",),
        not_comparable={"*": _LONG_FORM},
    ),
)
QUANTITIES = {quantity.name: quantity for quantity in _ALL}
"""Every quantity by its name, those of the columns and those made of them (`derived`)."""
