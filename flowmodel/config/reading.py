"""From a TOML file to a typed configuration, with one message for everything that is wrong in it."""

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError

from flowmodel.errors import ConfigError

Form = TypeVar("Form", bound=BaseModel)

_SHOWN = 80
"""Characters of a wrong value that a message repeats."""


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


def typed(form: type[Form], tables: Mapping[str, Any], source: str) -> Form:
    """`tables` as a configuration of the form `form`; `source` names the file in messages.

    Raises:
        ConfigError: one message with every unknown key (and the nearest known one), wrong type and bound passed.
    """
    try:
        return form.model_validate(tables)
    except ValidationError as error:
        raise coded(error, form, source) from None


def coded(error: ValidationError, form: type[BaseModel], source: str, section: str | None = None) -> ConfigError:
    """What pydantic found as one coded error (E-CONFIG-KEY); arguments as of `validation_text`."""
    return ConfigError("E-CONFIG-KEY", f"{source}: {validation_text(error, form, section)}", "see docs/configs.md")


def as_toml(config: BaseModel) -> dict[str, Any]:
    """A configuration with every default written out, as TOML can hold it."""
    tables: dict[str, Any] = _text_keys(config.model_dump(mode="json", exclude_none=True))
    return tables


def _text_keys(value: Any) -> Any:
    return {str(key): _text_keys(inner) for key, inner in value.items()} if isinstance(value, dict) else value


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
