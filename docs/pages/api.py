"""The public Python API, from the names that the packages export."""

import importlib
import inspect
from collections.abc import Iterator
from typing import Any


def listed(package: str) -> str:
    """A directive of Sphinx for every name in `__all__` of a package, with its public members."""
    parts = []
    for name, value in public(package):
        kind = "autoclass" if inspect.isclass(value) else "autofunction" if callable(value) else "autodata"
        options = "\n   :members:" if kind == "autoclass" else ""
        parts.append(f"### `{name}`\n\n```{{eval-rst}}\n.. {kind}:: {package}.{name}{options}\n```")
    return "\n\n".join(parts)


def public(package: str) -> list[tuple[str, Any]]:
    """The names that a package exports, functions first."""
    module = importlib.import_module(package)
    found = [(name, getattr(module, name)) for name in module.__all__]
    return sorted(found, key=lambda entry: (inspect.isclass(entry[1]), entry[0].lower()))


def undocumented(package: str) -> list[str]:
    """Public names, and public members of public classes, without a docstring of their own."""
    return [name for name, value in _documentable(package) if not (getattr(value, "__doc__", None) or "").strip()]


def _documentable(package: str) -> Iterator[tuple[str, Any]]:
    for name, value in public(package):
        yield f"{package}.{name}", value
        if inspect.isclass(value):
            for key, member in vars(value).items():
                if not key.startswith("_") and (callable(member) or hasattr(member, "__get__")):
                    yield f"{package}.{name}.{key}", member
