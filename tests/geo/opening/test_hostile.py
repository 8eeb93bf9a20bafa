"""Hostile input: files that point elsewhere, archives that explode, traps beside a file, damage of every kind."""

import copy
import gzip
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import openpyxl
import pyogrio
import pytest
import rasterio
import tomli_w
from checkout import ROOT

from geo import opening
from geo.errors import DataError
from geo.opening import Kind, drivers
from geo.sources import panel

VRT = '<OGRVRTDataSource><OGRVRTLayer name="squares"><SrcDataSource>{}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>'
RAW = (
    '<VRTDataset rasterXSize="4" rasterYSize="4"><VRTRasterBand dataType="Byte" band="1" subClass="VRTRawRasterBand">'
    "<SourceFilename>/etc/passwd</SourceFilename></VRTRasterBand></VRTDataset>"
)


def _python(code, **environment):
    clean = {key: value for key, value in os.environ.items() if key not in ("GDAL_SKIP", *drivers._SET)}
    clean |= {"PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False, env=clean
    )


def _code(call, *arguments):
    with pytest.raises(DataError) as refused:
        call(*arguments)
    (issue,) = refused.value.issues
    assert issue.rule
    assert issue.fix
    return issue.code


def test_drivers_that_reopen_are_off_in_both_libraries_and_nothing_is_said():
    code = "import geo, sys; assert not {'pyogrio', 'rasterio', 'numpy'} & sys.modules.keys()\n"
    code += "import pyogrio, rasterio; print(geo.opening.drivers.check())"
    done = _python(code)
    assert done.stdout.strip() == "{'pyogrio': (), 'rasterio': ()}"
    assert {"VRT", "OGR_VRT", "GTI", "STACTA", "WMS", "HTTP"} <= set(drivers.FORBIDDEN)
    assert done.stderr == ""


def test_a_gdal_used_before_us_is_reported_and_still_opens_nothing(tmp_path, small_panel):
    small_panel.write()
    text = VRT.format(small_panel.folder / "squares.gpkg")
    for name in ("a.gpkg", "a.geojson", "a.shp"):
        (tmp_path / name).write_text(text)
    code = f"""
import pyogrio, rasterio
with rasterio.Env(): pass
from pathlib import Path
from geo import opening
print(sorted(set(opening.drivers.check()["pyogrio"]) & {{"OGR_VRT", "WFS"}}))
print(pyogrio.read_info({str(tmp_path / "a.shp")!r})["features"])
for name, kind in (("a.gpkg", opening.Kind.GPKG), ("a.geojson", opening.Kind.GEOJSON)):
    try: print(pyogrio.list_layers(opening.vector_source(Path({str(tmp_path)!r}) / name, kind)))
    except pyogrio.errors.DataSourceError: print("refused")
for name in ("a.gpkg", "a.geojson", "a.shp"):
    kinds = {{opening.Kind.GPKG: (".gpkg",), opening.Kind.GEOJSON: (".geojson",), opening.Kind.SHAPEFILE: (".shp",)}}
    try: opening.expect(Path({str(tmp_path)!r}) / name, "x", kinds)
    except Exception as failure: print(failure.issues[0].code, failure.issues[0].value)
"""
    done = _python(code)
    said = done.stdout.splitlines()
    assert said[:2] == ["['OGR_VRT', 'WFS']", "9"], done.stderr  # the danger is real: the text is opened by its name
    assert said[2:4] == ["refused"] * 2
    assert said[4:] == ["E-IO-FORMAT an XML or HTML text"] * 3


def test_python_inside_a_vrt_is_refused_at_the_start(tmp_path):
    config = tmp_path / "x.toml"
    config.write_text('[run]\nname = "x"\n[model]\nyears = [2010, 2020]\n[zones]\nsource = "builtin"\n')
    command = [sys.executable, ROOT / "scripts" / "build_zones.py", config, "--out", tmp_path / "out"]
    environment = os.environ | {"GDAL_VRT_ENABLE_PYTHON": "YES"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=environment)
    assert done.returncode == 2
    assert done.stderr.startswith("E-ENV-PYTHON")
    assert len(done.stderr.splitlines()) == 1


def test_what_the_user_skips_stays_skipped_and_extensions_are_not_loaded():
    environment = {"GDAL_SKIP": "JP2OpenJPEG HFA", "OGR_SQLITE_LOAD_EXTENSIONS": "/tmp/x.so"}
    drivers.switch_off(environment)
    assert {"JP2OpenJPEG", "HFA", "OGR_VRT", "WFS"} <= set(environment["GDAL_SKIP"].split(","))
    assert "OGR_SQLITE_LOAD_EXTENSIONS" not in environment
    again = dict(environment)
    drivers.switch_off(again)
    assert again == environment


def test_a_raster_that_points_elsewhere(tmp_path):
    file = tmp_path / "people.tif"
    file.write_text(RAW)
    assert _code(opening.expect, file, "x", {Kind.GEOTIFF: (".tif",)}) == "E-IO-FORMAT"
    with pytest.raises(rasterio.RasterioIOError):
        rasterio.open(file, driver="GTiff")


NAMES = ["县 界 (é, #1)", "a:b", 'q"x', "b\\", "s'p", "%20?&", "x!;y"]


@pytest.mark.parametrize("name", NAMES)
def test_a_source_is_the_file_and_nothing_else(tmp_path, small_panel, name):
    folder = tmp_path / f"{name}.zip"
    folder.mkdir()
    for suffix, kind in ((".gpkg", Kind.GPKG), (".geojson", Kind.GEOJSON), (".shp", Kind.SHAPEFILE)):
        small_panel.polygons.to_file(tmp_path / f"plain{suffix}")
        for part in tmp_path.glob("plain.*"):
            part.rename(folder / f"{name}{part.suffix}")
        if kind is Kind.SHAPEFILE and set("!;\\") & set(name):
            assert _code(opening.vector_source, folder / f"{name}.shp", kind) == "E-PATH"
            continue
        info = pyogrio.read_info(opening.vector_source(folder / f"{name}{suffix}", kind))
        assert info["features"] == 9


def test_a_geopackage_with_sql_of_its_own(small_panel):
    small_panel.write()
    file = small_panel.folder / "squares.gpkg"
    name = 'x"; DROP TABLE gpkg_contents; --'
    quoted = name.replace('"', '""')
    file.unlink()
    small_panel.polygons.to_file(file, layer=name)
    base = sqlite3.connect(file)
    base.create_function("ST_IsEmpty", 1, lambda _: 0)
    base.executescript(
        f"""CREATE TABLE prey (x); INSERT INTO prey VALUES (1);
        CREATE TRIGGER bite AFTER INSERT ON prey BEGIN SELECT load_extension('/tmp/x.so'); END;
        CREATE VIEW look AS SELECT fid, geom, load_extension('/tmp/x.so') AS code FROM "{quoted}";"""
    )
    base.close()
    before = file.read_bytes()
    small_panel.section["polygons"]["layer"] = name
    assert len(panel.build(small_panel.parse()).zones) == 9
    assert file.read_bytes() == before
    assert not list(small_panel.folder.glob("squares.gpkg-*"))


def test_traps_beside_a_shapefile(small_panel):
    folder = small_panel.folder
    small_panel.polygons.to_file(folder / "squares.shp")
    arguments = (folder / "squares.shp", "x", {Kind.SHAPEFILE: (".shp",)})
    assert opening.expect(*arguments) is Kind.SHAPEFILE
    (folder / "squares.cpg").unlink()
    os.mkfifo(folder / "squares.cpg")
    assert _code(opening.expect, *arguments) == "E-IO-KIND"
    (folder / "squares.cpg").unlink()
    (folder / "squares.cpg").symlink_to("/dev/zero")
    assert _code(opening.expect, *arguments) == "E-IO-KIND"
    (folder / "squares.cpg").unlink()
    table = folder / "squares.dbf"
    table.write_bytes(table.read_bytes()[:-20])
    assert _code(opening.expect, *arguments) == "E-IO-CORRUPT"


def test_a_link_to_a_secret_is_not_told(small_panel):
    small_panel.write()
    secret = small_panel.folder / "shadow"
    secret.write_text("\n".join(f"user{n}:{'s3cr3t' * 100}:{n}:0:/root:/bin/sh" for n in range(50)))
    for name in ("census.csv", "squares.gpkg"):
        (small_panel.folder / name).unlink()
        (small_panel.folder / name).symlink_to(secret)
    small_panel.section["table"]["file"] = str(small_panel.folder / "census.csv")
    with pytest.raises(DataError) as refused:
        panel.build(small_panel.parse())
    for issue in refused.value.issues:
        told = f"{issue.column}{issue.value}{issue.rule}{issue.fix}".count("s3cr3t")
        assert told * len("s3cr3t") <= 80


def test_a_name_that_is_no_text():
    path = Path(os.fsdecode(b"/tmp/\xff.csv"))
    with pytest.raises(DataError) as refused:
        opening.regular_file(path, "[zones.table] file")
    (issue,) = refused.value.issues
    assert issue.code == "E-PATH"
    assert str(refused.value).encode()


def test_damage_is_an_error_and_never_a_crash(small_panel):
    folder, seeds = small_panel.folder, {}
    small_panel.write()
    small_panel.polygons.to_file(folder / "squares.shp")
    book = openpyxl.Workbook()
    for row in (small_panel.header, *small_panel.rows):
        book.active.append(row)
    book.save(folder / "census.xlsx")
    profile = {"driver": "GTiff", "width": 64, "height": 64, "count": 1, "dtype": "float32", "compress": "deflate"}
    georeference = {"crs": "EPSG:4490", "transform": rasterio.Affine(0.1, 0, 100, 0, -0.1, 40)}
    with rasterio.open(folder / "people.tif", "w", **profile, **georeference) as raster:
        raster.write(np.arange(4096, dtype=np.float32).reshape(1, 64, 64))
    (folder / "people.rda").write_bytes(gzip.compress(b"RDX3\nX\n" + np.random.default_rng(0).bytes(3000)))
    for part, name in (("polygons", "squares.gpkg"), ("polygons", "squares.shp"), ("table", "census.xlsx")):
        seeds[name] = copy.deepcopy(small_panel.section)
        seeds[name][part]["file"] = name
    seeds |= {"people.tif": {}, "people.rda": {}}
    (folder / "seeds.toml").write_text(tomli_w.dumps(seeds))
    child = [sys.executable, ROOT / "tests" / "support" / "mutants.py", folder]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(child, capture_output=True, text=True, timeout=300, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert len(lines) == 45
    whole = {name: said for name, way, said in lines if way == "whole"}
    assert not any(said.startswith("E-") for said in whole.values()), whole
    # A cut never passes. Packed files carry checksums: they read as before or not at all.
    for name, way, said in lines:
        if way == "cut":
            assert said.startswith("E-"), (name, said)
        elif name in ("census.xlsx", "people.rda"):
            assert said.startswith("E-") or said == whole[name], (name, way, said)
