"""The built-in country gives back the parameters it was made with, from starts far away from them.

Two starts in a country of a thousand counties, where a search takes a tenth of the time of the demo's; three more, and
one in the demo's own country, are long.
"""

import jax.numpy as jnp
import numpy as np
import pytest
from checkout import ROOT

from flowmodel import config
from flowmodel.dynamics.residents import setup
from flowmodel.estimation import objective as objectives
from flowmodel.estimation import search, synthetic
from flowmodel.zones import table as store
from geo.config import BuiltinConfig
from geo.sources import assemble


def demo(counties):
    """The demo's configuration on so many counties, and its objective: float32 pairs, noise held, priors off."""
    parsed = config.typed(config.Config, config.read_toml(ROOT / "configs/demo.toml"), "demo.toml")
    built = assemble.build(BuiltinConfig(source="builtin", counties=counties), parsed.run.seed)
    table = synthetic.observe(store.check(built.dataset, "demo"), parsed)
    model = setup.build(table, parsed, jnp.float32)
    assert not parsed.fit.priors
    return parsed, model, objectives.objective(model, parsed.fit)


@pytest.mark.parametrize(
    ("counties", "starts"),
    [
        (1000, range(2)),
        pytest.param(1000, range(2, 5), marks=pytest.mark.long),
        pytest.param(2800, [0], marks=pytest.mark.long),
    ],
)
def test_far_starts_find_every_parameter_to_a_thousandth(counties, starts):
    parsed, model, objective = demo(counties)
    names = [entry.name for entry in model.registry.free]
    truth = np.array([parsed.truth[name] for name in names])
    assert len(names) == 15
    for seed in starts:
        start = model.registry.draw(seed)
        assert np.max(np.abs(np.asarray(start) - truth) / np.abs(truth)) > 1
        found = search.search(objective, start, parsed.fit, lambda *_: None)
        assert found.verdict == "converged"
        np.testing.assert_allclose(found.natural, truth, rtol=1e-3, err_msg=f"start {seed}")
