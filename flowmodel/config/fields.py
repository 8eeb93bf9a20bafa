"""Types of values in configurations, and the base class of sections."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise ValueError("a name is given twice")
    return names


Year = Annotated[int, Field(ge=1900, le=2200)]
ShiftPath = dict[Year, Annotated[float, Field(allow_inf_nan=False, strict=True)]]
RatePath = dict[Year, Annotated[float, Field(gt=0, le=10, strict=True)]]
Names = Annotated[tuple[str, ...], AfterValidator(_distinct)]
Number = Annotated[float, Field(strict=True)]
Positive = Annotated[float, Field(gt=0, strict=True)]
Share = Annotated[float, Field(ge=0, lt=1, strict=True)]


class Section(BaseModel):
    """A section of a configuration. It is immutable and refuses unknown keys, NaN and infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
