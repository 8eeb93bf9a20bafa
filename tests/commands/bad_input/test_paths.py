"""Configs that name what is no key, no value or no file."""

import gzip
import os
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import openpyxl
import pytest
import tomli_w
from checkout import SCRIPTS

GOOD = '[run]\nname = "x"\n[model]\nyears = [2010, 2020]\n[zones]\nfile = "zones.nc"\n'


def _refused(folder, text):
    """Run a config that is wrong in itself: there is no issues.csv then, only a message."""
    config = folder / "config.toml"
    config.write_text(text, encoding="utf-8")
    command = [sys.executable, SCRIPTS / "build_zones.py", config, "--out", folder / "out"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "; fix: " in done.stderr
    assert "config.toml" in done.stderr
    return done.stderr


@pytest.mark.row(70)
def test_every_wrong_value_in_one_pass(tmp_path):
    text = GOOD.replace('[run]\nname = "x"\n', "").replace("2010, 2020", "2020, 2010")
    fit = '[fit]\nadam_step = 5\nadam_steps = 1000000000\nadam_rate = nan\ntolerance = "1e-3"\npriors = "NO"\n'
    said = _refused(tmp_path, f"{text}{fit}[truth]\ndistance_decay = inf\n")
    for problem in (
        "run is missing",
        "model: years = [2020, 2010]: the last must come 1 to 200 years after the first",
        "fit.adam_step: unknown key, perhaps adam_steps",
        "fit.adam_steps: Input should be less than or equal to 100000 (got 1000000000)",
        "fit.adam_rate: Input should be a finite number (got nan)",
        "fit.tolerance: Input should be a valid number (got '1e-3')",
        "fit.priors: Input should be a valid boolean (got 'NO')",
        "truth.distance_decay: Input should be a finite number (got inf)",
    ):
        assert problem in said


@pytest.mark.row(70)
def test_key_given_twice(tmp_path):
    assert "line 7" in _refused(tmp_path, GOOD + 'file = "other.nc"\n')


@pytest.mark.row(70)
def test_misspelt_key_of_the_sources(small_panel):
    small_panel.section["table"]["encodin"] = "gb18030"
    zones = {"run": {"name": "x"}, "model": {"years": [2010, 2020]}, "zones": small_panel.section}
    said = _refused(small_panel.folder, tomli_w.dumps(zones))
    assert "zones.table.encodin: unknown key, perhaps encoding" in said


@pytest.mark.row(71)
@pytest.mark.parametrize(
    ("polygons", "table", "rules"),
    [
        ("/vsicurl/https://127.0.0.1:9/a.gpkg", "/vsizip/census.zip/census.csv", ["a file on this disk"] * 2),
        ("https://127.0.0.1:9/squares.gpkg", "zip://census.zip!census.csv", ["no colon"] * 2),
        ("GPKG:squares.gpkg", "MEM:::DATAPOINTER=1", ["no colon"] * 2),
        ("<OGRVRTDataSource/>", '{"type": "FeatureCollection"}', ["no XML and no JSON"] * 2),
        ("squares\n.gpkg", "census.csv%00.txt", ["no control characters"] * 2),
        ("squares.gpkg\0.txt", "\0", ["no control characters"] * 2),
        ("~/squares.gpkg", "census" * 50 + ".csv", ["~ is not expanded", "at most 255 bytes"]),
    ],
)
def test_path_that_is_no_path(small_panel, build, polygons, table, rules):
    small_panel.section["polygons"]["file"] = polygons
    small_panel.section["table"]["file"] = table
    outcome = build(small_panel.section)
    assert outcome.first("E-PATH")
    assert [issue["code"] for issue in outcome.issues] == ["E-PATH"] * 2
    found = sorted(outcome.issues, key=lambda issue: "table" in issue["fix"])
    for issue, rule, key in zip(found, rules, ("[zones.polygons] file", "[zones.table] file"), strict=True):
        assert rule in issue["rule"]
        assert key in issue["fix"]
        assert len(issue["value"]) <= 80


@pytest.mark.row(71)
def test_plain_paths_of_every_kind(small_panel, build):
    folder = small_panel.folder / "数据 2020" / "县 界.zip"
    folder.mkdir(parents=True)
    small_panel.write()
    (small_panel.folder / "squares.gpkg").rename(folder / "九个 县 (é, #1!).gpkg")
    (small_panel.folder / "census.csv").rename(folder / "人口普查.csv")
    (small_panel.folder / "link.csv").symlink_to(folder / "人口普查.csv")
    small_panel.section["polygons"]["file"] = str(folder / "九个 县 (é, #1!).gpkg")
    small_panel.section["table"]["file"] = "数据 2020/../link.csv"
    outcome = build(small_panel.section)
    assert outcome.status == 0, outcome.text


def _zip(file, inner):
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in inner.items():
            archive.writestr(name, content)


def _bomb(file):
    _zip(file, {"[Content_Types].xml": "<Types/>", "xl/workbook.xml": "<workbook/>", "xl/x": bytes(10_000_000)})


def _nested(file):
    book = openpyxl.Workbook()
    book.save(file)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("xl/embeddings/inner.zip", b"PK\x03\x04" + bytes(100))


def _sparse(file):
    with file.open("wb") as large:
        large.truncate(10 * 2**30)


def _socket(file):
    # A socket's name has at most about a hundred bytes: bind it from its folder.
    before = os.getcwd()
    os.chdir(file.parent)
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(file.name)
    finally:
        os.chdir(before)


@pytest.mark.row(72)
@pytest.mark.parametrize(
    ("name", "make", "code"),
    [
        ("census.xlsx", _bomb, "E-ZIP-BOMB"),
        ("census.xlsx", _nested, "E-ZIP-BOMB"),
        ("census.csv", lambda file: file.write_bytes(gzip.compress(bytes(2_000_000))), "E-IO-FORMAT"),
        ("census.csv", lambda file: _zip(file, {"census.csv": "code\n"}), "E-IO-FORMAT"),
        ("census.csv", _sparse, "E-SIZE-LIMIT"),
        ("census.csv", os.mkfifo, "E-IO-KIND"),
        ("census.csv", lambda file: file.symlink_to("/dev/zero"), "E-IO-KIND"),
        ("census.csv", lambda file: file.symlink_to(file), "E-IO-MISSING"),
        ("census.csv", Path.mkdir, "E-IO-KIND"),
        ("census.csv", _socket, "E-IO-KIND"),
    ],
)
def test_file_that_must_not_be_read(small_panel, build, name, make, code):
    small_panel.write()
    (small_panel.folder / "census.csv").unlink()
    make(small_panel.folder / name)
    small_panel.section["table"]["file"] = name
    issue = build(small_panel.section).only(code)
    assert issue["file"] == name  # of a link, too: it is what the user wrote
