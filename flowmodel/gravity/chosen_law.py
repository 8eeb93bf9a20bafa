"""From `[model] law` of a configuration to a decay law: one of `decay.LAWS`, or the function of a user."""

import functools
import inspect
import runpy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array

from flowmodel.config import LawChoice, OwnLaw
from flowmodel.errors import ConfigError, FlowsError
from flowmodel.gravity import decay
from flowmodel.gravity.decay import Law
from flowmodel.parameters.registry import Parameter

AnyLaw = TypeVar("AnyLaw")


def chosen(law: LawChoice) -> Law:
    """The decay law that a configuration names; raises as `named` and `own`."""
    if isinstance(law, str):
        return named(law, decay.LAWS, "; laws that need opportunities are for flow tables only")
    return own(law)


def named(name: str, laws: Mapping[str, AnyLaw], more: str = "") -> AnyLaw:
    """The law of this name.

    Raises:
        ConfigError: E-LAW-NAME, there is none.
    """
    if name not in laws:
        fix = f"choose among {', '.join(laws)}, or give a function of your own{more}"
        raise ConfigError("E-LAW-NAME", f"[model] law = {name!r}", fix)
    return laws[name]


def own(law: OwnLaw | Callable[..., Any]) -> Law:
    """The law of a user's function, from its file or from memory.

    Raises:
        ConfigError: E-LAW-FILE, the file or the function is missing, or it cannot be traced and differentiated.
        FlowsError: E-LAW-START, a parameter has no default.
    """
    if not isinstance(law, OwnLaw):
        return _traced(law, f"{law.__name__} in memory")
    file = Path(law.file)
    if not file.is_file():
        raise ConfigError("E-LAW-FILE", f"no Python file {file}", "name it relative to the configuration")
    return _of_file(file, law.function, file.stat().st_mtime_ns)


@functools.lru_cache
def _of_file(file: Path, name: str, _changed: int) -> Law:
    """The law in a file; read once until the file changes, so that compiled programs are used again."""
    try:
        function = runpy.run_path(str(file)).get(name)
    except Exception as error:
        raise ConfigError("E-LAW-FILE", f"{file.name}: {type(error).__name__}: {error}", "correct your law") from error
    if not callable(function):
        raise ConfigError("E-LAW-FILE", f"{file.name} has no function {name}", "define it there")
    return _traced(function, f"{name} in {file.name}")


@functools.lru_cache
def _traced(function: Callable[..., Any], where: str) -> Law:
    law = of_function(function, where.partition(" ")[0])
    starts = jnp.asarray([one.prior_mean for one in law.own], float)
    try:  # the function and its derivative at its starts, for a table of one pair
        jax.jit(jax.jacfwd(lambda values: function(jnp.full((1, 1), 100.0), *values)))(starts)
    except Exception as error:
        fix = "write it for jax.numpy, without `if` on values: it is traced and differentiated"
        first = str(error).splitlines()[0]
        raise ConfigError("E-LAW-FILE", f"{where}: {type(error).__name__}: {first}", fix) from error
    return law


def of_function(function: Callable[..., Array], name: str) -> Law:
    """The law of a user's function of one pair, traceable by JAX; `name` is for the report.

    Its first argument is the distance in km, the others are parameters with initial values as defaults, such as
    `def decay(distance_km, scale=100.0): return -distance_km / scale`. It returns the LOGARITHM of the factor, up to a
    constant.

    Raises:
        FlowsError: E-LAW-START, a parameter has no default.
    """
    _, *others = inspect.signature(function).parameters.values()
    without = [one.name for one in others if not isinstance(one.default, int | float)]
    if without:
        fix = "give each a default: the search begins there"
        raise FlowsError("E-LAW-START", f"law {name}: no starting value of {', '.join(without)}", fix)
    return Law(name, function=function, own=tuple(_parameter(name, one.name, float(one.default)) for one in others))


def _parameter(law: str, name: str, start: float) -> Parameter:
    """A parameter of a user's law, with a prior around its default; positive if the default is."""
    parameter = functools.partial(Parameter, f"law:{name}", name, "of the law")
    source = f"parameter of the law {law}, about its default"
    if start > 0:
        return parameter(start / 20, start * 20, start, 1.0, source, prior_scale="log")
    width = max(abs(start), 1.0)
    return parameter(start - 10 * width, start + 10 * width, start, width, source)
