"""How the kernel is stored: by the memory that the compiler predicts and that is free; and what is forced."""

import jax.numpy as jnp
import pytest
import worlds

from flowmodel import runtime
from flowmodel.dynamics.registered import setup as registered
from flowmodel.dynamics.residents import setup
from flowmodel.errors import ConfigError, ResourceError
from flowmodel.gravity import storage
from flowmodel.gravity.dense import Pairs
from flowmodel.gravity.storage import Size
from flowmodel.gravity.tiled import Tiles

pytestmark = pytest.mark.usefixtures("compiled_quickly")

GB = 10**9


@pytest.fixture
def free(monkeypatch):
    """Sets how much memory is free."""
    return lambda size: monkeypatch.setattr(runtime, "available_bytes", lambda: size)


def test_few_zones_are_stored_and_many_are_tiled(free):
    free(16 * GB)
    assert storage.choose(Size(2641, 20), jnp.float32, "auto", None).kind == "dense"
    townships = storage.choose(Size(41_000, 20), jnp.float32, "auto", None)
    assert townships.kind == "tiled"
    assert "41,000 zones: a derivative needs 0.0" in str(townships)
    assert "16.0 GB free" in str(townships)


def test_a_small_machine_tiles_what_a_large_one_stores(free):
    free(100_000_000)
    assert storage.choose(Size(2641, 20), jnp.float32, "auto", None).kind == "tiled"


def test_what_is_forced_is_done_or_refused(free):
    free(16 * GB)
    assert storage.choose(Size(300, 20), jnp.float32, "tiled", 50).tile == 50
    assert storage.choose(Size(20_000, 20), jnp.float32, "dense", None).kind == "dense"
    free(1 * GB)
    with pytest.raises(ResourceError, match=r"E-MEMORY.*20,000 zones.*storage = 'tiled'"):
        storage.choose(Size(20_000, 20), jnp.float32, "dense", None)
    free(1000)
    with pytest.raises(ResourceError, match="E-MEMORY"):
        storage.choose(Size(300, 20), jnp.float32, "auto", None)


def test_a_model_is_built_in_the_way_asked_for():
    config = worlds.configuration()
    assert isinstance(setup.build(worlds.table(20), config, jnp.float32).pairs, Pairs)
    forced = setup.build(
        worlds.table(20), worlds.configuration("runtime.storage='tiled'", "runtime.tile=8"), jnp.float32
    )
    assert isinstance(forced.pairs, Tiles)
    assert forced.pairs.tile == forced.storage.tile == 8


def test_bands_of_many_zones_are_tiled(free):
    free(16 * GB)
    provinces = 31, 700
    assert storage.choose(Size(2853, 132, provinces), jnp.float32, "auto", None).kind == "dense"
    assert storage.choose(Size(41_000, 132, provinces), jnp.float32, "auto", None).kind == "tiled"
    dense = storage.choose(Size(10_000, 132, provinces, kernels=3), jnp.float32, "dense", None)
    one = storage.choose(Size(10_000, 132, provinces), jnp.float32, "dense", None)
    assert float(dense.why.split()[5]) - float(one.why.split()[5]) == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize(
    ("process", "what"), [("{onward=true,network='frozen'}", "onward, network"), ("{path='pairwise'}", "path")]
)
def test_processes_that_need_every_pair_refuse_tiles(process, what):
    config = worlds.configuration("runtime.storage='tiled'", f"model.stock={process}", "truth={}")
    with pytest.raises(ConfigError, match=f"E-STORAGE.*{what}.*fix: switch off .*{what}"):
        registered.build(worlds.table(20), config, jnp.float32)
