"""`[model.stock]`: settings of the registered population, its processes, and what is assumed of the first census."""

from typing import Annotated, Literal, Self

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

    year: Year = Field(
        default=2020, description="year of the figures; they are compared with the results of this year only"
    )
    children: Positive = Field(default=298e6, description="persons under 18")
    migrant: Positive = Field(default=71.09e6, description="of them, in the floating population")
    migrant_share: Share = Field(default=0.2388, description="their share of all children")
    left_behind: tuple[Positive, Positive] = Field(
        default=(60e6, 67e6), description="range of the number of children left behind; a fit takes the middle"
    )
    left_behind_rural: Positive = Field(default=41.8e6, description="of them, registered in the countryside")
    left_behind_town: Positive = Field(default=25.2e6, description="of them, registered in towns")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.left_behind[0] > self.left_behind[1]:
            raise ValueError("left_behind: give the smaller number first")
        return self


class Children(Section):
    """`[model.stock.children]`: counts migrant and left-behind children; they do not change the other results."""

    school: str = Field(default="schooling", description="covariate that measures access to school")
    published: Published = Published()


class Stock(Section):
    """`[model.stock]`: the population by place of registration; without this section a model has residents only."""

    groups: Literal["one", "skills", "skills_ages"] = Field(
        default="one",
        description=(
            "groups of people: everybody, three skills (needs the education of the first census), or "
            "skills by five ages (needs the pairwise path)"
        ),
    )
    by_group: tuple[Literal["mass", "distance", "departure_level", "hukou", "return_level", "within_level"], ...] = (
        Field(default=(), description="parameters that each skill has for itself, such as `distance@low`")
    )
    returning: Returning = Field(
        default="residence",
        description=(
            "whose covariates decide on returns home: those of the zone of residence, of the zone of "
            'registration, of both (either can cause a return), or their product (`"pair"`, pairwise '
            "path)"
        ),
    )
    far_covariates: Names = Field(
        default=(), description="covariates of the additional pull of a zone on people from other provinces"
    )
    return_covariates: Names = Field(default=(), description="covariates of the return rate by zone of residence")
    return_origin_covariates: Names = Field(
        default=(), description="covariates of the return rate by zone of registration"
    )
    within_covariates: Names = Field(default=(), description="covariates of moves inside a zone")
    conversion: StrictBool = Field(
        default=True, description="whether people from elsewhere may become registered where they live"
    )
    onward: StrictBool = Field(default=False, description="whether people away move on to a third zone (pairwise path)")
    network: Network = Field(
        default="off",
        description=(
            "pull of people from the same zone who moved before: of the first year, or of every year (pairwise path)"
        ),
    )
    competing: StrictBool = Field(
        default=False, description="competing destinations (Fotheringham 1983; pairwise path)"
    )
    nest: StrictBool = Field(
        default=False, description="whether the counties of a prefecture are closer alternatives (pairwise path)"
    )
    path: Literal["auto", "factored", "pairwise"] = Field(
        default="auto",
        description=(
            "how the stock is computed: by factors of zones, by pairs of zones, or by factors where all "
            "processes allow it"
        ),
    )
    same_county_spans_city: tuple[Year, ...] = Field(
        default=(), description="censuses whose first band includes moves between the districts of one city"
    )
    own_district: Positive = Field(
        default=13.7,
        description=(
            "factor by which a district keeps more of the moves inside its city than its share of people;"
            " 13.7 gives the 116.9 M of 2020"
        ),
    )
    least_away: Share = Field(
        default=0.005,
        description=(
            "smallest share of registered people who are away, for zones where fewer are registered than "
            "live there at home"
        ),
    )
    least_far: Share = Field(
        default=0.05, description="smallest share of a province's people away who are in other provinces"
    )
    strictness: Annotated[dict[str, Share | Literal[1]], Field(min_length=1)] = Field(
        default={
            "1e6": 0.25,
            "3e6": 0.5,
            "5e6": 0.75,
            "1e7": 1,
        },
        description="strictness of registration by urban residents of the city: steps as in the rules of 2014",
    )
    children: Children | None = None

    @model_validator(mode="after")
    def _together(self) -> Self:
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
