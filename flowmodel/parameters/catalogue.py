"""All parameters of the models of zones: name, symbol, unit, bounds, prior and source."""

import dataclasses
import difflib
from collections.abc import Mapping

from flowmodel.config import Model, Override, Stock
from flowmodel.config.stock import SKILLS
from flowmodel.errors import ConfigError
from flowmodel.parameters.registry import Parameter, Registry

_COVARIATE_SOURCE = "per standard deviation of the covariate; weak prior around no effect"
_BASE = (
    Parameter("offset_km", "d0", "km", 0.1, 500, 10, 5, "internal distance of a county, 5-10 km", fixed=10.0),
    Parameter("mass", "alpha", "1", 0.0, 2.0, 0.9, 0.2, "elasticity 0.8-1.2; 0.44 between provinces (Gu et al. 2022)"),
)
_BARRIERS = (
    Parameter(
        "other_province", "delta_p", "1", -1.0, 4.0, 1.0, 0.5, "0.5-2; strong separate deterrent (Su et al. 2018)"
    ),
    Parameter("same_prefecture", "delta_f", "1", -1.0, 4.0, 0.8, 0.5, "0.3-1.5"),
    Parameter("divide_east_west", "eta_EW", "1", -4.0, 4.0, 0.0, 0.5, "shrunk to no effect"),
    Parameter("divide_west_east", "eta_WE", "1", -4.0, 4.0, 0.0, 0.5, "shrunk to no effect"),
)
_RATES = (
    Parameter(
        "departure_level", "m_0", "logit per year", -8.0, -1.0, -4.0, 0.5, "8-20 % leave their county in a decade"
    ),
    Parameter(
        "birth_adjustment", "nu", "1", 0.4, 2.5, 1.0, 0.3, "births missed by census or rates; fits the national total"
    ),
)
_NOISE = (
    Parameter("noise", "sigma_0", "log per interval", 0.005, 1.0, 0.12, 0.06, "0.08-0.15 log per decade"),
    Parameter(
        "noise_size", "sigma_1", "persons^0.5", 0.01, 300.0, 20.0, 20.0, "allocation and coverage errors of small units"
    ),
)

_REGISTERED = (
    Parameter(
        "inclusive_value",
        "theta",
        "1",
        0.0,
        1.0,
        0.3,
        0.2,
        "0 fixed volume, 1 pure logit; not identified by one decade",
        0.3,
    ),
    Parameter("hukou", "chi", "1", -1.0, 4.0, 0.5, 0.5, "0-2 in units of utility; abolished is 0"),
    Parameter("return_level", "r_0", "logit per year", -8.0, 0.0, -2.9, 0.5, "annual return 0.03-0.10"),
    Parameter("conversion_level", "c_0", "logit per year", -12.0, 0.0, -4.6, 0.5, "about 1 % a year, assumed", -4.6),
    Parameter("within_level", "w_0", "logit per year", -8.0, 0.0, -4.0, 0.5, "moves to another township of the zone"),
    Parameter("within_return", "xi", "logit per year", -8.0, 0.0, -2.9, 0.5, "as other returns, assumed", -2.9),
)
_SWITCHED = (
    Parameter("return_origin_level", "r_o", "logit per year", -8.0, 6.0, -2.9, 0.5, "annual return 0.03-0.10"),
    Parameter("onward_level", "a_0", "logit per year", -12.0, 0.0, -4.6, 0.5, "assumed", -4.6),
    Parameter("network", "varsigma", "1", 0.0, 4.0, 0.5, 0.5, "attraction by earlier migrants from the same zone"),
    Parameter("competing", "rho", "1", -3.0, 3.0, 0.0, 0.5, "competing destinations (Fotheringham 1983)"),
    Parameter("nest", "tau", "1", 0.2, 1.0, 0.8, 0.1, "dissimilarity of a prefecture's counties; 1 is no nest"),
)
"""Parameters of processes that `[model.stock]` switches on."""
_SET = "set so that a fit of 2010-2020 to growth and bands gives the published children of 2020 (71.09 M and 60-67 M)"
_CHILDREN = (
    Parameter("comove_level", "k_0", "logit", -6.0, 6.0, 0.2, 1.0, _SET, 0.2),
    Parameter("comove_school", "k_1", "1", -4.0, 4.0, 0.3, 0.3, "per standard deviation of access; assumed", 0.3),
    Parameter("comove_hukou", "k_2", "1", -1.0, 4.0, 1.0, 0.5, "fewer come where registration is strict; assumed", 1.0),
    Parameter("children_away", "k_a", "1", 0.1, 6.0, 1.86, 0.5, _SET, 1.86),
)
"""Parameters of the numbers of children; two published national numbers identify the two `_FITTED_TO_CHILDREN`."""
_FITTED_TO_CHILDREN = ("comove_level", "children_away")
_SCHOOLING = "the nation's schooling 2010-2020"
_LEARNING = [
    Parameter(f"learning@{skill}", f"e_{skill}", "logit per year", -10.0, -1.0, -4.2, 0.5, _SCHOOLING)
    for skill in SKILLS[:-1]
]
_DISPERSION = "variance is mean + dispersion x mean squared; weak prior around errors of 30 %"


def _dispersion(target: str, symbol: str) -> Parameter:
    return Parameter(f"dispersion_{target}", symbol, "1", 1e-5, 4.0, 0.1, 1.0, _DISPERSION, prior_scale="log")


_OBSERVED = {
    "same_county": (_dispersion("same_county", "kappa_1"),),
    "other_county": (_dispersion("other_county", "kappa_2"),),
    "other_province": (_dispersion("other_province", "kappa_3"),),
    "skills": (_dispersion("skills", "kappa_s"),),
    "interprovincial": (
        _dispersion("interprovincial", "kappa_i"),
        Parameter("scale_interprovincial", "s_i", "1", 0.001, 2.0, 0.1, 1.0, "sample of a tenth", prior_scale="log"),
    ),
}
"""Parameters of the likelihoods, by target."""


def registry(
    model: Model, overrides: Mapping[str, Override], decay: tuple[Parameter, ...], targets: tuple[str, ...] = ()
) -> Registry:
    """The parameters of a model and of the likelihood of its targets, with the overrides of the configuration.

    Args:
        model: `[model]`.
        overrides: `[parameters]`.
        decay: parameters of the model's decay law.
        targets: of `[fit]`.

    Raises:
        ConfigError: an override names an unknown parameter, or fixes one outside its bounds.
    """
    entries = {entry.name: entry for entry in _entries(model, decay, targets)}
    for name, change in overrides.items():
        if name not in entries:
            near = difflib.get_close_matches(name, entries, n=1)
            raise ConfigError("E-PARAMETER-NAME", f"[parameters.{name}]", f"name one of the model's, such as {near}")
        entries[name] = dataclasses.replace(entries[name], **change.model_dump(exclude_none=True))
    return Registry(tuple(entries.values()), *(tuple(entry.name for entry in part) for part in (decay, _BARRIERS)))


def _entries(model: Model, decay: tuple[Parameter, ...], targets: tuple[str, ...]) -> list[Parameter]:
    blocks = [("attraction", "gamma", model.attraction), ("departure", "m", model.departure)]
    scalars = [*_BASE, *decay, *_BARRIERS, *_RATES]
    if (stock := model.stock) is not None:
        scalars = _of_groups([*scalars, *_REGISTERED, *_switched(stock)], stock, decay)
        scalars += _LEARNING if stock.groups == "skills" else ()
        scalars += [] if stock.children is None else _of_children(targets)
        blocks += [
            ("far", "phi", stock.far_covariates),
            ("returning", "q", stock.return_covariates),
            ("returning_origin", "q_o", stock.return_origin_covariates),
            ("within", "z", stock.within_covariates),
        ]
    covariates = [
        Parameter(f"{kind}:{name}", f"{symbol}_{name}", "1", -4.0, 4.0, 0.0, 0.5, _COVARIATE_SOURCE)
        for kind, symbol, names in blocks
        for name in names
    ]
    observed = [entry for target in targets for entry in _OBSERVED.get(target, ())]
    return [*scalars, *covariates, *_NOISE, *observed]


def _of_children(targets: tuple[str, ...]) -> list[Parameter]:
    """Parameters of the numbers of children: fixed, except those fitted to the target `children`."""
    free = _FITTED_TO_CHILDREN if "children" in targets else ()
    return [dataclasses.replace(entry, fixed=None) if entry.name in free else entry for entry in _CHILDREN]


def _switched(stock: Stock) -> list[Parameter]:
    from_origin = stock.returning in ("origin", "both", "pair")
    on = (from_origin, stock.onward, stock.network != "off", stock.competing, stock.nest)
    return [entry for entry, is_on in zip(_SWITCHED, on, strict=True) if is_on]


def _of_groups(entries: list[Parameter], stock: Stock, decay: tuple[Parameter, ...]) -> list[Parameter]:
    """The entries, with one for each skill, such as "distance@low", instead of those that differ between groups.

    In `by_group`, `distance` means all parameters of the decay law.
    """
    by_group = {*stock.by_group, *(entry.name for entry in decay if "distance" in stock.by_group)}
    found = []
    for entry in entries:
        skills = SKILLS if entry.name in by_group else ()
        own = [(f"{entry.name}@{skill}", f"{entry.symbol}_{skill}") for skill in skills]
        found += [dataclasses.replace(entry, name=name, symbol=symbol) for name, symbol in own] or [entry]
    return found
