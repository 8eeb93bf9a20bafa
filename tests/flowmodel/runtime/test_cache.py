"""Compiled programs are kept where nobody else comes, come back bit for bit, and do no harm when they are broken."""

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flowmodel.runtime import cache

PROGRAM = """
import sys
from flowmodel import runtime
from flowmodel.config import Runtime
runtime.configure(Runtime({asked}), lambda line: print(line, file=sys.stderr))
import jax, jax.numpy as jnp, numpy as np
events = []
jax.monitoring.register_event_listener(lambda event, **_: events.append(event))
def balance(x):
    s = jnp.exp(-jnp.abs(x[:, None] - x[None, :]))
    return jnp.log(s @ jnp.sin(x)).sum()
x = np.linspace(0.1, 3.0, 57)
print(*(float(v).hex() for v in np.asarray(jax.jit(jax.grad(balance))(x))))
print(events.count("/jax/compilation_cache/cache_hits"), events.count("/jax/compilation_cache/cache_misses"))
"""


def _process(home: Path | None, *flags: str, asked: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("FLOWMODEL", "JAX_", "XDG_"))}
    environment |= ({"HOME": str(home)} if home else {}) | more
    line = [sys.executable, *flags, "-c", PROGRAM.format(asked=asked)]
    done = subprocess.run(line, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return done


def _entries(home: Path) -> list[Path]:
    return sorted((home / ".cache" / "flowmodel").rglob("*-cache"))


def _told(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in done.stderr.splitlines() if not line.startswith("computing on")]


@pytest.fixture
def private(tmp_path):
    """A folder that only its owner may write to, whatever the umask."""
    tmp_path.chmod(0o700)
    return tmp_path


def test_the_second_process_reads_and_gets_the_same_bits_without_a_word(private):
    without = _process(private, asked="cache=False")
    assert not (private / ".cache").exists()
    first, second = _process(private), _process(private)
    values, counts = zip(*(done.stdout.splitlines() for done in (without, first, second)), strict=True)
    assert values[0] == values[1] == values[2]
    hits, misses = zip(*(map(int, text.split()) for text in counts), strict=True)
    assert (hits[0], misses[0]) == (0, 0)
    assert (hits[1], misses[1]) == (0, len(_entries(private)))
    assert (hits[2], misses[2]) == (len(_entries(private)), 0)
    assert first.stderr.splitlines() == second.stderr.splitlines() == without.stderr.splitlines()
    folder = _entries(private)[0].parent
    assert {path.stat().st_mode & 0o777 for path in (folder, folder.parent, folder.parent.parent)} == {0o700}


def test_broken_entries_are_told_compiled_afresh_and_mended_even_where_warnings_are_errors(private):
    whole = _process(private)
    for number, entry in enumerate(_entries(private)):
        content = entry.read_bytes()
        entry.write_bytes([content[: len(content) // 2], b"", b"no program"][number % 3])
    broken = _process(private, "-W", "error")
    assert broken.stdout.splitlines()[0] == whole.stdout.splitlines()[0]
    assert all(line.startswith("W-CACHE ") for line in _told(broken))
    told = [re.findall(r"\((\w+)\)", line)[0] for line in _told(broken)]
    assert sorted(told) == sorted({entry.name.partition("-")[0] for entry in _entries(private)})
    mended = _process(private)
    assert _told(mended) == []
    assert mended.stdout.splitlines()[1].split()[1] == "0"


def test_processes_that_write_at_once_agree(private):
    with ThreadPoolExecutor(2) as pool:
        at_once = list(pool.map(lambda _: _process(private), range(2)))
    after = _process(private)
    assert {done.stdout.splitlines()[0] for done in at_once} == {after.stdout.splitlines()[0]}
    assert _told(after) == []


def test_it_is_off_where_the_environment_says_so(private):
    _process(private, FLOWMODEL_CACHE="off")
    assert not (private / ".cache").exists()


def test_a_refused_folder_is_told_and_everything_compiled(private):
    (private / "elsewhere").mkdir()
    (private / ".cache").mkdir(0o700)
    (private / ".cache" / "flowmodel").symlink_to(private / "elsewhere")
    done = _process(private)
    (line,) = _told(done)
    assert line.startswith("W-CACHE ")
    assert "is a symbolic link" in line
    assert "fix: " in line
    assert done.stdout.splitlines()[1] == "0 0"
    assert not any((private / "elsewhere").iterdir())


def _place(top: Path) -> Path:
    return cache.place({"FLOWMODEL_CACHE": str(top)})


def _refused(top: Path) -> str:
    with pytest.raises((cache.UnsafeError, OSError)) as caught:
        cache.prepared(_place(top))
    return str(caught.value)


def test_a_shared_folder_is_refused(private):
    (private / "shared").mkdir()
    (private / "shared").chmod(0o1777)
    assert "everyone can write to" in _refused(private / "shared" / "cache")


def test_a_link_further_down_is_refused(private):
    (private / "top").mkdir()
    (private / "top" / "xla").symlink_to(private)
    assert "symbolic link" in _refused(private / "top")


def test_a_file_in_its_place_is_refused(private):
    (private / "top").write_text("")
    assert "top" in _refused(private / "top")


def test_a_folder_of_somebody_else_is_refused(private, monkeypatch):
    cache.prepared(_place(private / "top"))
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert "belongs to user" in _refused(private / "top")


def test_a_folder_that_stays_open_or_cannot_be_written_is_refused(private, monkeypatch):
    cache.prepared(_place(private / "top"))
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert "cannot be written to" in _refused(private / "top")
    (private / "top").chmod(0o750)
    monkeypatch.setattr(os, "fchmod", lambda descriptor, mode: None)
    assert "remains accessible to others" in _refused(private / "top")


@pytest.mark.parametrize(("mode", "kept"), [(0o755, True), (0o775, False), (0o707, False)])
def test_an_open_folder_is_closed_and_emptied_if_others_could_write(private, mode, kept):
    folder = cache.prepared(_place(private / "top"))
    entry = folder / "jit_f-1-cache"
    entry.write_bytes(b"?")
    folder.chmod(mode)
    cache.prepared(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert entry.exists() == kept


def test_a_path_that_is_not_absolute_is_refused():
    for environment in ({"FLOWMODEL_CACHE": "here"}, {"XDG_CACHE_HOME": "here"}, {}):
        with pytest.raises(cache.UnsafeError, match="is an absolute path"):
            cache.place(environment)


def test_each_kind_of_processor_has_a_folder_of_its_own(tmp_path):
    def named(text):
        (tmp_path / "cpuinfo").write_text(text)
        return cache.place({"HOME": "/home/she"}, tmp_path / "cpuinfo")

    old, new = "model name: A\nflags: avx2\ncpu MHz: {}\n", "model name: A\nflags: avx2 avx512f\n"
    assert named(old.format(1)) == named(old.format(2))
    assert named(old.format(1)) != named(new)
    assert named(new).parent == Path("/home/she/.cache/flowmodel/xla")


def test_what_was_used_longest_ago_goes_first(tmp_path):
    for used, name in enumerate(("c", "a", "b")):
        entry = tmp_path / "machine" / f"jit_{name}-0-cache"
        entry.parent.mkdir(exist_ok=True)
        entry.write_bytes(b"1234")
        os.utime(entry, (1000 + used, 10))
    cache.bound(tmp_path, 8)
    assert [path.name for path in sorted(tmp_path.rglob("*-cache"))] == ["jit_a-0-cache", "jit_b-0-cache"]
    cache.bound(tmp_path, 8)
    assert len(list(tmp_path.rglob("*-cache"))) == 2
