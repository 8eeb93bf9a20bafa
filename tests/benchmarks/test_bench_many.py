"""The comparisons of many zones, on small cases: answers that agree, and the keys that a reader looks for."""

import json

import bench
import numpy as np
import pytest
from benchmarks.numpy_grid import NumpyGrid

pytestmark = pytest.mark.usefixtures("compiled_quickly")


@pytest.mark.parametrize("name", ["step_township", "scaling", "grid_5km"])
def test_a_quick_comparison(name, capsys):
    bench.bench((name,), quick=True)
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["name"] == name
    assert told["quick"]
    if name == "scaling":
        assert set(told["tiled_s"]) == {"200", "400"}
    else:
        assert told["largest_difference"] < 1e-4
        assert told["peak_gb"] > 0
        assert told["limit_ratio"] > 0


def test_the_numpy_grid_is_a_sum_over_pairs():
    rng = np.random.default_rng(0)
    shape = (7, 9)
    zone, east, weight = rng.random(shape) < 0.8, rng.random(shape) < 0.5, rng.random(shape).astype(np.float32)
    grid = NumpyGrid(east, zone, 5.0, 1.2, 10.0, 0.4, 1)
    y, x = (index.ravel() * 5.0 for index in np.indices(shape))
    km = np.hypot(y[:, None] - y, x[:, None] - x) + 10
    dense = (km / 300) ** -1.2 * (1 - np.eye(y.size)) * np.outer(zone.ravel(), zone.ravel())
    dense *= np.where(east.ravel()[:, None] != east.ravel(), np.exp(-0.4), 1)
    np.testing.assert_allclose(grid.product(weight).ravel(), dense @ weight.ravel(), rtol=1e-5)
