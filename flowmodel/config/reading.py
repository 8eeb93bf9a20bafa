"""From a TOML file to a typed configuration."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from flowmodel.config.problems import Problem, config_error, problems
from flowmodel.errors import ConfigError

Form = TypeVar("Form", bound=BaseModel)


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


def typed(
    form: type[Form], tables: Mapping[str, Any], source: str, base: Path | None = None, more: Sequence[Problem] = ()
) -> Form:
    """`tables` as a configuration of the form `form`.

    Args:
        form: what is expected.
        tables: the tables of the configuration.
        source: names the file in messages.
        base: the folder that paths start from; they stay as they are if not given.
        more: problems that were found elsewhere, for the same message.

    Raises:
        ConfigError: one message with every unknown key (and the nearest known one), wrong type and bound passed.
    """
    try:
        found = form.model_validate(tables, context={"base": base})
    except ValidationError as error:
        raise config_error(source, [*problems(error, form), *more]) from None
    if more:
        raise config_error(source, more)
    return found


def as_toml(config: BaseModel) -> dict[str, Any]:
    """A configuration with every default written out, as TOML can hold it."""
    tables: dict[str, Any] = _text_keys(config.model_dump(mode="json", exclude_none=True))
    return tables


def _text_keys(value: Any) -> Any:
    return {str(key): _text_keys(inner) for key, inner in value.items()} if isinstance(value, dict) else value
