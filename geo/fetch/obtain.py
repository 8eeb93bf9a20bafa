"""Files of known content, copied from a folder or downloaded by pooch, each verified before it takes its name."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from .rawfile import Failed, FetchError, RawFile, busy, mismatch, missing, too_long, unreachable

if TYPE_CHECKING:
    import requests

ATTEMPTS = 3
CONNECT_S = 10.0
STALL_S = 30.0
# Status codes of refusals that another attempt may mend: time-out, too early, too many requests.
_PASSING = frozenset({408, 425, 429})


class Fetched(NamedTuple):
    """A verified file, and how it came to the folder."""

    file: RawFile
    how: str


def fetch(
    files: Sequence[RawFile],
    folder: Path,
    source: Path | str | None = None,
    *,
    stall_s: float = STALL_S,
    report: Callable[[str], None] = lambda sentence: None,
    progress: Callable[[str, int], None] = lambda name, done: None,
) -> Iterator[Fetched]:
    """Put files into a folder; every file is attempted before anything is raised.

    A file of the same name with other content is moved to NAME.wrong. One process at a time fetches into a folder.

    Args:
        files: The files.
        folder: Where to; made if it is not there.
        source: A folder or the address of a mirror with the same file names; None for the public origins.
        stall_s: Longest time without any bytes from a server, seconds.
        report: Gets a sentence on each file that was moved.
        progress: Gets a file's name and the bytes that have arrived.

    Yields:
        Each file that is in the folder and verified.

    Raises:
        FetchError: After the last file, with E-FETCH-HASH, E-FETCH-MISSING, E-FETCH-NET and E-LOCKED.
    """
    issues = []
    for file in files:
        try:
            with _locked(folder, file):
                how = _obtained(file, folder, source, stall_s, report, progress)
            yield Fetched(file, how)
        except Failed as failed:
            issues.append(failed.issue)
    if issues:
        raise FetchError(issues)


def _obtained(
    file: RawFile,
    folder: Path,
    source: Path | str | None,
    stall_s: float,
    report: Callable[[str], None],
    progress: Callable[[str, int], None],
) -> str:
    """Put one file into the folder, and give how."""
    if _there(file, folder, source, report):
        return "already there"
    if isinstance(source, Path):
        _copied(file, folder, source)
        return "copied"
    url = file.url if source is None else f"{source.rstrip('/')}/{file.name}"
    _downloaded(file, folder, url, stall_s, progress)
    return "fetched"


def _there(file: RawFile, folder: Path, source: Path | str | None, report: Callable[[str], None]) -> bool:
    """Whether the file is there already; anything else of its name is moved to NAME.wrong."""
    final = folder / file.name
    if not os.path.lexists(final):
        return False
    wrong = mismatch(file, final) if final.is_file() else missing(file, folder)
    if wrong is None:
        return True
    if isinstance(source, Path) and source.resolve() == folder.resolve():
        raise Failed(wrong)  # the folder is its own source: nothing can replace the file
    aside = final.with_name(f"{file.name}.wrong")
    final.replace(aside)
    report(f"{file.name}: {wrong.value or 'not a file'}; {wrong.rule}; moved to {aside.name}")
    return False


def _copied(file: RawFile, folder: Path, source: Path) -> None:
    original, part = source / file.name, folder / f".{file.name}"
    if not original.is_file():
        raise Failed(missing(file, source))
    try:
        shutil.copyfile(original, part)
        wrong = mismatch(file, part, str(original))
        if wrong is not None:
            raise Failed(wrong)
        part.replace(folder / file.name)
    finally:
        part.unlink(missing_ok=True)


def _downloaded(file: RawFile, folder: Path, url: str, stall_s: float, progress: Callable[[str, int], None]) -> None:
    """Let pooch download, verify and rename the file, with repeated attempts."""
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")
    store = pooch.create(
        path=folder.absolute(),
        base_url="",
        registry={file.name: f"sha256:{file.sha256}"},
        urls={file.name: url},
        retry_if_failed=ATTEMPTS - 1,
    )
    bar = _Bar(file, url, progress)
    http = pooch.HTTPDownloader(progressbar=bar, timeout=(CONNECT_S, stall_s), chunk_size=_Bar.CHUNK)

    def attempt(url: str, output_file: str, store: pooch.Pooch) -> None:
        bar.reset()
        try:
            http(url, output_file, store)
        except requests.HTTPError as failure:
            if 400 <= _status(failure) < 500 and _status(failure) not in _PASSING:
                raise Failed(unreachable(file, url, _why(failure, stall_s))) from None
            raise
        wrong = mismatch(file, Path(output_file), url)
        if wrong is not None:
            raise Failed(wrong)

    try:
        store.fetch(file.name, downloader=attempt)
    except requests.RequestException as failure:
        raise Failed(unreachable(file, url, _why(failure, stall_s))) from None
    umask = os.umask(0)
    os.umask(umask)
    (folder / file.name).chmod(0o666 & ~umask)  # pooch's temporary files are private


@dataclass
class _Bar:
    """The progress bar that pooch updates; it ends an answer that is longer than the file."""

    CHUNK: ClassVar[int] = 1 << 14

    file: RawFile
    url: str
    progress: Callable[[str, int], None]
    total: int = 0
    arrived: int = 0

    def update(self, size: int) -> None:
        """Add bytes that have arrived."""
        self.arrived += size
        if self.arrived >= self.file.size + 2 * self.CHUNK:
            raise Failed(too_long(self.file, self.url))
        self.progress(self.file.name, min(self.arrived, self.file.size))

    def reset(self) -> None:
        """Begin a new count."""
        self.arrived = 0

    def close(self) -> None:
        """Nothing is open."""


@contextmanager
def _locked(folder: Path, file: RawFile) -> Iterator[None]:
    """Hold the folder against a second process that fetches into it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".fetch.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failed(busy(file)) from None
        yield


def _why(failure: requests.RequestException, stall_s: float) -> str:
    """Say in one line why an attempt failed; the texts of the libraries run over several."""
    import requests

    if isinstance(failure, requests.HTTPError):
        return f"the server answers with status {_status(failure)}"
    if isinstance(failure, requests.ConnectTimeout):
        return f"no connection within {CONNECT_S:g} s"
    if isinstance(failure, requests.ReadTimeout) or "Read timed out" in str(failure):
        return f"the server sent nothing for {stall_s:g} s"
    # Without a connection, the libraries wrap the reason twice, each time with the names of their own objects.
    reason = getattr(failure.args[0], "reason", None) if failure.args else None
    return " ".join(str(reason or failure).rsplit("): ", 1)[-1].split())


def _status(failure: requests.HTTPError) -> int:
    return 0 if failure.response is None else failure.response.status_code
