"""Which way the kernel is held: by what the compiler predicts, against what is free; and what may be forced."""

from __future__ import annotations

import jax.numpy as jnp
import pytest
import worlds

from flowmodel import runtime
from flowmodel.dynamics.registered import setup as registered
from flowmodel.dynamics.residents import setup
from flowmodel.errors import ConfigError, ResourceError
from flowmodel.gravity import storage
from flowmodel.gravity.dense import Pairs
from flowmodel.gravity.tiled import Tiles

pytestmark = pytest.mark.usefixtures("compiled_quickly")

GB = 10**9


@pytest.fixture
def free(monkeypatch):
    """Sets how much memory is free."""
    return lambda size: monkeypatch.setattr(runtime, "available_bytes", lambda: size)


def test_few_zones_are_stored_and_many_are_tiled(free):
    free(16 * GB)
    assert storage.choose(2641, 10, jnp.float32, "auto", None).kind == "dense"
    townships = storage.choose(41_000, 10, jnp.float32, "auto", None)
    assert townships.kind == "tiled"
    assert "41,000 zones: a derivative needs 0.0" in str(townships)
    assert "16.0 GB free" in str(townships)


def test_a_small_machine_tiles_what_a_large_one_stores(free):
    free(100_000_000)
    assert storage.choose(2641, 10, jnp.float32, "auto", None).kind == "tiled"


def test_what_is_forced_is_done_or_refused(free):
    free(16 * GB)
    assert storage.choose(300, 10, jnp.float32, "tiled", 50).tile == 50
    assert storage.choose(20_000, 10, jnp.float32, "dense", None).kind == "dense"
    free(1 * GB)
    with pytest.raises(ResourceError, match=r"E-MEMORY.*20,000 zones.*storage = 'tiled'"):
        storage.choose(20_000, 10, jnp.float32, "dense", None)
    free(1000)
    with pytest.raises(ResourceError, match="E-MEMORY"):
        storage.choose(300, 10, jnp.float32, "auto", None)


def test_a_model_is_built_in_the_way_asked_for():
    config = worlds.configuration()
    assert isinstance(setup.build(worlds.table(20), config, jnp.float32).pairs, Pairs)
    forced = setup.build(
        worlds.table(20), worlds.configuration("runtime.storage='tiled'", "runtime.tile=8"), jnp.float32
    )
    assert isinstance(forced.pairs, Tiles)
    assert forced.pairs.tile == forced.storage.tile == 8


def test_registration_knows_one_way():
    config = worlds.configuration("runtime.storage='tiled'", "model.stock={}", "truth={}")
    with pytest.raises(ConfigError, match="E-STORAGE"):
        registered.build(worlds.table(20), config, jnp.float32)
