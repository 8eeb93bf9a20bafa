"""Reads damaged copies of small files in a process with limits, one line a case; test_hostile.py runs it."""

import hashlib
import random
import resource
import sys
import tomllib
import warnings
from pathlib import Path

import rasterio

import geo.config
from geo import opening
from geo.errors import DataError
from geo.raster import cog
from geo.sources import panel

WAYS = ("cut", "cut", "zero", "zero", "flip", "flip", "flip", "flip")


def mutate(content: bytes, way: str, chance: random.Random) -> bytes:
    """Cut the content off, blank a block of it, or turn twenty bits."""
    damaged, at = bytearray(content), chance.randrange(len(content))
    if way == "cut":
        return content[:at]
    if way == "zero":
        damaged[at : at + 256] = bytes(len(damaged[at : at + 256]))
    else:
        for _ in range(20):
            damaged[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def read(path: Path, section: dict) -> str:
    """What a file says, as a text to compare, or the code of the error; any other exception is our fault."""
    try:
        if section:
            zones = geo.config.parse(section, path.parent)
            source = panel.build(zones)
            return hashlib.sha256((source.zones.to_csv() + source.population.to_csv()).encode()).hexdigest()
        kind = opening.expect(path, "[x] file", {opening.Kind.GEOTIFF: (".tif",), opening.Kind.R_DATA: (".rda",)})
        opening.check_archive(path, "[x] file")
        return hashlib.sha256(_pixels(path) if kind is opening.Kind.GEOTIFF else path.read_bytes()).hexdigest()
    except DataError as refused:
        return refused.issues[0].code
    except rasterio.errors.RasterioError:
        return "E-IO-CORRUPT"  # as the readers of rasters put it


def _pixels(path: Path) -> bytes:
    with cog._opened(path) as raster:
        return raster.read().tobytes() if raster.width * raster.height < 10**6 else b"too large"


def main(folder: Path) -> None:
    """Read every seed whole, then damaged."""
    resource.setrlimit(resource.RLIMIT_CPU, (30, 30))
    resource.setrlimit(resource.RLIMIT_AS, (16 * 2**30, 16 * 2**30))
    warnings.simplefilter("ignore")
    chance = random.Random(7)
    for seed, section in tomllib.loads((folder / "seeds.toml").read_text()).items():
        path = folder / seed
        content = path.read_bytes()
        _say(seed, "whole", read(path, section))
        for way in WAYS:
            path.write_bytes(mutate(content, way, chance))
            _say(seed, way, read(path, section))
        path.write_bytes(content)


def _say(*words: str) -> None:
    sys.stdout.write("\t".join(words) + "\n")
    sys.stdout.flush()  # a crash must leave what came before it


if __name__ == "__main__":
    main(Path(sys.argv[1]))
