"""The reference of configuration keys, from the pydantic models of `flowmodel.config` and `geo.config`."""

import inspect
import re
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Any

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from flowmodel import config
from geo import config as sources
from geo.config import balance, flows

PLACEHOLDER = {int: "YEAR", str: "NAME"}
WORDS: dict[type, str] = {Gt: "above", Ge: "at least", Lt: "below", Le: "at most"}
PLAIN = {
    "str": "text",
    "int": "whole number",
    "float": "number",
    "bool": "`true` or `false`",
    "Path": "path",
    "date": "date",
    "Any": "any value",
}


@dataclass(frozen=True)
class Part:
    """A group of sections that one kind of configuration file has, with a line that introduces it."""

    title: str
    roots: tuple[tuple[str, type[BaseModel]], ...]


PARTS = {
    "zones": Part("A run of zones", (("", config.Config),)),
    "panel": Part('`[zones]` with `source = "panel"`', (("zones", sources.PanelConfig),)),
    "harmonised": Part('`[zones]` with `source = "harmonised"`', (("zones", sources.HarmonisedConfig),)),
    "builtin": Part('`[zones]` with `source = "builtin"`', (("zones", sources.BuiltinConfig),)),
    "grid": Part("Cells of a raster", (("", config.GridRun), ("grid", sources.GridConfig))),
    "flows": Part("Flow tables", (("", config.FlowsRun), ("", flows.FlowTables))),
    "balance": Part("Flows with stated totals", (("", config.BalanceRun), ("", balance.BalanceTables))),
    "evaluate": Part("Evaluation", (("", config.Evaluation),)),
}


SHARED = "Sections that are not listed here, such as `[run]`, are those of [a run of zones](#a-run-of-zones)."


def reference(name: str) -> str:
    """Every section of one kind of configuration file, as Markdown: a heading, a docstring and a table each."""
    places: dict[type[BaseModel], list[str]] = {}
    for start, model in PARTS[name].roots:
        _collect(model, start, places)
    shared = {config.Run, config.Runtime} if name != "zones" else set()
    shown = [(model, paths) for model, paths in places.items() if _has_keys(model) and model not in shared]
    note = [SHARED] if shared & places.keys() else []
    return "\n\n".join(note + [_section(model, paths, name) for model, paths in shown])


def models() -> set[type[BaseModel]]:
    """Every model that the reference shows."""
    shown: set[type[BaseModel]] = set()
    for part in PARTS.values():
        for start, model in part.roots:
            places: dict[type[BaseModel], list[str]] = {}
            _collect(model, start, places)
            shown |= {model for model in places if _has_keys(model)}
    return shown


def undescribed() -> list[str]:
    """Keys without a description, and models without a docstring of their own: the reference would say nothing."""
    bare = [model.__name__ for model in models() if not model.__dict__.get("__doc__")]
    return sorted(bare + [f"{model.__name__}.{key}" for model in models() for key in _bare_keys(model)])


def _bare_keys(model: type[BaseModel]) -> Iterator[str]:
    for key, field in model.model_fields.items():
        if not field.description and not list(_inner(field.annotation)):
            yield key


def _collect(model: type[BaseModel], path: str, places: dict[type[BaseModel], list[str]]) -> None:
    known = places.setdefault(model, [])
    if path in known:
        return
    known.append(path)
    for key, field in model.model_fields.items():
        for step, inner in _inner(field.annotation):
            _collect(inner, ".".join(part for part in (path, key, step) if part), places)


def _inner(kind: Any) -> Iterator[tuple[str, type[BaseModel]]]:
    """The models inside a type, each with the part of a key that stands for a name."""
    kind = _bare(kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield "", kind
    elif typing.get_origin(kind) is dict:
        name, value = typing.get_args(kind)
        for _, model in _inner(value):
            yield PLACEHOLDER.get(_bare(name), "NAME"), model
    else:
        for argument in typing.get_args(kind):
            yield from _inner(argument)


def _bare(kind: Any) -> Any:
    while typing.get_origin(kind) is typing.Annotated:
        kind = typing.get_args(kind)[0]
    return kind


def _has_keys(model: type[BaseModel]) -> bool:
    """Whether a section has keys of its own besides further sections."""
    return any(not list(_inner(field.annotation)) or field.description for field in model.model_fields.values())


def _section(model: type[BaseModel], paths: list[str], part: str) -> str:
    title = ", ".join(f"`[{path}]`" for path in paths if path) or "The file"
    anchor = f"{part}-{model.__name__.lower()}"
    rows = [_row(key, field) for key, field in model.model_fields.items()]
    table = "\n".join(["| key | value | default | meaning |", "|---|---|---|---|", *rows])
    return f"({anchor})=\n### {title}\n\n{_text(model)}\n\n{table}"


def _text(model: type[BaseModel]) -> str:
    """The docstring of a model, without the repetition of its section's name."""
    text = inspect.cleandoc(model.__dict__.get("__doc__") or "")
    text = re.sub(r"^`\[[^`]*\]`[^:;]{0,40}[:;] +", "", text)
    return text[:1].upper() + text[1:]


def _row(key: str, field: FieldInfo) -> str:
    inner = list(_inner(field.annotation))
    value = _with_bounds(_kind(field.annotation), field.metadata)
    meaning = field.description or ("; ".join(_first_line(model) for _, model in inner))
    cells = (f"`{key}`", value, _default(field), meaning)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _first_line(model: type[BaseModel]) -> str:
    text = re.split(r"(?<=[.])\s|\n\n", _text(model), maxsplit=1)[0].replace("\n", " ").rstrip(".")
    return text[:1].lower() + text[1:]


def _kind(kind: Any) -> str:
    """A type in words."""
    if typing.get_origin(kind) is typing.Annotated:
        bare, *more = typing.get_args(kind)
        return _with_bounds(_kind(bare), more)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, UnionType):
        words = [_kind(argument) for argument in arguments if argument is not NoneType]
        return " or ".join(dict.fromkeys(words))
    if origin is typing.Literal:
        return ", ".join(f"`{_toml(value)}`" for value in arguments)
    if origin is Callable:
        return "function (from Python)"
    if origin is dict:
        inner = _kind(arguments[1])
        return "table" if inner in ("table", "any value") else f"table of {_plural(inner)}"
    if origin in (list, tuple):
        return _sequence(origin, arguments)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return "table"
    return PLAIN.get(getattr(kind, "__name__", str(kind)), "value")


def _sequence(origin: Any, arguments: tuple[Any, ...]) -> str:
    inner = _kind(arguments[0])
    if origin is tuple and arguments[-1] is not Ellipsis:
        return f"list of {len(arguments)} {_plural(inner)}"
    return f"list of {inner}" if inner.startswith("`") else f"list of {_plural(inner)}"


def _plural(words: str) -> str:
    first, _, rest = words.partition(", ")
    if first.startswith("table of"):
        return f"tables{words.removeprefix('table')}"
    return f"{first if first.endswith('s') else first + 's'}{', each ' + rest if rest else ''}"


def _with_bounds(words: str, metadata: list[Any] | tuple[Any, ...]) -> str:
    """A type with the bounds that pydantic checks."""
    for entry in metadata:
        if isinstance(entry, FieldInfo):
            words = _with_bounds(words, entry.metadata)
            continue
        if (word := WORDS.get(type(entry))) is not None:
            value = getattr(entry, type(entry).__name__.lower())
            words += f", {word} {value:,}" if isinstance(value, int) else f", {word} {value:g}"
        if isinstance(entry, MaxLen) and words.startswith("text"):
            words += f", at most {entry.max_length} characters"
        if isinstance(entry, MinLen) and not words.startswith("text") and entry.min_length:
            words += f", {entry.min_length} or more"
    return words.replace("at least 1,900, at most 2,200", "a year").replace("whole number, a year", "year")


def _default(field: FieldInfo) -> str:
    if field.is_required() or (field.default is None and field.validate_default):
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None or value is PydanticUndefined or isinstance(value, BaseModel) or value in ((), [], {}):
        return "–"
    return f"`{_toml(value)}`"


def _toml(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_toml(inner) for inner in value) + "]"
    return f"{value:g}" if isinstance(value, float) and (abs(value) < 1e-2 or abs(value) >= 1e5) else str(value)
