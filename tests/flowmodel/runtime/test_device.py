"""Which device computes: the one asked for, or an error; and an accelerator that lies idle is not passed over."""

import os
import subprocess
import sys

import jax
import preloaded
import pytest
from checkout import ROOT

from flowmodel.runtime import device
from flowmodel.runtime.device import Found

only_cpu = pytest.mark.skipif(jax.default_backend() != "cpu", reason="this machine has an accelerator")


def _why(platform):
    return f"{platform} said no"


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (Found(nvidia=True), ("no CUDA plugin", "pip install '.[cuda12]' (or cuda13)")),
        (
            Found(nvidia=True, plugins=("jax-cuda13-plugin",)),
            ("jax-cuda13-plugin does not", "cuda said no", "nvidia-smi"),
        ),
        (Found(plugins=("jax-cuda12-plugin",)), ("jax-cuda12-plugin is installed, but no NVIDIA device", "--gpus")),
        (Found(tpu=True), ("there is a TPU", "pip install '.[tpu]'")),
        (Found(tpu=True, plugins=("libtpu",)), ("libtpu is installed", "tpu said no")),
        (Found(plugins=("libtpu",)), ("libtpu is installed", "tpu said no")),
    ],
)
def test_a_cpu_beside_an_accelerator_is_told_with_reason_and_fix(found, expected):
    line = device.cpu_warning(found, "cpu", _why)
    assert line is not None
    assert line.startswith("W-DEVICE-CPU ")
    assert "\n" not in line
    assert "fix: " in line
    for part in expected:
        assert part in line


@pytest.mark.parametrize(
    ("found", "backend"), [(Found(), "cpu"), (Found(nvidia=True), "gpu"), (Found(tpu=True), "tpu")]
)
def test_what_is_as_expected_is_not_warned_of(found, backend):
    assert device.cpu_warning(found, backend, _why) is None


def test_a_device_file_is_seen(tmp_path):
    assert not device.look(tmp_path).nvidia
    assert not device.look(tmp_path).tpu
    for name in ("dev/nvidia0", "dev/accel0"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert device.look(tmp_path).nvidia
    assert device.look(tmp_path).tpu


@only_cpu
def test_jax_says_why_a_platform_is_not_used():
    assert "cuda" in device.why("cuda")


def _run(lines, **environment):
    line = [sys.executable, "-c", "from flowmodel import runtime\nfrom flowmodel.config import Runtime\n" + lines]
    return subprocess.run(line, capture_output=True, text=True, check=False, env=os.environ | environment)


@only_cpu
def test_the_warning_reaches_whoever_configures_unless_the_cpu_was_meant():
    told = (
        "from flowmodel.runtime import device\n"
        "device.look = lambda: device.Found(nvidia=True)\n"
        "runtime.configure(Runtime({}), print)\n"
    )
    warned = _run(told.format("")).stdout.splitlines()
    assert [line.split()[0] for line in warned] == ["W-DEVICE-CPU", "computing"]
    assert _run(told.format("device='cpu'")).stdout.splitlines() == warned[1:]
    assert _run(told.format(""), JAX_PLATFORMS="cpu").stdout.splitlines() == warned[1:]


@only_cpu
def test_an_absent_device_is_an_error_also_where_another_has_begun_to_compute():
    done = _run("runtime.configure(Runtime(device='gpu'))")
    assert "E-DEVICE no gpu here (jax computes on the cpu: the plugin of jax for it is not installed)" in done.stderr
    done = _run("import jax.numpy as jnp; jnp.ones(2); runtime.configure(Runtime(device='gpu'))")
    assert "E-DEVICE no gpu here" in done.stderr


@pytest.fixture(scope="module")
def command():
    """Runs a script with its arguments in a folder, its libraries imported beforehand."""
    with preloaded.Preloaded(("flowmodel.runs.fit_flows", *preloaded.MODEL)) as commands:
        yield commands.run


@only_cpu
@pytest.mark.parametrize(
    ("script", "config"),
    [
        ("fit", "demo"),
        ("simulate", "demo"),
        ("evaluate", "evaluate_china"),
        ("fit_flows", "flows_us_2005_2006"),
        ("balance_flows", "balance_interprovincial_2010"),
    ],
)
def test_the_flag_wins_and_an_absent_device_ends_every_command_before_it_reads(script, config, command, tmp_path):
    file = ROOT / "configs" / f"{config}.toml"
    settings = () if script == "evaluate" else ("--set", "runtime.device='cpu'")
    done = command(script, file, "--device", "gpu", *settings, "--out", tmp_path / "out", folder=tmp_path)
    assert done.returncode == 6
    (line,) = done.stderr.splitlines()
    assert line.startswith("E-DEVICE no gpu here (")
    assert "; fix: pip install" in line


@only_cpu
@pytest.mark.parametrize(("script", "arguments"), [("bench", ("startup",)), ("doctor", ())])
def test_so_do_those_without_a_configuration(script, arguments, command, tmp_path):
    done = command(script, *arguments, "--device", "tpu", folder=tmp_path)
    assert (done.returncode, len(done.stderr.splitlines())) == (6, 1)
    assert done.stderr.startswith("E-DEVICE no tpu here (")
