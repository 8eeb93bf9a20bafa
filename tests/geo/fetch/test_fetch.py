"""Fetching: loopback servers that cut off, fall silent, lie and redirect; nothing unverified gets a final name."""

import fcntl
import hashlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import loopback
import pytest
from loopback import CONTENT, NAMES, names, raw

from geo.fetch import FetchError, RawFile, fetch


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[loopback.Site]:
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    with loopback.serve() as site:
        yield site


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits between attempts, recorded and not waited for."""
    seconds: list[float] = []
    monkeypatch.setattr("time.sleep", seconds.append)
    return seconds


def have(source: Path | str | None, folder: Path, *files: RawFile, **options: float) -> list[str]:
    return [how for _, how in fetch(files or [raw()], folder, source, **options)]


def failure(source: Path | str | None, folder: Path, *files: RawFile, **options: float) -> FetchError:
    with pytest.raises(FetchError) as caught:
        have(source, folder, *files, **options)
    assert len(str(caught.value).splitlines()) == len(caught.value.issues)
    assert all(issue.rule and issue.fix for issue in caught.value.issues)
    return caught.value


def test_a_download_is_whole_readable_and_not_repeated(site, tmp_path):
    os.umask(umask := os.umask(0o022))
    assert have(site.url, tmp_path / "new" / "raw") == ["fetched"]
    file = tmp_path / "new" / "raw" / NAMES[0]
    assert file.read_bytes() == CONTENT
    assert file.stat().st_mode & 0o777 == 0o666 & ~umask
    assert have(site.url, file.parent) == ["already there"]
    assert site.asked == [(NAMES[0], None)]
    assert names(file.parent) == [NAMES[0]]


def test_a_server_that_always_cuts_off_leaves_nothing(site, tmp_path, waits):
    site.answer = lambda handler: handler.send(200, CONTENT[:65_536], len(CONTENT))
    caught = failure(site.url, tmp_path)
    assert (caught.issues[0].code, caught.exit_status) == ("E-FETCH-NET", 6)
    assert caught.issues[0].value == f"{site.url}/{NAMES[0]}"
    assert names(tmp_path) == []
    assert waits == [1, 2]


def test_an_answer_without_a_length_that_ends_early_is_no_file(site, tmp_path, waits):
    site.answer = lambda handler: handler.send(200, CONTENT[:65_536], -1)
    caught = failure(site.url, tmp_path)
    assert (caught.issues[0].code, caught.exit_status) == ("E-FETCH-HASH", 3)
    assert "65,536 bytes" in str(caught)


@pytest.mark.parametrize("sent", [0, 65_536])
def test_a_silent_server_is_left(site, tmp_path, waits, sent):
    def stall(handler):
        if sent:
            handler.send(200, CONTENT[:sent], len(CONTENT))
        site.closing.wait()

    site.answer = stall
    caught = failure(site.url, tmp_path, stall_s=0.2)
    assert caught.issues[0].rule == "the server sent nothing for 0.2 s"
    assert caught.exit_status == 6


@pytest.mark.parametrize("body", [b"<html>please log in</html>", CONTENT[::-1]])
def test_wrong_bytes_never_get_a_name(site, tmp_path, body):
    site.answer = lambda handler: handler.send(200, body)
    caught = failure(site.url, tmp_path)
    (issue,) = caught.issues
    assert (issue.code, caught.exit_status) == ("E-FETCH-HASH", 3)
    assert hashlib.sha256(body).hexdigest() in str(issue.value)
    assert f"{len(body):,} bytes" in str(issue.value)
    assert hashlib.sha256(CONTENT).hexdigest() in issue.rule
    assert "300,000 bytes" in issue.rule
    assert names(tmp_path) == []
    assert len(site.asked) == 1


def test_an_endless_answer_is_not_read_to_its_end(site, tmp_path):
    sent = []

    def flood(handler):
        handler.send(200, b"", -1)
        while not site.closing.is_set():
            handler.wfile.write(bytes(65_536))
            sent.append(65_536)

    site.answer = flood
    assert failure(site.url, tmp_path).issues[0].code == "E-FETCH-HASH"
    assert sum(sent) < 20e6  # what the sockets' buffers hold, and no more
    assert names(tmp_path) == []


def test_a_refusal_is_not_asked_again(site, tmp_path):
    site.answer = lambda handler: handler.send(404)
    caught = failure(site.url, tmp_path)
    assert caught.issues[0].rule == "the server answers with status 404"
    assert caught.exit_status == 6
    assert len(site.asked) == 1
    assert names(tmp_path) == []


def test_a_server_in_trouble_is_asked_again(site, tmp_path, waits):
    site.answer = lambda handler: handler.send(503) if len(site.asked) == 1 else handler.send_range()
    assert have(site.url, tmp_path) == ["fetched"]
    assert len(site.asked) == 2


def test_a_redirect_is_followed(site, tmp_path):
    site.answer = lambda handler: (
        handler.send_range() if handler.path == "/there" else handler.send(302, Location="/there")
    )
    assert have(site.url, tmp_path) == ["fetched"]
    assert [path for path, _ in site.asked] == [NAMES[0], "there"]


def test_nobody_listens(site, tmp_path, waits):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        caught = failure(f"http://127.0.0.1:{free.getsockname()[1]}", tmp_path)
    assert (caught.issues[0].code, caught.exit_status) == ("E-FETCH-NET", 6)
    assert caught.issues[0].rule.startswith("Failed to establish a new connection: ")
    assert names(tmp_path) == []


def test_wrong_content_under_the_name_is_said_and_moved(site, tmp_path):
    (tmp_path / NAMES[0]).write_bytes(b"edited by hand")
    said: list[str] = []
    assert [how for _, how in fetch([raw()], tmp_path, site.url, report=said.append)] == ["fetched"]
    assert hashlib.sha256(b"edited by hand").hexdigest() in said[0]
    assert (tmp_path / f"{NAMES[0]}.wrong").read_bytes() == b"edited by hand"
    assert (tmp_path / NAMES[0]).read_bytes() == CONTENT


def test_a_second_fetch_of_the_same_file_is_turned_away(site, tmp_path):
    with (tmp_path / ".fetch.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        caught = failure(site.url, tmp_path)
    assert (caught.issues[0].code, caught.exit_status) == ("E-LOCKED", 7)
    assert site.asked == []


def test_a_folder_is_a_source_with_the_same_checks(tmp_path):
    mirror, folder = tmp_path / "mirror", tmp_path / "raw"
    mirror.mkdir()
    (mirror / NAMES[0]).write_bytes(CONTENT)
    (mirror / NAMES[1]).write_bytes(CONTENT[:-1])
    os.mkfifo(mirror / NAMES[2])
    files = [raw(name) for name in (*NAMES, "absent.csv")]
    caught = failure(mirror, folder, *files)
    codes = [(issue.code, issue.file) for issue in caught.issues]
    assert codes == [
        ("E-FETCH-HASH", NAMES[1]),
        ("E-FETCH-MISSING", NAMES[2]),
        ("E-FETCH-MISSING", "absent.csv"),
    ]
    assert caught.exit_status == 3
    assert names(folder) == [NAMES[0]]


def test_a_folder_that_is_its_own_source_stays_as_it_is(tmp_path):
    (tmp_path / NAMES[0]).write_bytes(CONTENT)
    (tmp_path / NAMES[1]).write_bytes(b"wrong")
    assert failure(tmp_path, tmp_path, raw(), raw(NAMES[1])).issues[0].code == "E-FETCH-HASH"
    assert names(tmp_path) == sorted(NAMES[:2])
