"""The kinds of value a config may hold: files, years, columns, names; strict, and nothing unknown."""

import os
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationInfo

RESERVED = frozenset(
    {
        *("zone", "year", "name", "province", "province_name", "prefecture", "lon", "lat", "area", "population"),
        *("birth_rate", "death_rate", "imputed", "divide_distance", "east", "area_share_east"),
    }
)
"""Names of variables of `zones.nc`; a covariate must have another."""
CENSUSES = frozenset(
    {
        *("population_counted", "population_divided", "members", "districts"),
        *("age", "sex", "level", "sector", "band"),
    }
)
"""Names that harmonised censuses bring to `zones.nc` beside those: flags, census units, and their dimensions."""
OF_MAP = {"area": "km2", "members": "1", "districts": "1"}
"""Quantities that a zone has from the map and in no year, with their units; censuses bring all others."""
DATA_VARIABLE = "${FLOWMODEL_DATA}"


def data_folder() -> Path:
    """Give the folder that `${FLOWMODEL_DATA}` stands for: the environment's, else `data` in the checkout."""
    return Path(os.environ.get("FLOWMODEL_DATA") or Path(__file__).resolve().parents[2] / "data")


def _absolute(value: object, info: ValidationInfo) -> object:
    """Let a path start at the config's folder. Links stay as they are: messages name a file as the user did."""
    if not isinstance(value, str):
        return value
    path = Path(value.replace(DATA_VARIABLE, str(data_folder())))
    return info.context["base"] / path if info.context else path


def _year(value: object) -> object:
    """TOML keys are text; a census year is a number of four digits."""
    return int(value) if isinstance(value, str) and len(value) == 4 and value.isdecimal() else value


File = Annotated[Path, BeforeValidator(_absolute)]
Year = Annotated[int, BeforeValidator(_year), Field(ge=1900, le=2200)]
Column = Annotated[str, StringConstraints(min_length=1)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Missing = Literal["province_mean"] | None


class Strict(BaseModel):
    """A section that accepts its own keys, with values of their own types, and nothing else."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", str_strip_whitespace=True)


def names_free(covariates: Collection[str], reserved: Collection[str] = RESERVED) -> None:
    """Refuse covariates that are called like another variable of `zones.nc`.

    Args:
        covariates: Their names.
        reserved: Names that the source gives itself; so are all that begin with "census_".

    Raises:
        ValueError: With the names.
    """
    taken = sorted(name for name in covariates if name in reserved or name.startswith("census_"))
    if taken:
        raise ValueError(f"covariate names in use for something else: {', '.join(taken)}")
