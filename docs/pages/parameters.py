"""The table of parameters, from the catalogue with every process and target switched on."""

import re

from flowmodel.config import Children, Model, Stock
from flowmodel.gravity.decay import LAWS
from flowmodel.parameters.catalogue import registry
from flowmodel.parameters.registry import Parameter

TARGETS = ("same_county", "other_county", "other_province", "skills", "interprovincial")
GREEK = {
    **{"alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "eta": "η", "theta": "ϑ", "kappa": "κ", "lambda": "λ"},
    **{"nu": "ν", "xi": "ξ", "rho": "ϱ", "sigma": "σ", "varsigma": "ς", "tau": "τ", "phi": "φ", "chi": "χ"},
}
SMALL = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def table() -> str:
    """Every parameter with its symbol, unit, bounds, prior and source, as Markdown."""
    rows = ["| symbol | code name | unit | bound | prior | source |", "|---|---|---|---|---|---|"]
    for entry in entries():
        cells = symbol(entry.symbol), f"`{entry.name}`", entry.unit, _bound(entry), _prior(entry), entry.source
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def entries() -> list[Parameter]:
    """The parameters of all decay laws, processes and targets; `x` stands for the name of a covariate."""
    x = ("x",)
    covariates = {name: x for name in Stock.model_fields if name.endswith("_covariates")}
    processes = {"returning": "both", "onward": True, "network": "frozen", "competing": True, "nest": True}
    stock = Stock(groups="skills", children=Children(), **processes, **covariates)
    model = Model(years=(2010, 2020), attraction=x, departure=x, stock=stock)
    decay = {parameter.name: parameter for law in LAWS.values() for parameter in law.parameters}
    return list(registry(model, {}, tuple(decay.values()), TARGETS).entries)


def symbol(name: str) -> str:
    """A symbol in letters: "sigma_0" is σ₀."""
    letter, _, index = name.partition("_")
    letter = GREEK.get(letter, letter)
    plain = re.fullmatch(r"([a-z])(\d)", letter)
    if plain:
        return plain[1] + plain[2].translate(SMALL)
    return letter + (index.translate(SMALL) if index.isdigit() else f"_{index}" if index else "")


def _bound(entry: Parameter) -> str:
    fixed = "" if entry.fixed is None else f"fixed at {_number(entry.fixed)}, "
    return f"{fixed}{_number(entry.lower)} to {_number(entry.upper)}"


def _prior(entry: Parameter) -> str:
    if entry.prior_scale == "log":
        return f"log-normal, median {_number(entry.prior_mean)}, log sd {_number(entry.prior_sd)}"
    return f"{_number(entry.prior_mean)} ± {_number(entry.prior_sd)}"


def _number(value: float) -> str:
    return f"{value:g}".replace("-", "−")
