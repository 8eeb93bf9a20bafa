"""The typed configuration of a run, as read from TOML: every key the model knows, its bounds and its default.

Sections: `[run]`, `[model]`, `[parameters]`, `[truth]`, `[fit]`, `[runtime]`. What is under `[zones]` concerns maps and
is typed by the other package; here it stays a plain table.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, ValidationError, model_validator

from flowmodel.errors import ConfigError


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise ValueError("a name stands twice")
    return names


Year = Annotated[int, Field(ge=1900, le=2200)]
RatePath = dict[Year, Annotated[float, Field(gt=0, le=10, strict=True)]]
Targets = tuple[Literal["growth", "national_total"], ...]
Names = Annotated[tuple[str, ...], AfterValidator(_distinct)]
Number = Annotated[float, Field(strict=True)]

_SHOWN = 80
"""Characters of a wrong value that a message repeats."""


class Section(BaseModel):
    """A table of the configuration: frozen, no unknown keys, no NaN or infinity, no text for a number."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Run(Section):
    """`[run]`: what the run is called and the seed of everything random in it."""

    name: Annotated[str, Field(pattern=r"^\w[\w.-]*$", max_length=100)]
    seed: Annotated[int, Field(ge=0, lt=2**32, strict=True)] = 0


class Natural(Section):
    """`[model.natural]`: multipliers of the zones' birth and death rates by year, linear between the years named."""

    birth_path: RatePath = {}
    death_path: RatePath = {}


class Model(Section):
    """`[model]`: the years that are run and the covariates that pull people in and send them off."""

    years: tuple[Year, Year]
    attraction: Names = ()
    departure: Names = ()
    natural: Natural = Natural()

    @model_validator(mode="after")
    def _ordered(self) -> Model:
        if not 1 <= self.years[1] - self.years[0] <= 200:
            raise ValueError(f"years = {list(self.years)}: the last must come 1 to 200 years after the first")
        return self


class Override(Section):
    """`[parameters.NAME]`: another bound or prior for a parameter, or a value to hold it at."""

    fixed: Number | None = None
    lower: Number | None = None
    upper: Number | None = None
    prior_mean: Number | None = None
    prior_sd: Annotated[float, Field(gt=0, strict=True)] | None = None


class Fit(Section):
    """`[fit]`: what is fitted to, and how the search goes."""

    targets: Annotated[Targets, Field(min_length=1)] = ("growth", "national_total")
    priors: StrictBool = True
    degrees_of_freedom: Annotated[float, Field(gt=2, le=1000, strict=True)] = 4.0
    national_sd: Annotated[float, Field(gt=0, le=1, strict=True)] = 1e-4
    adam_steps: Annotated[int, Field(ge=0, le=100_000, strict=True)] = 150
    adam_rate: Annotated[float, Field(gt=0, le=1, strict=True)] = 0.05
    lbfgs_steps: Annotated[int, Field(ge=0, le=100_000, strict=True)] = 300
    tolerance: Annotated[float, Field(gt=0, le=1, strict=True)] = 1e-3
    start: Literal["prior", "draw"] = "prior"
    require_identified: StrictBool = False


class Runtime(Section):
    """`[runtime]`: the device, and the precision of the pair kernel (vectors and accounts are always float64)."""

    device: Literal["auto", "cpu", "gpu", "tpu"] = "auto"
    kernel: Literal["float32", "float64"] = "float32"


class Config(Section):
    """A whole configuration file."""

    run: Run
    zones: dict[str, Any]
    model: Model
    parameters: dict[str, Override] = {}
    truth: dict[str, Number] = {}
    fit: Fit = Fit()
    runtime: Runtime = Runtime()


def read_toml(file: Path) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises:
        ConfigError: the file is missing or is no TOML; the message gives the line.
    """
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, IsADirectoryError):
        raise ConfigError("E-CONFIG-FILE", f"no such file: {file}", "name an existing configuration") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError("E-CONFIG-TOML", f"{file}: {error}", "correct that line") from None


def override(tables: dict[str, Any], assignment: str) -> None:
    """Applies one `section.key=value` (a TOML value, or bare text) to `tables` in place.

    Raises:
        ConfigError: the assignment has no `=` or names no key.
    """
    path, equals, text = assignment.partition("=")
    keys = [key.strip() for key in path.split(".")]
    if not equals or not all(keys):
        raise ConfigError("E-CONFIG-SET", f"--set {assignment!r}", "write --set section.key=value")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    for key in keys[:-1]:
        tables = tables.setdefault(key, {})
        if not isinstance(tables, dict):
            raise ConfigError("E-CONFIG-SET", f"--set {assignment!r}: {key} is no section", "name a section")
    tables[keys[-1]] = value


def parse(tables: dict[str, Any], source: str) -> Config:
    """`tables` as a typed configuration; `source` names the file in messages.

    Raises:
        ConfigError: one message with every unknown key (and the nearest known one), wrong type and bound passed.
    """
    try:
        return Config.model_validate(tables)
    except ValidationError as error:
        raise ConfigError(
            "E-CONFIG-KEY", f"{source}: {validation_text(error, Config)}", "see docs/configs.md"
        ) from None


def validation_text(error: ValidationError, model: type[BaseModel], section: str | None = None) -> str:
    """Every problem of a pydantic error on one line each, unknown keys with the nearest key of their own table.

    Args:
        error: what pydantic found.
        model: what was expected.
        section: name of the section where `model` is one of the forms it may take; pydantic then begins each place
            with the tag of the form, and the message with the section.
    """
    lines = []
    for problem in error.errors():
        within = problem["loc"] if section is None else problem["loc"][1:]
        key = ".".join(str(part) for part in (within if section is None else (section, *within)))
        line = f"{key}: {problem['msg']} (got {_short(problem['input'])})"
        if problem["type"] == "extra_forbidden":
            near = difflib.get_close_matches(str(within[-1]), _keys(model, within[:-1]), n=1)
            line = f"{key}: unknown key" + (f", perhaps {near[0]}" if near else "")
        lines.append(line)
    return "; ".join(lines)


def _short(value: Any) -> str:
    """A value as a message may repeat it: of a table that lacks a key, its beginning is enough."""
    text = repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def _keys(kind: Any, place: Sequence[int | str]) -> list[str]:
    """The keys of the table at `place` in a value of type `kind`."""
    tables = _tables(kind)
    for part in place:
        tables = [inner for table in tables for inner in _tables(_inside(table, part))]
    return [name for table in tables if get_origin(table) is not dict for name in table.model_fields]


def _tables(kind: Any) -> list[Any]:
    """The models and dictionaries that a type may be: `Annotated` and optional ones too."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [kind]
    if get_origin(kind) is dict:
        return [kind]
    return [table for inner in get_args(kind) for table in _tables(inner)]


def _inside(table: Any, part: int | str) -> Any:
    """The type of the value under one key: those of a dictionary are all alike."""
    if get_origin(table) is dict:
        return get_args(table)[1]
    field = table.model_fields.get(part)
    return None if field is None else field.annotation
