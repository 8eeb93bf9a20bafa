"""What one pair says of its mean, against probabilities of counts and against differences of its own likelihood."""

import itertools

import interaction_twin as twin
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
import scipy.stats
from jax import jit

from flowmodel.interaction.family import Family, evidence, expected_unlisted

pytestmark = pytest.mark.usefixtures("compiled_quickly")
MEANS = np.geomspace(1e-3, 1e4, 57)
FLOWS = np.array([0.0, 1.0, 9.0, 40.0, 700.0, 12_345.0])
BELOW = (1, 2, 10, 40)
ALPHAS = (0.0, 0.05, 1.5)
