"""`[model] law`: the name of a law, or a user's own function."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, PlainSerializer, ValidationInfo, field_validator

from .fields import Section
from .paths import located


class OwnLaw(Section):
    """`[model] law = { file = "…", function = "…" }`: ln f(distance_km, parameter = start, …) in a Python file.

    A relative path starts at the folder of the configuration; reading makes it absolute.
    """

    file: str = Field(description="Python file, relative to the configuration")
    function: Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")] = Field(description="function in it")

    @field_validator("file")
    @classmethod
    def _located(cls, file: str, info: ValidationInfo) -> str:
        base: Path | None = (info.context or {}).get("base")
        return file if base is None else str(located(base, file))


def _named(function: Callable[..., Any]) -> dict[str, str]:
    """File and name of a function in memory, as in a configuration file."""
    return {"file": inspect.getsourcefile(function) or "", "function": function.__name__}


LawName = Annotated[str, Field(min_length=1)]
"""A name in `gravity.decay.LAWS` or, for flow tables, in `interaction.model.laws.LAWS`."""
LawChoice = LawName | OwnLaw | Annotated[Callable[..., Any], PlainSerializer(_named)]
"""A law by name, by file and function, or (in Python) the function itself."""
