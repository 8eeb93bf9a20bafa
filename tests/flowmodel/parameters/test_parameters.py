"""Parameters: bounds, priors, overrides, and the way to the unconstrained vector and back."""

import jax.numpy as jnp
import numpy as np
import pytest

from flowmodel.config import Model, Override, Stock
from flowmodel.errors import ConfigError
from flowmodel.gravity.decay import LAWS, POWER
from flowmodel.parameters.catalogue import registry
from flowmodel.parameters.registered import registered_parameters

MODEL = Model(years=(2010, 2020), attraction=("schooling", "housing"), departure=("schooling",))


def test_natural_and_unconstrained_are_inverse_and_stay_in_bounds():
    names = registry(MODEL, {}, POWER.parameters)
    natural = names.draw(3)
    np.testing.assert_allclose(names.natural(names.unconstrained(natural)), natural, rtol=1e-12)
    far = names.natural(jnp.full(len(names.free), 50.0))
    assert np.all(np.asarray(far) <= [entry.upper for entry in names.free])


def test_covariates_come_in_the_order_of_the_configuration():
    names = registry(MODEL, {}, POWER.parameters)
    natural = jnp.arange(len(names.free), dtype=float)
    built = names.parameters(natural)
    by_name = names.values(natural)
    assert built.attraction.tolist() == [by_name["attraction:schooling"], by_name["attraction:housing"]]
    assert built.departure.tolist() == [by_name["departure:schooling"]]
    assert float(built.barriers["divide_east_west"]) == by_name["divide_east_west"]


def test_a_fixed_parameter_is_not_free_and_keeps_its_value():
    names = registry(MODEL, {"distance": Override(fixed=0.7)}, POWER.parameters)
    assert "distance" not in [entry.name for entry in names.free]
    assert names.parameters(names.prior_centres()).decay.tolist() == [0.7]


def test_log_normal_prior_counts_ratios():
    names = registry(MODEL, {}, POWER.parameters)
    position = [entry.name for entry in names.free].index("distance")
    centre = names.prior_centres()
    doubled = names.prior_scores(centre.at[position].multiply(2.0))
    assert float(doubled[position]) == pytest.approx(np.log(2) / 0.3)
    assert np.count_nonzero(np.asarray(doubled)) == 1


@pytest.mark.parametrize(
    ("name", "change", "code", "said"),
    [
        ("distnce", Override(fixed=1.0), "E-PARAMETER-NAME", "distance"),
        ("distance", Override(fixed=9.0), "E-PARAMETER-BOUND", "9.0 in [0.02, 4.0]"),
        ("mass", Override(lower=2.0, upper=1.0), "E-PARAMETER-BOUND", "mass"),
        ("mass", Override(prior_mean=2.0), "E-PARAMETER-BOUND", "mass: 2.0"),
        ("distance", Override(lower=-1.0), "E-PARAMETER-BOUND", "positive"),
    ],
)
def test_wrong_overrides_are_refused(name, change, code, said):
    with pytest.raises(ConfigError) as refused:
        registry(MODEL, {name: change}, POWER.parameters)
    assert refused.value.code == code
    assert said in str(refused.value)


def test_only_a_push_against_the_bound_holds_a_parameter():
    names = registry(MODEL, {}, POWER.parameters)
    lowest = names.prior_centres().at[0].set(names.free[0].lower + 1e-6)
    for slope, held in ((1.0, True), (-1.0, False), (0.0, False)):
        gradient = np.zeros(len(names.free))
        gradient[0] = slope
        assert names.at_bound(lowest, gradient).tolist() == [held] + [False] * (len(names.free) - 1)


def test_draws_follow_the_scale_of_the_prior():
    names = registry(MODEL, {}, POWER.parameters)
    position = [entry.name for entry in names.free].index("distance")
    draws = np.array([float(names.draw(seed)[position]) for seed in range(400)])
    assert np.log(draws).mean() == pytest.approx(np.log(1.1), abs=0.05)
    assert np.log(draws).std() == pytest.approx(0.3, abs=0.04)


def test_distance_by_group_is_every_parameter_of_the_decay_law():
    law = LAWS["tanner"]
    stock = Stock(groups="skills", by_group=("distance",))
    names = registry(MODEL.model_copy(update={"stock": stock}), {}, law.parameters)
    found = [entry.name for entry in names.entries if entry.name.startswith("distance")]
    assert found == [f"{name}@{skill}" for name in ("distance", "distance_rate") for skill in ("low", "middle", "high")]
    values = registered_parameters(names, names.prior_centres(), ("low:15-29", "high:15-29"))
    assert [group.choice.decay.tolist() for group in values.groups] == 2 * [[1.1, 0.5]]
