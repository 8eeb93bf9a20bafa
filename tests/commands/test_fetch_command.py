"""scripts/fetch_china.py as a user runs it: exit statuses, what it says, and what an interrupted run leaves."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import loopback
import pytest
import signals
from checkout import SCRIPTS
from loopback import CONTENT, NAMES, names, raw

from geo.fetch import RawFile

# The command as a user runs it, with other files to fetch and no waits between its attempts.
COMMAND = """
import sys, time
sys.path.insert(0, {scripts!r})
import functools, fetch_china
from geo.fetch import RawFile, china
china.fetch_china = functools.partial(china.fetch_china, files={files!r})
time.sleep = lambda seconds: None
fetch_china.cli(fetch_china.fetch_china)
"""


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[loopback.Site]:
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    with loopback.serve() as site:
        yield site


def line(files: tuple[RawFile, ...], *arguments: object) -> list[str]:
    code = COMMAND.format(scripts=str(SCRIPTS), files=files)
    return [sys.executable, "-c", code, *map(str, arguments)]


def run(*arguments: object, files: tuple[RawFile, ...] = (raw(),)) -> subprocess.CompletedProcess[str]:
    return subprocess.run(line(files, *arguments), capture_output=True, text=True, timeout=300, check=False)


def test_the_command_attempts_every_file_and_tells_all(site, tmp_path):
    def answer(handler):
        page = {NAMES[0]: (404, b""), NAMES[1]: (200, b"other")}.get(handler.path.lstrip("/"), (200, CONTENT))
        handler.send(*page)

    site.answer = answer
    done = run("--from", site.url, "--out", tmp_path, files=tuple(raw(name) for name in NAMES))
    assert done.returncode == 3, done.stderr
    assert [text.split()[:2] for text in done.stderr.splitlines()] == [
        ["E-FETCH-NET", NAMES[0]],
        ["E-FETCH-HASH", NAMES[1]],
    ]
    origin = f"github.com/someone/something {NAMES[2]} at 0123456789ab"
    assert done.stdout.splitlines() == [f"{NAMES[2]}  300,000 bytes  fetched  CC0  {origin}"]
    assert names(tmp_path) == [NAMES[2]]


def test_the_command_gives_up_on_silence(site, tmp_path):
    site.answer = lambda handler: site.closing.wait()
    done = run("--from", site.url, "--out", tmp_path, "--timeout", 0.2)
    assert done.returncode == 6
    assert done.stderr.startswith("E-FETCH-NET")
    assert len(site.asked) == 3


def test_an_interrupted_fetch_leaves_nothing(site, tmp_path):
    def stall(handler):
        handler.send_range(upto=200_000)
        site.closing.wait()

    site.answer = stall
    command = signals.with_defaults(line((raw(),), "--from", site.url, "--out", tmp_path))
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as first:
        while not names(tmp_path):
            assert first.poll() is None, "the command ended by itself"
            time.sleep(0.01)
        first.send_signal(signal.SIGINT)
        _, heard = first.communicate(timeout=300)
    assert (first.returncode, heard) == (130, "interrupted\n")
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--from", "no/such/folder"], "E-FETCH-FROM"),
        (["--from", "ftp://example.org"], "E-FETCH-FROM"),
        (["--timeout", "0"], "E-FETCH-TIMEOUT"),
        (["--out", __file__], "E-OUT"),
    ],
)
def test_a_bad_argument_is_said_before_anything_is_fetched(tmp_path, arguments, code):
    done = run("--out", tmp_path / "raw", *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(f"{code} ")
    assert "; fix: " in done.stderr
    assert not (tmp_path / "raw").exists()


def test_the_real_files_are_the_ones_that_are_pinned(data_dir, tmp_path):
    command = [sys.executable, SCRIPTS / "fetch_china.py", "--from", data_dir / "china" / "raw"]
    environment = os.environ | {"FLOWMODEL_DATA": str(tmp_path)}
    for how in ("copied", "already there"):
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=environment)
        assert done.returncode == 0, done.stderr
        *files, following = done.stdout.splitlines()
        assert [f"  {how}  " in text for text in files] == [True] * 4
        assert following == "next: python scripts/build_zones.py configs/china_raw.toml"
    assert len(names(tmp_path / "china" / "raw")) == 4
