"""A command with its libraries imported beforehand is the command that a user starts: same words, status, files."""

import subprocess
import sys

import preloaded
import pytest
import tomli_w


@pytest.fixture(scope="module")
def commands():
    with preloaded.Preloaded(preloaded.MAPS) as commands:
        yield commands


@pytest.mark.parametrize(("people", "status"), [("110", 0), ("-110", 3)])
def test_it_leaves_what_a_users_command_leaves(small_panel, commands, people, status):
    small_panel.set("110101", "p2020", people)
    small_panel.write()
    tables = {"run": {"name": "small"}, "zones": small_panel.section, "model": {"years": [2010, 2020]}}
    (small_panel.folder / "small.toml").write_text(tomli_w.dumps(tables))
    line = [sys.executable, str(preloaded.SCRIPTS / "build_zones.py"), "small.toml", "--out", "users"]
    users = subprocess.run(line, cwd=small_panel.folder, capture_output=True, text=True, check=False, timeout=300)
    ours = commands.run("build_zones", "small.toml", "--out", "ours", folder=small_panel.folder)
    assert ours.returncode == users.returncode == status
    assert (ours.stdout, ours.stderr) == (users.stdout, users.stderr)
    assert ours.stdout or ours.stderr
    kept = [{path.name: path for path in (small_panel.folder / name).iterdir()} for name in ("users", "ours")]
    assert kept[0].keys() == kept[1].keys()
    for name, path in kept[0].items():
        if path.suffix == ".csv":
            assert path.read_bytes() == kept[1][name].read_bytes()


def test_one_command_leaves_nothing_to_the_next(commands, tmp_path):
    texts = []
    for count in (1, 2):
        (tmp_path / "wrong.toml").write_text(f"key{count} = 1\n")
        done = commands.run("build_zones", "wrong.toml", folder=tmp_path)
        assert done.returncode == 2
        texts.append(done.stderr)
    assert ["key1" in texts[0], "key1" in texts[1], "key2" in texts[1]] == [True, False, True]


def test_a_crash_is_one(commands, monkeypatch, tmp_path):
    (tmp_path / "crash.py").write_text("import os, signal\nprint('so far', flush=True)\nos.kill(os.getpid(), 9)\n")
    (tmp_path / "raises.py").write_text("import sys\nprint(sys.argv[1:])\n1 / 0\n")
    monkeypatch.setattr(preloaded, "SCRIPTS", tmp_path)
    assert commands.run("crash").returncode == -9
    done = commands.run("raises", 1, "two")
    assert (done.returncode, done.stdout) == (1, "['1', 'two']\n")
    assert "ZeroDivisionError" in done.stderr
