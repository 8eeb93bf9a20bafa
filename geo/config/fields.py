"""The kinds of value a config may hold: files, years, columns, names; strict, and nothing unknown."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationInfo

DATA_VARIABLE = "${FLOWMODEL_DATA}"


def data_folder() -> Path:
    """Give the folder that `${FLOWMODEL_DATA}` stands for: the environment's, else `data` in the checkout."""
    return Path(os.environ.get("FLOWMODEL_DATA") or Path(__file__).resolve().parents[2] / "data")


def _resolve(value: object, info: ValidationInfo) -> object:
    if not isinstance(value, str):
        return value
    path = Path(value.replace(DATA_VARIABLE, str(data_folder())))
    return (info.context["base"] / path).resolve() if info.context else path


def _year(value: object) -> object:
    """TOML keys are text; a census year is a number of four digits."""
    return int(value) if isinstance(value, str) and len(value) == 4 and value.isdecimal() else value


File = Annotated[Path, BeforeValidator(_resolve)]
Year = Annotated[int, BeforeValidator(_year), Field(ge=1900, le=2200)]
Column = Annotated[str, StringConstraints(min_length=1)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Missing = Literal["province_mean"] | None


class Strict(BaseModel):
    """A section that accepts its own keys, with values of their own types, and nothing else."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", str_strip_whitespace=True)
