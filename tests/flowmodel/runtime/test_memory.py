"""What is free, what a program takes, and smaller tiles where that was not enough."""

import jax
import jax.numpy as jnp
import pytest

from flowmodel import runtime
from flowmodel.errors import ResourceError
from flowmodel.runtime import memory, tiles

GB = 10**9


def _file(root, name, text):
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


@pytest.fixture
def host(tmp_path):
    """A machine of 8,000 KiB, half of them available, and a process in no limited group."""
    _file(tmp_path, "proc/meminfo", "MemTotal:        8000 kB\nMemFree:  1000 kB\nMemAvailable:    4000 kB\n")
    _file(tmp_path, "proc/self/cgroup", "0::/outer/inner\n")
    return tmp_path


def test_without_limits_it_is_what_the_system_has(host):
    assert memory.host_bytes(host) == 4000 * 1024


def test_the_tightest_of_nested_groups_counts_and_idle_file_pages_are_free(host):
    _file(host, "sys/fs/cgroup/outer/memory.max", "3000000\n")
    _file(host, "sys/fs/cgroup/outer/memory.current", "2500000\n")
    _file(host, "sys/fs/cgroup/outer/memory.stat", "anon 2000000\ninactive_file 400000\n")
    _file(host, "sys/fs/cgroup/outer/inner/memory.max", "max\n")
    _file(host, "sys/fs/cgroup/outer/inner/memory.current", "2500000\n")
    assert memory.host_bytes(host) == 900_000
    _file(host, "sys/fs/cgroup/outer/inner/memory.max", "2600000\n")
    assert memory.host_bytes(host) == 100_000


def test_a_container_sees_its_limit_at_the_top(host):
    _file(host, "sys/fs/cgroup/memory.max", "2000000")
    _file(host, "sys/fs/cgroup/memory.current", "500000")
    assert memory.host_bytes(host) == 1_500_000


def test_the_first_version_of_groups_counts_too(host):
    _file(host, "proc/self/cgroup", "5:cpu,cpuacct:/a\n4:memory:/a\n0::/\n")
    _file(host, "sys/fs/cgroup/memory/a/memory.limit_in_bytes", "1000000")
    _file(host, "sys/fs/cgroup/memory/a/memory.usage_in_bytes", "300000")
    _file(host, "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712")
    _file(host, "sys/fs/cgroup/memory/memory.usage_in_bytes", "300000")
    assert memory.host_bytes(host) == 700_000
    _file(host, "sys/fs/cgroup/memory/a/memory.usage_in_bytes", "1200000")
    assert memory.host_bytes(host) == 0


def test_a_limited_address_space_counts(host, monkeypatch):
    _file(host, "proc/self/status", "VmPeak:\t 900 kB\nVmSize:\t 700 kB\n")
    monkeypatch.setattr("resource.getrlimit", lambda which: (1000 * 1024, 1000 * 1024))
    assert memory.host_bytes(host) == 300 * 1024


def test_a_system_that_tells_nothing_is_unknown(tmp_path):
    assert memory.host_bytes(tmp_path) is None


class _Device:
    platform = "gpu"

    def __init__(self, stats):
        self.memory_stats = lambda: stats


def test_an_accelerator_tells_its_own():
    held = _Device({"bytes_limit": 60 * GB, "bytes_in_use": 11 * GB, "peak_bytes_in_use": 50 * GB})
    assert (memory.available_bytes(held), memory.total_bytes(held)) == (49 * GB, 60 * GB)
    assert (memory.available_bytes(_Device(None)), memory.total_bytes(_Device({}))) == (None, None)


def test_this_machine_has_memory():
    assert 10**8 < runtime.available_bytes() < runtime.total_bytes()


def _pairs(zones, dtype=jnp.float32):
    """A program that must hold one table of all pairs: it is sorted along both axes."""
    shape = jax.ShapeDtypeStruct((zones,), dtype)
    return jax.jit(lambda x: jnp.sort(jnp.sort(x[:, None] * x[None, :], axis=0), axis=1)[0]).lower(shape).compile()


def test_a_table_of_all_pairs_is_predicted():
    zones = 700
    temporaries = runtime.predicted(_pairs(zones)) - 2 * zones * 4
    tables = temporaries / (zones**2 * 4)
    assert tables == pytest.approx(1, rel=0.1) or tables == pytest.approx(2, rel=0.05)


def test_what_is_updated_in_place_counts_once():
    shape = jax.ShapeDtypeStruct((1000,), jnp.float32)
    donated = jax.jit(lambda x: x + 1, donate_argnums=0).lower(shape).compile()
    assert runtime.predicted(donated) == 4000


def test_the_largest_tile_that_fits_is_taken_and_nothing_larger_compiled_twice():
    compiled = []

    def compile_for(tile):
        compiled.append(tile)
        return _pairs(tile)

    need = runtime.predicted(_pairs(200))
    free = int(need / runtime.SHARE) + 1
    assert runtime.fitting(compile_for, [50, 400, 100, 200], free) == (200, need)
    assert compiled == [400, 200]
    assert runtime.fitting(_pairs, [50, 200], free - 2)[0] == 50
    assert runtime.fitting(_pairs, [50, 200], None)[0] == 200


def test_nothing_runs_where_not_even_the_smallest_fits():
    with pytest.raises(ResourceError, match=r"E-MEMORY .*50 rows, needs 1e-05 GB.*, 1e-07 GB free.*80%.*fix: "):
        runtime.fitting(_pairs, [50], 100)


def _out_of(size):
    return jax.errors.JaxRuntimeError(f"RESOURCE_EXHAUSTED: Out of memory allocating {size} bytes.")


def test_a_real_failure_of_the_device_is_known():
    with pytest.raises(jax.errors.JaxRuntimeError) as caught:
        jnp.zeros((10**7, 10**8), jnp.float32).block_until_ready()
    assert memory.exhausted(caught.value)
    assert tiles.asked_bytes(str(caught.value)) == 4 * 10**15
    assert memory.exhausted(MemoryError("Unable to allocate 3 GiB"))
    assert not memory.exhausted(ValueError("RESOURCE_EXHAUSTED"))
    assert not memory.exhausted(jax.errors.JaxRuntimeError("INVALID_ARGUMENT: shapes"))


@pytest.mark.parametrize(
    ("message", "size"),
    [
        ("Out of memory while trying to allocate 40000000000 bytes.", 40 * GB),
        ("Out of memory while trying to allocate 1.50GiB.", 3 * 2**29),
        ("allocating 12.5MiB; allocating 3 bytes", int(12.5 * 2**20)),
        ("Out of memory", None),
    ],
)
def test_the_size_is_read_from_the_message(message, size):
    assert tiles.asked_bytes(message) == size


@pytest.mark.parametrize("error", [_out_of(3 * GB), MemoryError("Unable to allocate")])
def test_a_tile_is_halved_until_it_fits_and_that_is_said(error):
    tried, said = [], []

    def run(tile):
        tried.append(tile)
        if tile > 300:
            raise error
        return f"done with {tile}"

    assert runtime.retrying(run, 1000, 100, said.append) == "done with 250"
    assert tried == [1000, 500, 250]
    assert [line.split(":")[0].split()[0] for line in said] == ["W-MEMORY", "W-MEMORY"]
    assert said[0].endswith("trying 500 rows")
    assert ("needs 3.0 GB" in said[0]) == ("3000000000" in str(error))


@pytest.mark.parametrize(("first", "smallest", "tried"), [(1024, 1, 6), (1000, 300, 3), (64, 64, 1)])
def test_it_ends_with_the_fifth_halving_or_the_smallest_tile(first, smallest, tried):
    tiles_tried = []

    def run(tile):
        tiles_tried.append(tile)
        raise _out_of(7 * GB)

    with pytest.raises(ResourceError, match=r"E-MEMORY a tile of \d+ rows needs 7.0 GB, .* GB free; fix: ") as caught:
        runtime.retrying(run, first, smallest, lambda line: None)
    assert caught.value.exit_status == 6
    assert len(tiles_tried) == tried
    assert tiles_tried[-1] == max(smallest, first // 2 ** (tried - 1))


def test_another_error_is_not_retried():
    def run(tile):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        runtime.retrying(run, 8, 1, pytest.fail)
