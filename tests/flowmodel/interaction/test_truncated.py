"""A listed flow's likelihood given that it reached the threshold, far below the means that floating numbers have."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats

from flowmodel.interaction.likelihood.family import Family, evidence

FLOW = 24.0


def _log_likelihood(eta, alpha=0.0, per_unit=1.0, dtype=float):
    family = Family(jnp.asarray(alpha, dtype), jnp.asarray(per_unit, dtype), alpha > 0, 10, "truncated")
    at, listed = jnp.asarray(eta, dtype), jnp.ones(len(eta), bool)
    return np.asarray(evidence(family, at, jnp.full(len(eta), FLOW, dtype), listed).log_likelihood, float)


def test_against_scipy():
    eta = np.array([-30.0, -3.0, 0.0, 2.0, 4.0])
    law = scipy.stats.poisson(np.exp(eta))
    expected = law.logpmf(24) - np.where(eta < -2, law.logpmf(10), law.logsf(9))  # beyond 10 there is next to nothing
    constant = scipy.special.gammaln(25)
    np.testing.assert_allclose(_log_likelihood(eta) - constant, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("alpha", "per_unit"), [(0.0, 1.0), (0.0, 2.1), (0.5, 1.0)])
@pytest.mark.parametrize(("dtype", "rtol"), [(jnp.float32, 1e-4), (jnp.float64, 1e-10)])
def test_a_mean_that_underflows_is_never_the_likeliest(alpha, per_unit, dtype, rtol):
    """There the flow and the chance to reach the threshold are powers of the mean: a straight line in its logarithm."""
    eta = np.array([-8000.0, -4000.0, -1000.0, -500.0, -70.0])
    found = _log_likelihood(eta, alpha, per_unit, dtype)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(np.diff(found), (FLOW - 10 * per_unit) * np.diff(eta), rtol=rtol)
