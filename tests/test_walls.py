"""The walls at run time: calls from a lower folder up to a higher one, and names of the API beside those of modules."""

import importlib
import pkgutil
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

import pytest
from checkout import ROOT

import flowmodel
import geo

MOST = 3
"""Calls upwards on the way of a population from the configuration to the raster."""


def heights() -> dict[tuple[str, str], int]:
    """The height of every folder of the two packages, from the import contracts."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    return {
        (contract["containers"][0], folder.strip()): height
        for contract in contracts
        if contract["type"] == "layers"
        for height, folders in enumerate(reversed(contract["layers"]))
        for folder in folders.split("|")
    }


def upward(work: Any) -> set[tuple[str, str]]:
    """The pairs of functions (caller, called) of which `work` calls the second, in a higher folder, from the first.

    The caller is the nearest function of the packages on the stack, so that a callback through a library counts.
    """
    height, found, known = heights(), set(), {}

    def place(frame: FrameType) -> tuple[str, str] | None:
        file = frame.f_code.co_filename
        if file not in known:
            path = Path(file)
            parts = path.relative_to(ROOT).parts if path.is_relative_to(ROOT) else ("", "")
            folder = (parts[0], parts[1].removesuffix(".py")) if len(parts) > 1 else ("", "")
            known[file] = folder if folder in height else None
        return known[file]

    def name(frame: FrameType) -> str:
        return f"{'/'.join(place(frame) or ())}:{frame.f_code.co_qualname}"

    def observe(frame: FrameType, event: str, _: Any) -> None:
        here = place(frame) if event == "call" and frame.f_code.co_name != "<module>" else None
        caller = frame.f_back
        while here and caller is not None and place(caller) is None:
            caller = caller.f_back
        if here and caller is not None:
            there = place(caller)
            if there is not None and there[0] == here[0] and height[here] > height[there]:
                found.add((name(caller), name(frame)))

    sys.setprofile(observe)
    try:
        work()
    finally:
        sys.setprofile(None)
    return found


def test_a_population_climbs_few_stairs_from_the_configuration_to_the_raster(tmp_path):
    tables = {"run": {"name": "x"}, "model": {"years": [2000, 2010]}, "zones": {"source": "builtin", "counties": 248}}

    def work() -> None:
        maps = geo.Maps()
        flowmodel.simulate(flowmodel.read_config(tables, maps=maps), maps=maps, out=tmp_path / "run")
        assert geo.export(tmp_path / "run", cell_m=50_000)

    found = upward(work)
    assert len(found) <= MOST, "\n".join(f"{caller} calls {called}" for caller, called in sorted(found))


def defined_in(file: str, text: str, **scope: Any) -> Any:
    """The function of `text`, as if it stood in a file of the checkout."""
    exec(compile(text, str(ROOT / file), "exec"), scope)
    return scope["function"]


def test_a_call_upwards_is_counted_through_a_library_too():
    high = defined_in("flowmodel/gravity/pair.py", "def function(_): pass")
    low = defined_in("flowmodel/config/sections.py", "def function(): sorted([0], key=high)", high=high)
    assert upward(low) == {("flowmodel/config:function", "flowmodel/gravity:function")}
    low = defined_in("flowmodel/config/sections.py", "def function(_): pass")
    high = defined_in("flowmodel/gravity/pair.py", "def function(): sorted([0], key=low)", low=low)
    assert upward(high) == set()


def submodules(package: ModuleType) -> list[str]:
    """Every module of a package."""
    return [module.name for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]


@pytest.mark.parametrize("package", [flowmodel, geo], ids=lambda package: package.__name__)
def test_no_name_of_the_api_is_hidden_by_a_module(package):
    """An import of a module sets its name on the package: a function of the same name would then be gone."""
    code = f"""
        import importlib
        import {package.__name__} as package
        for name in {submodules(package)!r}:
            importlib.import_module(name)
        for name in package.__all__:
            assert callable(getattr(package, name)), name
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("package", [flowmodel, geo], ids=lambda package: package.__name__)
def test_every_module_can_be_imported(package):
    assert [name for name in submodules(package) if importlib.import_module(name).__doc__ is None] == []
