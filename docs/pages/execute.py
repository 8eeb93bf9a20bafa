"""Runs the blocks of a tutorial, read from standard input, and writes what each printed to standard output as JSON."""

import ast
import contextlib
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    """Runs every block in order; the first that fails ends the process with its output and status 1."""
    names: dict[str, Any] = {"__name__": "__tutorial__"}
    outputs = []
    for language, file, source in json.load(sys.stdin):
        try:
            outputs.append(_output(language, file, source, names))
        except Exception as error:
            print(f"{source}\n{type(error).__name__}: {error}", file=sys.stderr)
            sys.exit(1)
    json.dump(outputs, sys.stdout, ensure_ascii=False)


def _output(language: str, file: str, source: str, names: dict[str, Any]) -> str:
    if language == "toml":
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        Path(file).write_text(source, encoding="utf-8")
        return ""
    return _python(source, names) if language == "python" else _shell(source)


def _python(source: str, names: dict[str, Any]) -> str:
    """What a block prints, and the value of its last line, as a notebook shows them."""
    body = ast.parse(source).body
    last = body[-1] if body and isinstance(body[-1], ast.Expr) else None
    if last is not None:
        body.pop()
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        _widen()
        exec(compile(ast.Module(body, []), "<tutorial>", "exec"), names)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), "<tutorial>", "eval"), names)
            if value is not None:
                print(value)
    return printed.getvalue()


def _widen() -> None:
    """Lets tables of pandas, where a block has loaded it, be as wide as the page and show every column."""
    if "pandas" in sys.modules:
        sys.modules["pandas"].set_option("display.width", 100, "display.max_columns", None)


def _shell(source: str) -> str:
    """What commands print, to both streams; a command that fails ends the block."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", source],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"exit status {done.returncode}\n{done.stdout}")
    return done.stdout


if __name__ == "__main__":
    main()
