"""What pydantic finds wrong with a configuration, as one message: each key with its problem, and the lines to write."""

import difflib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from flowmodel.errors import ConfigError

_SHOWN = 80
"""Characters of a wrong value that a message repeats."""


class Problem(NamedTuple):
    """One problem of a configuration: a sentence with the key; of a missing key, its section and the line to write."""

    text: str
    section: str = ""
    line: str = ""


def config_error(source: str, problems: Sequence[Problem]) -> ConfigError:
    """One coded error (E-CONFIG-KEY) with every problem of the configuration that `source` names."""
    missing: dict[str, list[str]] = {}
    for problem in problems:
        if problem.line:
            missing.setdefault(f"[{problem.section}]", []).append(problem.line)
    lines = ["\n".join((header, *keys)) for header, keys in missing.items()]
    fix = "\n\n".join(("write", *lines)) + "\n" if lines else "see docs/configs.md"
    return ConfigError("E-CONFIG-KEY", f"{source}: {'; '.join(problem.text for problem in problems)}", fix)


def problems(error: ValidationError, form: type[BaseModel], section: str | None = None) -> list[Problem]:
    """The problems that pydantic found: unknown keys with the nearest known one, missing keys with lines to write.

    Args:
        error: what pydantic found.
        form: what was expected.
        section: name of the section that `form` describes; by default `form` describes the whole configuration.
            Where a section has several forms, pydantic begins each place with the name of the form.
    """
    return [_problem(found, form, () if section is None else (section,)) for found in error.errors()]


def _problem(found: ErrorDetails, form: type[BaseModel], above: tuple[str, ...]) -> Problem:
    within = found["loc"][1:] if len(found["loc"]) > 1 and found["loc"][0] not in form.model_fields else found["loc"]
    place = (*above, *map(str, within))
    key, kind, value = ".".join(place), found["type"], found["input"]
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(str(within[-1]), _names(form, within[:-1]), n=1)
        return Problem(f"{key}: unknown key" + (f", perhaps {near[0]}" if near else ""))
    if kind == "missing" and isinstance(within[-1], int):
        return Problem(
            f"{key.rpartition('.')[0]} needs {within[-1] + 1} values", *_to_write(place[:-1], _field(form, within[:-1]))
        )
    if kind == "missing":
        return Problem(f"{key} is missing", *_to_write(place, _field(form, within)))
    if kind == "union_tag_not_found":
        tag = found["ctx"]["discriminator"].strip("'")
        return Problem(f"{key}.{tag} is missing", *_to_write((*place, tag), form.model_fields[tag]))
    got = "" if value is None or isinstance(value, dict | list | BaseModel) else f" (got {_short(value)})"
    return Problem(f"{key}: {found['msg'].removeprefix('Value error, ')}{got}".removeprefix(": "))


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def _to_write(place: Sequence[str], field: FieldInfo | None) -> tuple[str, str]:
    """The section and the line of a key; of a missing section, its first required key."""
    for table in _tables(field and field.annotation):
        if get_origin(table) is dict:
            name, inner = get_args(table)
            entry = "2020" if int in (name, *get_args(name)) else "NAME"
            return _to_write((*place, entry), FieldInfo.from_annotation(inner))
        keys = table.model_fields
        name = next((name for name in keys if keys[name].is_required()), next(iter(keys)))
        return _to_write((*place, name), keys[name])
    return ".".join(place[:-1]), f"{place[-1]} = {_example(field) if field else '...'}"


def _example(field: FieldInfo) -> str:
    """A value to put, and what the key means."""
    choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    value = [json.dumps(value) for value in (*(field.examples or ()), *choices)]
    blank = '"..."' if field.annotation in (str, Path) else "..."
    choice = f"one of {', '.join(map(str, choices))}" if len(choices) > 1 else ""
    meaning = "; ".join(filter(None, (field.description, choice)))
    return (value or [blank])[0] + (f"  # {meaning}" if meaning else "")


def _names(form: Any, place: Iterable[int | str]) -> list[str]:
    """The keys of the table at `place` in a value of type `form`."""
    return [name for table in _at(form, place) if get_origin(table) is not dict for name in table.model_fields]


def _field(form: Any, place: Sequence[int | str]) -> FieldInfo | None:
    """The declaration of the key at `place`."""
    found = [table.model_fields.get(place[-1]) for table in _at(form, place[:-1]) if get_origin(table) is not dict]
    return next((field for field in found if field is not None), None)


def _at(form: Any, place: Iterable[int | str]) -> list[Any]:
    """The models and dictionaries that the value at `place` may be."""
    tables = _tables(form)
    for part in place:
        tables = [inner for table in tables for inner in _tables(_inside(table, part))]
    return tables


def _tables(kind: Any) -> list[Any]:
    """The models and dictionaries that a type may be: `Annotated` and optional ones too."""
    if (isinstance(kind, type) and issubclass(kind, BaseModel)) or get_origin(kind) is dict:
        return [kind]
    return [table for inner in get_args(kind) for table in _tables(inner)]


def _inside(table: Any, part: int | str) -> Any:
    """The type of the value under one key: those of a dictionary are all alike."""
    if get_origin(table) is dict:
        return get_args(table)[1]
    field = table.model_fields.get(part)
    return None if field is None else field.annotation
