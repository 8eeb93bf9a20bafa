"""The comparison of the registered model in tiles, on a small case: the same answers as with S as a matrix."""

import json

import bench
import pytest


@pytest.mark.long
def test_a_quick_comparison_of_storage(capsys):
    bench.bench(("registered_tiles",), quick=True)
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["objective_difference"] < 1e-6
    assert found["gradient_difference"] < 1e-5
    assert found["residents_difference"] < 1e-9
    assert found["national_residual"] < 1e-9
