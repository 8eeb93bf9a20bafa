"""Starts commands with the default actions of signals, whatever the process that runs the tests ignores.

A shell starts what stands before `&` with SIGINT ignored, and a child inherits that through pytest: Ctrl-C would do
nothing in it. A shell cannot undo it, but a process can before it becomes the command.
"""

import sys

_RESET = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
"""


def with_defaults(line: list[str]) -> list[str]:
    """The command line that becomes `line` with default actions for SIGINT and SIGTERM; the process id stays.

    Args:
        line: the path of a program and its arguments.
    """
    return [sys.executable, "-c", _RESET, *line]
