"""`[model.stock]`: settings of the registered population, its processes, and what is assumed of the first census."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictBool, model_validator

from .fields import Names, Positive, Section, Share, Year

Returning = Literal["off", "residence", "origin", "both", "pair"]
Network = Literal["off", "frozen", "evolving"]

SKILLS = ("low", "middle", "high")
AGES = ("0-14", "15-29", "30-44", "45-59", "60+")


class Published(Section):
    """`[model.stock.children.published]`: published national numbers of children in one year, persons.

    Defaults are from "What the 2020 census can tell us about children in China" (National Bureau of Statistics, UNICEF,
    UNFPA 2023). `left_behind` is a range, since published numbers differ.
    """

    year: Year = 2020
    children: Positive = 298e6
    migrant: Positive = 71.09e6
    migrant_share: Share = 0.2388
    left_behind: tuple[Positive, Positive] = (60e6, 67e6)
    left_behind_rural: Positive = 41.8e6
    left_behind_town: Positive = 25.2e6

    @model_validator(mode="after")
    def _ordered(self) -> Published:
        if self.left_behind[0] > self.left_behind[1]:
            raise ValueError("left_behind: give the smaller number first")
        return self


class Children(Section):
    """`[model.stock.children]`: counts migrant and left-behind children; they do not change the other results."""

    school: str = "schooling"
    published: Published = Published()


class Stock(Section):
    """`[model.stock]`: the population by place of registration; without this section a model has residents only."""

    groups: Literal["one", "skills", "skills_ages"] = "one"
    by_group: tuple[Literal["mass", "distance", "departure_level", "hukou", "return_level", "within_level"], ...] = ()
    returning: Returning = "residence"
    far_covariates: Names = ()
    return_covariates: Names = ()
    return_origin_covariates: Names = ()
    within_covariates: Names = ()
    conversion: StrictBool = True
    onward: StrictBool = False
    network: Network = "off"
    competing: StrictBool = False
    nest: StrictBool = False
    path: Literal["auto", "factored", "pairwise"] = "auto"
    same_county_spans_city: tuple[Year, ...] = ()
    own_district: Positive = 13.7
    least_away: Share = 0.005
    least_far: Share = 0.05
    strictness: Annotated[dict[str, Share | Literal[1]], Field(min_length=1)] = {
        "1e6": 0.25,
        "3e6": 0.5,
        "5e6": 0.75,
        "1e7": 1,
    }
    children: Children | None = None

    @model_validator(mode="after")
    def _together(self) -> Stock:
        if len(set(self.by_group)) < len(self.by_group):
            raise ValueError("by_group: a name is given twice")
        if self.by_group and self.groups == "one":
            raise ValueError("by_group needs groups = 'skills' or 'skills_ages'")
        if self.path == "factored" and (why := self.needs_pairs()):
            raise ValueError(f"path = 'factored' does not support {', '.join(why)}")
        try:
            thresholds = [float(people) for people in self.strictness]
        except ValueError:
            raise ValueError("strictness: keys must be numbers of people, such as '1e6'") from None
        if sorted(thresholds) != thresholds or min(thresholds) <= 0:
            raise ValueError("strictness: numbers of people must be positive and in ascending order")
        return self

    def needs_pairs(self) -> tuple[str, ...]:
        """Settings that need the migrants of every pair of zones in every year, so the factored path cannot be used."""
        asked = {
            "returning = 'pair'": self.returning == "pair",
            "onward": self.onward,
            "network": self.network != "off",
            "competing": self.competing,
            "nest": self.nest,
            "groups = 'skills_ages'": self.groups == "skills_ages",
        }
        return tuple(name for name, on in asked.items() if on)

    def names(self) -> tuple[str, ...]:
        """Names of the groups of people, in order; `("all",)` for one group."""
        match self.groups:
            case "skills":
                return SKILLS
            case "skills_ages":
                return tuple(f"{skill}:{age}" for skill in SKILLS for age in AGES)
        return ("all",)
