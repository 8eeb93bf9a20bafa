"""Migration between the nine regions of Austria against spint (Oshan 2016; test_gravity.py of its repository)."""

import dataclasses
import json
from typing import Any, NamedTuple

import dense_poisson
import flow_runs
import numpy as np
import pandas as pd
import pytest

from flowmodel.interaction import inference
from flowmodel.interaction.calibrate import Calibrated
from flowmodel.interaction.model.design import EFFECTS, Point
from flowmodel.interaction.search import newton
from flowmodel.results import flows

pytestmark = pytest.mark.usefixtures("compiled_quickly")

LONG_ENOUGH = 12
SPINT_WEIGHTS = 5
"""spint ends where its least changed coefficient moves by less than 1e-6, for each of the four models in its fifth
solution, and makes standard errors of the weights that this one was solved with, which are the means of the fourth.
The fifth itself agrees with the maximum to 5e-7."""
MODELS = {
    "unconstrained": ("test_Gravity", ["const", "origin:ln:o_var", "destination:ln:d_var", "distance"]),
    "production": ("test_Production", ["destination:ln:d_var", "distance"]),
    "attraction": ("test_Attraction", ["origin:ln:o_var", "distance"]),
    "doubly": ("test_Doubly", ["distance"]),
}


class Case(NamedTuple):
    """One of the four models, fitted, with what spint found and a dense design matrix in spint's order."""

    constraint: str
    fit: Calibrated
    expected: dict[str, Any]
    names: list[str]
    flow: np.ndarray
    columns: np.ndarray

    @property
    def spint(self) -> pd.DataFrame:
        """Its numbers of the coefficients that have a name here; they come last."""
        kept = {key: self.expected[key][-len(self.names) :] for key in ("params", "std_err")}
        return pd.DataFrame(kept, index=self.names)


def _config(folder, constraint):
    return {
        "run": {"name": constraint},
        "flows": {
            "file": str(folder / "austria_72_pairs.csv"),
            "origin": "origin",
            "destination": "dest",
            "flow": "flow",
            "distance": "dist_km",
            "absent_pairs": "missing",
        },
        "model": {
            "constraint": constraint,
            "law": "exponential",
            "origin_mass": ["ln:o_var"],
            "destination_mass": ["ln:d_var"],
        },
    }


def _columns(table, constraint):
    sides = list(zip(EFFECTS[constraint], ("origin", "dest"), ("o_var", "d_var"), strict=True))
    effects = [dense_poisson.dummies(table[zone].to_numpy()) for has, zone, _ in sides if has]
    masses = [np.log(table[[mass]]) for has, _, mass in sides if not has]
    return np.hstack([np.ones((len(table), 1)), *effects, *masses, table[["dist_km"]]])


@pytest.fixture(scope="module", params=MODELS)
def case(request, data_dir, tmp_path_factory):
    folder = data_dir / "flows" / "spint_austria"
    name, names = MODELS[request.param]
    expected = json.loads((folder / "expected_from_test_gravity.json").read_text())[name]
    table = pd.read_csv(folder / "austria_72_pairs.csv")
    fit = flow_runs.calibrated(_config(folder, request.param), tmp_path_factory.mktemp(request.param))
    columns = _columns(table, request.param)
    return Case(request.param, fit, expected, names, table["flow"].to_numpy(float), columns)


def _contrasts(case: Case, at: Point, covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Effects less those of the first zone of their side, as the dummies of a regression, and their standard errors."""
    values = np.concatenate([np.asarray(at.origin), np.asarray(at.destination)])
    sides = [range(9 * side, 9 * side + 9) for side, has in enumerate(EFFECTS[case.constraint]) if has]
    less = np.zeros((8 * len(sides), 18))
    for row, (zone, first) in enumerate((zone, side[0]) for side in sides for zone in side[1:]):
        less[row, zone], less[row, first] = 1, -1
    return less @ values, np.sqrt(np.diag(less @ covariance @ less.T))


def test_coefficients_and_effects(case):
    assert list(case.fit.built.names) == case.names
    np.testing.assert_allclose(case.fit.estimates, case.spint["params"], rtol=1e-6)
    effects, _ = _contrasts(case, case.fit.optimum.at, np.zeros((18, 18)))
    first = 1 if len(effects) else 0
    np.testing.assert_allclose(effects, case.expected["params"][first : first + len(effects)], rtol=1e-6)


def test_what_a_constraint_absorbs_is_told(case):
    table = flows.parameters(case.fit, case.fit.covariance("model")).set_index("name")
    absorbed = {"origin:ln:o_var", "destination:ln:d_var"} - set(case.names)
    assert set(table.index[table["status"] == "absorbed"]) == absorbed
    assert table.loc[list(absorbed), ["estimate", "se"]].isna().all(axis=None)


def test_scores(case):
    found = flows.metrics(case.fit, bin_km=2.0)
    pairs = {"deviance": "deviance", "srmse": "SRMSE", "ssi": "SSI", "d2": "D2", "pseudo_r2": "pseudoR2", "aic": "AIC"}
    for ours, spints in pairs.items():
        if spints in case.expected:  # spint prints no AIC of the doubly constrained model
            assert found[ours] == pytest.approx(case.expected[spints], rel=1e-7), ours
    assert case.fit.log_likelihood == pytest.approx(case.expected["llf"], rel=1e-11)
    assert case.fit.degrees == len(case.expected["params"])
    fitted = case.fit.fitted[case.fit.in_fit]
    np.testing.assert_allclose(fitted, case.expected["yhat"], rtol=2e-6)


def test_two_scores_go_by_the_name_of_sorensen(case):
    if case.constraint == "unconstrained":
        found = flows.metrics(case.fit, bin_km=2.0)
        assert (found["ssi"], found["cpc"]) == pytest.approx((0.727061711898, 0.818635824), rel=1e-8)


def test_standard_errors_are_those_of_a_dense_hessian_at_the_maximum(case):
    end = dense_poisson.iterates(case.flow, case.columns, LONG_ENOUGH)[-1]
    whole = np.sqrt(np.diag(dense_poisson.covariance(case.columns, end.mean)))
    ours = case.fit.covariance("model")
    np.testing.assert_allclose(case.fit.estimates, end.coefficients[-len(case.names) :], rtol=1e-9)
    np.testing.assert_allclose(np.sqrt(np.diag(ours)), whole[-len(case.names) :], rtol=1e-9)
    _check_effects(case, case.fit.optimum.at, whole, 1e-9)


def test_standard_errors_of_spint_are_those_of_its_last_weights(case):
    steps = dense_poisson.iterates(case.flow, case.columns, SPINT_WEIGHTS)
    at = _point(case, steps[-2].coefficients)
    there = dataclasses.replace(case.fit, bread=inference.bread(case.fit.built.design, at, _sums(case, at)))
    ours = there.covariance("model")
    np.testing.assert_allclose(np.sqrt(np.diag(ours)), case.spint["std_err"], rtol=1e-6)
    _check_effects(case, at, np.array(case.expected["std_err"]), 1e-6)
    if case.constraint == "unconstrained":
        np.testing.assert_allclose(ours, case.expected["cov_params"], rtol=1e-6)


def _point(case: Case, coefficients: np.ndarray) -> Point:
    """A solution of the dense regression as a point of the model, whose columns are standardised."""
    built, origin_effects = case.fit.built, EFFECTS[case.constraint][0]
    own = coefficients[-len(case.names) :]
    level = coefficients[0] + (own @ built.means if case.constraint != "unconstrained" else 0.0)
    sides = np.zeros((2, 9))
    rest = list(coefficients[1 : len(coefficients) - len(case.names)])
    for side, has in enumerate(EFFECTS[case.constraint]):
        if has:
            sides[side, 1:], rest = rest[:8], rest[8:]
    if case.constraint != "unconstrained":
        sides[0 if origin_effects else 1] += level
    return Point(np.linalg.solve(built.jacobian(), own), *sides)


def _sums(case: Case, at: Point) -> newton.Sums:
    return newton.evaluate(case.fit.built.design, case.fit.family, at)


def _check_effects(case: Case, at: Point, whole: np.ndarray, tolerance: float) -> None:
    """Standard errors of dummies, those of a dense regression without its constant and its named coefficients."""
    design, sums = case.fit.built.design, _sums(case, at)
    covariance = inference.effect_covariance(design, sums, inference.bread(design, at, sums))
    _, errors = _contrasts(case, at, covariance)
    if len(errors):
        np.testing.assert_allclose(errors, whole[1 : 1 + len(errors)], rtol=tolerance)
