"""What the worker of `_peers.py` is given to run: a case of a package, and its runs by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

Answer = dict[str, Any]


class Run(NamedTuple):
    """What is timed, and what is told of its outcome afterwards."""

    call: Callable[[], Any]
    tell: Callable[[Any], Answer]


class Prepared(NamedTuple):
    """What a case is run with, in words, and its runs by name."""

    peer: str
    runs: dict[str, Run]
