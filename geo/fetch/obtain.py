"""Files of known content, copied from a folder or downloaded by pooch, each verified before it takes its name."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from geo.errors import DataError, Issue, describe, error

if TYPE_CHECKING:
    import requests

ATTEMPTS = 3
CONNECT_S = 10.0
STALL_S = 30.0
# Status codes after which another attempt may succeed: time-out, too early, too many requests.
_PASSING = frozenset({408, 425, 429})
_EXIT = {"E-FETCH-HASH": 3, "E-FETCH-MISSING": 3, "E-FETCH-NET": 6, "E-LOCKED": 7}
_OTHER_COPY = "try again without a proxy, or --from another copy"


@dataclass(frozen=True)
class RawFile:
    """A file at its public origin, pinned to one commit.

    Attributes:
        name: Name it gets here, and has in a mirror.
        size: Bytes.
        sha256: Hexadecimal digest of its content.
        repository: "owner/name" on GitHub.
        commit: Full hash of the commit.
        path: Path in the repository.
        licence: Licence, in words.
    """

    name: str
    size: int
    sha256: str
    repository: str
    commit: str
    path: str
    licence: str

    @property
    def url(self) -> str:
        """Address of the file's bytes."""
        return f"https://raw.githubusercontent.com/{self.repository}/{self.commit}/{self.path}"


class FetchError(DataError):
    """Every file that could not be fetched.

    The exit status is 3 where a file is wrong or missing, else 6 where the network failed, else 7 where another
    process fetches.
    """

    def __init__(self, issues: Sequence[Issue]) -> None:
        """Keep the issues; of several exit statuses the lowest counts."""
        super().__init__(issues)
        self.exit_status = min(_EXIT[issue.code] for issue in issues)

    def __str__(self) -> str:
        """Say every issue in one line."""
        return "\n".join(describe(issue) for issue in self.issues)


class _Failed(Exception):
    """Ends the attempts at one file; pooch tries again only after ValueError and requests' own exceptions."""

    def __init__(self, code: str, file: RawFile, rule: str, fix: str, value: str | None = None) -> None:
        """Keep the issue that `fetch` collects."""
        self.issue = error(code, file.name, value=value, rule=rule, fix=fix)
        super().__init__(self.issue)


def fetch(
    files: Sequence[RawFile],
    folder: Path,
    source: Path | str | None = None,
    *,
    stall_s: float = STALL_S,
    report: Callable[[str], None] = lambda sentence: None,
    progress: Callable[[str, int], None] = lambda name, done: None,
) -> Iterator[tuple[RawFile, str]]:
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
        Each file that is in the folder and verified, and how it came there.

    Raises:
        FetchError: After the last file, with E-FETCH-HASH, E-FETCH-MISSING, E-FETCH-NET and E-LOCKED.
    """
    issues = []
    for file in files:
        try:
            with _locked(folder, file):
                how = _obtained(file, folder, source, stall_s, report, progress)
            yield file, how
        except _Failed as failed:
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
    try:
        _verify(file, final)
    except _Failed as failed:
        if isinstance(source, Path) and source.resolve() == folder.resolve():
            raise  # the folder is its own source: nothing can replace the file
        aside = final.with_name(f"{file.name}.wrong")
        final.replace(aside)
        wrong = failed.issue
        report(f"{file.name}: {wrong.value or 'not a file'}; {wrong.rule}; moved to {aside.name}")
        return False
    return True


def _verify(file: RawFile, path: Path, origin: str = "") -> None:
    """Refuse a path that is not a file (E-FETCH-MISSING), or has other content than expected (E-FETCH-HASH)."""
    import pooch

    if not path.is_file():
        rule, fix = f"{path.parent} holds no such file", f"put a copy there, or fetch {file.url}"
        raise _Failed("E-FETCH-MISSING", file, rule, fix)
    size, found = path.stat().st_size, pooch.file_hash(str(path))
    if (size, found) != (file.size, file.sha256):
        value = f"sha256 {found}, {size:,} bytes{f' from {origin}' if origin else ''}"
        rule = f"expected sha256 {file.sha256}, {file.size:,} bytes"
        raise _Failed("E-FETCH-HASH", file, rule, _OTHER_COPY, value)


def _copied(file: RawFile, folder: Path, source: Path) -> None:
    original, part = source / file.name, folder / f".{file.name}"
    _verify(file, original, str(original))
    try:
        shutil.copyfile(original, part)
        _verify(file, part, str(original))
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
                raise refused(failure) from None
            raise
        _verify(file, Path(output_file), url)

    def refused(failure: requests.RequestException) -> _Failed:
        return _Failed("E-FETCH-NET", file, _why(failure, stall_s), "try again, or --from DIR with a copy", url)

    try:
        store.fetch(file.name, downloader=attempt)
    except requests.RequestException as failure:
        raise refused(failure) from None
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
            rule = f"expected {self.file.size:,} bytes"
            raise _Failed("E-FETCH-HASH", self.file, rule, _OTHER_COPY, f"a longer answer from {self.url}")
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
            rule, fix = "another process fetches into this folder", "wait for it, or give --out"
            raise _Failed("E-LOCKED", file, rule, fix) from None
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
