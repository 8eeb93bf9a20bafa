"""Output of a run for a person: lines, progress bars, and the tables at the end of a fit."""

import contextlib
import functools
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from flowmodel import runtime


def say(line: str) -> None:
    """Prints a line of results."""
    print(line)


def warn(line: str) -> None:
    """Prints a line about the run, on standard error."""
    print(line, file=sys.stderr)


@functools.cache
def warn_once(line: str) -> None:
    """Prints a line on standard error, once in a process."""
    warn(line)


def timed(line: str) -> None:
    """Prints a line of progress with the time, on standard error."""
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


def memory() -> dict[str, float]:
    """Peak memory of the process, as metrics have it."""
    return {"memory_gb": runtime.peak_memory_gb()}


@contextlib.contextmanager
def progress() -> Iterator[Callable[[str, int, int, float], None]]:
    """A bar over the stages of a search; silent when the output is no terminal."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description:8}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[value]}"),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        tasks: dict[str, Any] = {}

        def update(stage: str, done: int, total: int, value: float) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total, value="")
            bar.update(tasks[stage], completed=done, value=f"{value:.6g}")

        yield update


@contextlib.contextmanager
def steps(what: str) -> Iterator[Callable[[str], None]]:
    """A line with the current step; nothing when the output is no terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda step: None
        return
    with console.status(what) as status:
        yield lambda step: status.update(f"{what}: {step}")
