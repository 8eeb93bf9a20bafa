"""What is known of a file before it is fetched, and every way in which it may be found wanting."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from geo.errors import DataError, Issue, describe, error

_STATUS = {"E-FETCH-HASH": 3, "E-FETCH-MISSING": 3, "E-FETCH-NET": 6, "E-LOCKED": 7}


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
    """Every file that could not be had.

    The exit status is 3 where a file is wrong or missing, else 6 where the network failed, else 7: somebody else is
    fetching.
    """

    def __init__(self, issues: Sequence[Issue]) -> None:
        """Keep the issues; of several exit statuses the lowest counts."""
        super().__init__(issues)
        self.exit_status = min(_STATUS[issue.code] for issue in issues)

    def __str__(self) -> str:
        """Say every issue in one line."""
        return "\n".join(describe(issue) for issue in self.issues)


class Failed(Exception):
    """Ends the attempts at one file; pooch tries again only after ValueError and requests' own exceptions."""

    def __init__(self, issue: Issue) -> None:
        """Carry what `fetch` collects."""
        super().__init__(issue)
        self.issue = issue


def mismatch(file: RawFile, path: Path, url: str | None = None) -> Issue | None:
    """Compare the content at `path` with what is expected.

    Args:
        file: What is expected.
        path: A regular file.
        url: Where it came from, for the message.

    Returns:
        E-FETCH-HASH with both sizes and digests, or None where they agree.
    """
    import pooch

    size, found = path.stat().st_size, pooch.file_hash(str(path))
    if (size, found) == (file.size, file.sha256):
        return None
    return error(
        "E-FETCH-HASH",
        file.name,
        value=f"sha256 {found}, {size:,} bytes{f' from {url}' if url else ''}",
        rule=f"expected sha256 {file.sha256}, {file.size:,} bytes",
        fix="try again without a proxy, or --from another copy",
    )


def missing(file: RawFile, folder: Path) -> Issue:
    """Say that a folder lacks a file (E-FETCH-MISSING)."""
    rule, fix = f"{folder} holds no such file", f"put a copy there, or fetch {file.url}"
    return error("E-FETCH-MISSING", file.name, rule=rule, fix=fix)


def unreachable(file: RawFile, url: str, why: str) -> Issue:
    """Say that no server gave a file (E-FETCH-NET)."""
    fix = "try again, or --from DIR with a copy"
    return error("E-FETCH-NET", file.name, value=url, rule=why, fix=fix)


def too_long(file: RawFile, url: str) -> Issue:
    """Say that an answer is longer than the file (E-FETCH-HASH)."""
    rule, fix = f"expected {file.size:,} bytes", "try again without a proxy, or --from another copy"
    return error("E-FETCH-HASH", file.name, value=f"a longer answer from {url}", rule=rule, fix=fix)


def busy(file: RawFile) -> Issue:
    """Say that another process is at the same file (E-LOCKED)."""
    rule, fix = "another process fetches into this folder", "wait for it, or give --out"
    return error("E-LOCKED", file.name, rule=rule, fix=fix)
