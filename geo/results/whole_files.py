"""Writing a file so that its final name never stands on something half written."""

import glob
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; when the block ends well, flush it to disk and rename it to `path`.

    The temporary name starts with a dot, keeps the suffix (drivers choose by it) and lies in the same folder, so the
    rename is atomic. An exception of any kind, an interrupt included, removes it and leaves an older `path` untouched.

    Yields:
        The path to write and to verify.

    Raises:
        FileNotFoundError: the block ended without writing the file.
    """
    partial = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    _remove(partial)
    try:
        yield partial
        _flush(partial)
        os.replace(partial, path)
        _flush(path.parent)
    finally:
        _remove(partial)


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path` through `replacing`."""
    with replacing(path) as partial:
        partial.write_bytes(content)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(partial: Path) -> None:
    # Drivers put helpers of their own beside a file (overviews, journals); their names start with the file's.
    for leftover in partial.parent.glob(glob.escape(partial.name) + "*"):
        leftover.unlink()
