"""The kinds of value that keys may have, and the section that refuses everything else."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise ValueError("a name stands twice")
    return names


Year = Annotated[int, Field(ge=1900, le=2200)]
ShiftPath = dict[Year, Annotated[float, Field(allow_inf_nan=False, strict=True)]]
RatePath = dict[Year, Annotated[float, Field(gt=0, le=10, strict=True)]]
Names = Annotated[tuple[str, ...], AfterValidator(_distinct)]
Number = Annotated[float, Field(strict=True)]
Positive = Annotated[float, Field(gt=0, strict=True)]
Share = Annotated[float, Field(ge=0, lt=1, strict=True)]


class Section(BaseModel):
    """A table of the configuration: frozen, no unknown keys, no NaN or infinity, no text for a number."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
