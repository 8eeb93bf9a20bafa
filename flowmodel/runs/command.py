"""The command line: arguments that commands share, exit statuses, and signals."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import tyro

Config = Annotated[Path, tyro.conf.Positional]
Folder = Annotated[Path, tyro.conf.Positional]
Settings = Annotated[
    tuple[str, ...],
    tyro.conf.arg(name="set", metavar="SECTION.KEY=VALUE", help_behavior_hint=""),
    tyro.conf.UseAppendAction,
]
Out = Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")]
Device = Annotated[
    Literal["auto", "cpu", "gpu", "tpu"] | None,
    tyro.conf.arg(metavar="{auto,cpu,gpu,tpu}", help_behavior_hint=""),
]


class Interrupted(BaseException):
    """SIGTERM as an exception, so that half-written files are removed before the process ends."""


def cli(command: Callable[..., int | None]) -> None:
    """Runs `command` with the arguments of the command line and leaves with its exit status, or that of its error."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        status = tyro.cli(command, description=sys.modules[command.__module__].__doc__) or 0
    except KeyboardInterrupt:
        _leave("interrupted", 130)
    except Interrupted:
        _leave("terminated", 143)
    except BrokenPipeError:
        status = 0
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        status = _print(f"E-IO {error}; fix: check the path, its permissions and the space left", 6)
    except MemoryError as error:
        status = _print(f"E-MEMORY {error}; fix: fewer zones, or a float32 kernel", 6)
    except ImportError as error:
        status = _print(f"E-EXTRA {error}; fix: pip install '.[geo,report]'", 2)
    except Exception as error:
        known = getattr(error, "exit_status", None)
        if known is not None:
            status = _print(str(error), known)
        elif _exhausted(error):
            status = _print(f"E-MEMORY {str(error).splitlines()[0]}; fix: fewer zones, or a float32 kernel", 6)
        else:
            raise
    sys.exit(status)


def _exhausted(error: Exception) -> bool:
    """Whether the device ran out of memory: JAX raises an error of its own then, if JAX is loaded at all."""
    if "jax" not in sys.modules:
        return False
    from flowmodel import runtime

    return runtime.exhausted(error)


def _terminate(number: int, frame: object) -> None:
    raise Interrupted


def _leave(text: str, status: int) -> NoReturn:
    """Ends the process at once: every file is closed by now, and the runtime may still compute in other threads."""
    _print(text, status)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _print(text: str, status: int) -> int:
    print(text, file=sys.stderr)
    return status
