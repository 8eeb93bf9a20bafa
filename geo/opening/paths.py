"""What a path may look like and what may lie at its end; nothing is opened here."""

import os
import re
import stat
from pathlib import Path

from geo.errors import DataError, Issue, error

from . import limits

_NOT_REGULAR = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]|%[01][0-9a-fA-F]|%7[fF]")
_VIRTUAL = re.compile(r"^/+vsi[a-z0-9_]*(/|$)", re.IGNORECASE)


def regular_file(path: Path, where: str) -> None:
    """Refuse whatever is not a regular file of a readable size, without opening it.

    A config is trusted: its files may lie anywhere, and a symbolic link is followed and its target judged. What is
    not trusted is the content, so the path must never mean more to a library than a place on this disk.

    Args:
        path: The file.
        where: Key of the config that names it, such as "[zones.polygons] file".

    Raises:
        DataError: E-PATH, E-IO-MISSING, E-IO-KIND, E-IO-ACCESS or E-SIZE-LIMIT.
    """
    problem = _path_problem(os.fspath(path))
    if problem is not None:
        raise _refused("E-PATH", path, problem, f"rename the file, and correct {where}")
    try:
        status = os.stat(path)
    except PermissionError:
        raise _refused("E-IO-ACCESS", path, "the folder may be read", "ask for permission") from None
    except OSError as failure:
        rule = f"no such file: {path} ({failure.strerror})"
        fix = f"correct {where}, or the folder in FLOWMODEL_DATA"
        raise _refused("E-IO-MISSING", path, rule, fix) from None
    if not stat.S_ISREG(status.st_mode):
        rule = f"an input is a regular file, this is {_NOT_REGULAR.get(stat.S_IFMT(status.st_mode), 'no file')}"
        raise _refused("E-IO-KIND", path, rule, f"name a file in {where}")
    if not os.access(path, os.R_OK):
        raise _refused("E-IO-ACCESS", path, "the file may be read", "ask for permission")
    if status.st_size > limits.FILE_BYTES:
        raise DataError([too_large(path, status.st_size, limits.FILE_BYTES)])


def too_large(path: Path, size: int, limit: int) -> Issue:
    """The error that `path` has `size` bytes where `limit` are allowed."""
    rule = f"a file of this kind has at most {limit:,} bytes"
    return error("E-SIZE-LIMIT", path.name, value=f"{size:,} bytes", rule=rule, fix="simplify or split it")


def _path_problem(text: str) -> str | None:
    """Say what is wrong with a path as text, or None."""
    if _CONTROL.search(text):
        return "a path has no control characters"
    if _VIRTUAL.match(text):
        return "a path names a file on this disk; /vsi... is GDAL's name for something else"
    try:
        parts = text.encode("utf-8").split(b"/")
    except UnicodeEncodeError:
        return "a path is valid UTF-8"
    faults = {
        f"a name has at most {limits.NAME_BYTES} bytes, a path {limits.PATH_BYTES}": (
            max(map(len, parts)) > limits.NAME_BYTES or len(text.encode()) > limits.PATH_BYTES
        ),
        "a path is no XML and no JSON": any(part[:1] in (b"<", b"{") for part in parts),
        "~ is not expanded; write the folder out": b"~" in parts,
        "a path has no colon: scheme:// and DRIVER: mean something else to GDAL": any(b":" in part for part in parts),
    }
    return next((fault for fault, present in faults.items() if present), None)


def _refused(code: str, path: Path, rule: str, fix: str) -> DataError:
    name = shown(path.name)
    return DataError([error(code, name, value=name, rule=shown(rule, 200), fix=fix)])


def shown(text: str, most: int = limits.SHOWN_CHARACTERS) -> str:
    """`text` cut to what a message may repeat, with control characters and broken code points made visible."""
    plain = text.encode("utf-8", "backslashreplace").decode("utf-8")
    plain = "".join(mark if mark.isprintable() else f"\\x{ord(mark):02x}" for mark in plain)
    return plain if len(plain) <= most else plain[: most - 3] + "..."
