"""Putting files in their place: what is there already, then from a folder or a server; verified, or not at all."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

from .rawfile import Failed, FetchError, RawFile, busy, mismatch, missing, unreachable
from .receive import STALL_S, receive, why

ATTEMPTS = 3


class Fetched(NamedTuple):
    """A file that lies verified in its place, and how it came there."""

    file: RawFile
    how: str


def fetch(
    files: Sequence[RawFile],
    folder: Path,
    source: Path | str | None = None,
    *,
    stall_s: float = STALL_S,
    tell: Callable[[str], None] = lambda sentence: None,
    progress: Callable[[str, int], None] = lambda name, done: None,
) -> Iterator[Fetched]:
    """Put files into a folder; every file is attempted before anything is raised.

    A download that was cut off is kept as NAME.part and continued. A file with other content is moved to NAME.wrong.

    Args:
        files: What is wanted.
        folder: Where to; made if need be.
        source: A folder or the address of a mirror with the same file names; None for the public origins.
        stall_s: Longest silence of a server, seconds.
        tell: Gets a sentence on what is found on the way.
        progress: Gets a file's name and the bytes that have arrived.

    Yields:
        Each file that is in its place and verified.

    Raises:
        FetchError: After the last file, with E-FETCH-HASH, E-FETCH-MISSING, E-FETCH-NET and E-LOCKED.
    """
    issues = []
    for file in files:
        try:
            if _in_place(file, folder, source, tell):
                yield Fetched(file, "already there")
            elif isinstance(source, Path):
                _copied(file, folder, source)
                yield Fetched(file, "copied")
            else:
                url = file.url if source is None else f"{source.rstrip('/')}/{file.name}"
                _downloaded(file, folder, url, stall_s, progress)
                yield Fetched(file, "fetched")
        except Failed as failed:
            issues.append(failed.issue)
    if issues:
        raise FetchError(issues)


def _in_place(file: RawFile, folder: Path, source: Path | str | None, tell: Callable[[str], None]) -> bool:
    """Say whether the file is there already; move what else bears its name out of the way."""
    final = folder / file.name
    if not os.path.lexists(final):
        return False
    wrong = mismatch(file, final) if final.is_file() else missing(file, folder)
    if wrong is None:
        return True
    if isinstance(source, Path) and source.resolve() == folder.resolve():
        raise Failed(wrong)  # the folder is its own source: there is nothing to put in the file's place
    aside = final.with_name(f"{file.name}.wrong")
    final.replace(aside)
    tell(f"{file.name}: {wrong.value or 'not a file'}; {wrong.rule}; moved to {aside.name}")
    return False


def _copied(file: RawFile, folder: Path, source: Path) -> None:
    original = source / file.name
    if not original.is_file():
        raise Failed(missing(file, source))
    _through_pooch(file, folder, str(original), partial(_copy, original))


def _copy(original: Path, part: BinaryIO) -> bool:
    part.truncate(0)
    with original.open("rb") as content:
        shutil.copyfileobj(content, part)
    part.flush()
    return False


def _downloaded(file: RawFile, folder: Path, url: str, stall_s: float, progress: Callable[[str, int], None]) -> None:
    import requests

    try:
        _through_pooch(file, folder, url, partial(receive, file, url, stall_s, progress))
    except requests.RequestException as failure:
        raise Failed(unreachable(file, url, why(failure, stall_s))) from None


def _through_pooch(file: RawFile, folder: Path, url: str, fill: Callable[[BinaryIO], bool]) -> None:
    """Let pooch make the attempts, with growing waits, and rename what is verified."""
    import pooch

    pooch.get_logger().setLevel("WARNING")  # the caller says what happened
    store = pooch.create(
        path=folder.absolute(),
        base_url="",
        registry={file.name: f"sha256:{file.sha256}"},
        urls={file.name: url},
        retry_if_failed=ATTEMPTS - 1,
    )
    store.fetch(file.name, downloader=_Downloader(file, folder / f"{file.name}.part", fill))


@dataclass(frozen=True)
class _Downloader:
    """What pooch calls for one attempt: completes NAME.part, verifies it and hands it over.

    Attributes:
        file: What is wanted.
        part: Where it grows; it outlives an interrupted process.
        fill: Completes an open part, and says whether it kept what an earlier attempt had left in it.
    """

    file: RawFile
    part: Path
    fill: Callable[[BinaryIO], bool]

    def __call__(self, url: str, output_file: str, pooch: object) -> None:
        # pooch made an empty file here; if we are killed, only the part shall remain.
        Path(output_file).unlink(missing_ok=True)
        with _claimed(self.part, self.file) as part:
            continued = self.fill(part)
            wrong = mismatch(self.file, self.part, url)
            if wrong is not None and continued:  # perhaps what an earlier attempt had left was wrong
                part.truncate(0)
                self.fill(part)
                wrong = mismatch(self.file, self.part, url)
            if wrong is not None:
                part.truncate(0)
                raise Failed(wrong)
            os.fsync(part.fileno())
            self.part.replace(output_file)


@contextmanager
def _claimed(path: Path, file: RawFile) -> Iterator[BinaryIO]:
    """Open a part to append to it, as its only writer; an empty one is not left behind."""
    with path.open("ab") as part:
        try:
            fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Another process may have finished with this very file between our opening and our locking it.
            free = path.exists() and os.path.samestat(path.stat(), os.fstat(part.fileno()))
        except BlockingIOError:
            free = False
        if not free:
            raise Failed(busy(file))
        try:
            yield part
        finally:
            if os.fstat(part.fileno()).st_size == 0:
                path.unlink(missing_ok=True)
