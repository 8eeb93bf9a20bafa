"""Types of values in configurations, and the base class of their sections."""

import datetime
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationInfo

RESERVED = frozenset(
    {
        *("zone", "year", "name", "province", "province_name", "prefecture", "lon", "lat", "area", "population"),
        *("birth_rate", "death_rate", "imputed", "divide_distance", "east", "area_share_east"),
    }
)
"""Names of variables of `zones.nc`, which a covariate must not have."""
CENSUSES = frozenset(
    {
        *("population_counted", "population_divided", "members", "districts"),
        *("age", "sex", "level", "sector", "band"),
    }
)
"""Further names in `zones.nc` of harmonised censuses: flags, census units, and their dimensions."""
OF_MAP = {"area": "km2", "members": "1", "districts": "1"}
"""Quantities of a zone that come from the map and have no year, with their units; all others are of censuses."""
DATA_VARIABLE = "${FLOWMODEL_DATA}"


def data_folder() -> Path:
    """Give the folder that `${FLOWMODEL_DATA}` stands for: the environment's, else `data` in the checkout."""
    return Path(os.environ.get("FLOWMODEL_DATA") or Path(__file__).resolve().parents[2] / "data")


def _absolute(value: object, info: ValidationInfo) -> object:
    """Let a path start at the config's folder, links unresolved, so that messages name a file as the user did."""
    if not isinstance(value, str):
        return value
    path = Path(value.replace(DATA_VARIABLE, str(data_folder())))
    return info.context["base"] / path if info.context else path


def _year(value: object) -> object:
    """TOML keys are text; a census year is a number of four digits."""
    return int(value) if isinstance(value, str) and len(value) == 4 and value.isdecimal() else value


def _day(value: object) -> object:
    """A day is a TOML date; the configuration that a run writes has it as text."""
    try:
        return datetime.date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return value


File = Annotated[Path, BeforeValidator(_absolute)]
Year = Annotated[int, BeforeValidator(_year), Field(ge=1900, le=2200)]
Column = Annotated[str, StringConstraints(min_length=1)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Missing = Annotated[
    Literal["province_mean"] | None,
    Field(
        description="fills missing values with the population-weighted mean of the province; filled zones are marked "
        "`imputed`"
    ),
]
LongName = Annotated[str | None, Field(description="label in figures")]
Day = Annotated[datetime.date, BeforeValidator(_day)]


class Strict(BaseModel):
    """A section that accepts only its own keys, with values of their own types."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", str_strip_whitespace=True)

    @classmethod
    def read(cls, tables: Mapping[str, Any], base: Path) -> Self:
        """Read the tables of a config, as TOML gives them; relative paths start at the config's folder `base`.

        Raises:
            pydantic.ValidationError: With every problem of the tables.
        """
        return cls.model_validate(dict(tables), context={"base": base.resolve()})

    @property
    def edited(self) -> list[Path]:
        """Files of this section that a run may have written and a user edited."""
        return []
