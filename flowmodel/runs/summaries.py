"""Tables at the end of a fit, a calibration or a balance, printed for a person."""

from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

_SCORES = {"r2": "R²", "rmse": "RMSE", "mape": "MAPE %", "medape": "MedAPE %", "malpe": "MALPE %", "sign": "sign"}
_FLOW_SCORES = {
    "cpc": "CPC",
    "cpc_d": "CPC_d",
    "cpl": "CPL",
    "srmse": "SRMSE",
    "ssi": "SSI",
    "r2": "R²",
    "d2": "D²",
    "mean_distance_observed": "km observed",
    "mean_distance": "km fitted",
}


def fitted(parameters: pd.DataFrame, report: dict[str, Any], folder: Path) -> None:
    """The outcome of a fit: verdict, parameters, scores beside the baselines, and what the data cannot tell."""
    console = _opened(report)
    console.print(_parameters(parameters))
    console.print(_targets(report))
    console.print(_scores(report))
    _caveats(console, report)
    _accounts(console, report)
    if "bands" in report:
        _registration(console, report)
    console.print("What the data can tell", style="bold")
    identification = report["identification"]
    console.print("  strongest correlations:")
    for pair in identification["worst_correlations"]:
        console.print(f"    {pair['parameters'][0]} ~ {pair['parameters'][1]}  {pair['correlation']:+.2f}")
    _directions(console, identification)
    for warning in identification["warnings"]:
        console.print(f"  warning: {warning}", markup=False, highlight=False)
    _closed(console, report, folder)


def calibrated(parameters: pd.DataFrame, report: dict[str, Any], folder: Path) -> None:
    """The outcome of a fit to a flow table: verdict, coefficients, scores."""
    console = _opened(report)
    console.print(_parameters(parameters))
    table = Table(*_FLOW_SCORES.values())
    table.add_row(*(f"{report[name]:.4g}" if name in report else "" for name in _FLOW_SCORES))
    console.print(table)
    console.print(
        f"{report['movers']:,.0f} people over {report['pairs']:,} pairs; "
        f"deviance {report['deviance']:,.6g} of {report['null_deviance']:,.6g}; "
        f"margins to {report['margin_error']:.1e}, moments to {report['moment_error']:.1e}"
    )
    if report["separated_pairs"]:
        people = f", with {report['separated_people']:,.0f} people" if report["separated_people"] else ""
        console.print(
            f"warning: {report['separated_pairs']:,} pairs{people} are separated: no finite parameters fit them"
        )
    for code, people in report["left_out"].items():
        console.print(f"warning: {people:,.0f} people left out, {code} in issues.csv")
    if "overdispersed" in report["flags"]:
        times = report["dispersion"]["pearson"] ** 0.5
        console.print(
            f"warning: the model's standard errors are about {times:.0f} times too small; set fit.se = 'two_way'"
        )
    _closed(console, report, folder)


def balanced(report: dict[str, Any], folder: Path) -> None:
    """Flows with given totals: what they sum to beside what was wanted, and pairs that are left nothing."""
    console = _opened(report)
    table = Table("totals", "given", "wanted, sum", "found, sum", "largest residual")
    for kind, sums in report["totals"].items():
        numbers = f"{sums['given']:,}", f"{sums['wanted']:,.2f}", f"{sums['found']:,.2f}"
        table.add_row(kind, *numbers, f"{sums['largest_residual']:.1e}")
    console.print(table)
    console.print(
        f"{report['flow']:,.2f} over {report['pairs']:,} pairs, prior {report['prior']:,.2f}; "
        f"no total is off by more than {report['largest_error']:.1e}; {report['steps']} steps"
    )
    if report["vanishing_pairs"]:
        console.print(
            f"warning: the totals leave {report['vanishing_pairs']:,} pairs of the prior nothing: vanishing.csv"
        )
    _closed(console, report, folder)


def laws(compared: pd.DataFrame) -> None:
    """The laws of a comparison, the best AIC first."""
    console = _console()
    columns = {"law": "law", "aic": "AIC", "deviance": "deviance", "cpc": "CPC"}
    columns |= {"held_out_deviance": "held out: deviance", "held_out_cpc": "CPC", "verdict": "verdict"}
    table = Table(*columns.values())
    for row in compared.to_dict("records"):
        table.add_row(*(_cell(row.get(name)) for name in columns))
    console.print(table)


def _console() -> Console:
    return Console(width=None if Console().is_terminal else 120)


def _opened(report: dict[str, Any]) -> Console:
    """The console, with the verdict as its first line."""
    console = _console()
    console.print(f"verdict: {report['verdict']}   flags: {', '.join(report['flags']) or 'none'}")
    return console


def _closed(console: Console, report: dict[str, Any], folder: Path) -> None:
    """The last line: seconds of each step, memory, and the folder."""
    steps = ", ".join(f"{name} {spent:.1f}" for name, spent in report["seconds"].items() if name != "total")
    total, memory = report["seconds"]["total"], report["memory_gb"]
    console.print(f"{total:.1f} s ({steps}), {memory:.2f} GB; written to {folder}")


def _cell(value: Any) -> str:
    if not isinstance(value, float):
        return "" if value is None else str(value)
    return "" if value != value else f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"


def _parameters(parameters: pd.DataFrame) -> Table:
    table = Table(
        "parameter",
        "estimate",
        "se",
        "90 % interval",
        "status",
        *(["truth"] if "truth" in parameters else []),
        title="Parameters",
    )
    for row in parameters.to_dict("records"):
        truth = [_number(row["truth"])] if "truth" in row else []
        ends = _ends(row["interval_lower"], row["interval_upper"])
        table.add_row(row["name"], _number(row["estimate"]), _number(row["se"]), ends, row["status"], *truth)
    return table


def _ends(lower: float | None, upper: float | None) -> str:
    """An interval, with an open end written as such; nothing where both ends are unknown."""
    if pd.isna(lower) and pd.isna(upper):
        return ""
    return " to ".join("open" if end is None or pd.isna(end) else _number(end) for end in (lower, upper))


def _directions(console: Console, identification: dict[str, Any]) -> None:
    """The flattest direction of the posterior and of the data alone, and the ends of profiles."""
    conditions = {"posterior": identification["condition"], "data": identification["condition_data"]}
    for name, direction in identification["sloppy_direction"].items():
        if direction:
            console.print(
                f"  flattest direction of the {name} (condition {conditions[name]:.3g}): {direction['words']}"
            )
    for name, profile in identification["profiles"].items():
        ends = _ends(profile["lower"], profile["upper"]) or "open on both sides"
        console.print(f"  profile of {name}: {ends}")


def _number(value: float) -> str:
    return "" if pd.isna(value) else f"{value:.4g}"


def _scores(report: dict[str, Any]) -> Table:
    (interval,) = report["growth"]
    table = Table("growth " + interval.replace("_", "-"), *_SCORES.values(), title=f"Scores, {report['scored']}")
    rows = {"this model": report["growth"], **report["baselines"]}
    for name, scores in rows.items():
        table.add_row(name, *(f"{scores[interval][key]:.3f}" for key in _SCORES))
    return table


def _targets(report: dict[str, Any]) -> Table:
    table = Table("target", "−ln likelihood", "weight", title="What was fitted to")
    for name, target in report["targets"].items():
        table.add_row(name, f"{target['negative_log_likelihood']:.2f}", f"{target['weight']:g}")
    return table


def _registration(console: Console, report: dict[str, Any]) -> None:
    """Who lives where and is registered elsewhere: bands and the nation's names, fitted beside counted."""
    table = Table("residents registered elsewhere", "fitted, M", "counted, M", "ln R²", "MedAPE %")
    for name, band in report["bands"].items():
        scores = f"{band['log_r2']:.3f}", f"{band['medape']:.1f}"
        table.add_row(name, f"{band['fitted'] / 1e6:.2f}", f"{band['counted'] / 1e6:.2f}", *scores)
    names = report["names"]
    for name in ("apart", "inside_city", "floating"):
        counted = names[name].get("counted")
        table.add_row(
            name, f"{names[name]['fitted'] / 1e6:.2f}", "" if counted is None else f"{counted / 1e6:.2f}", "", ""
        )
    console.print(table)
    share, ranks = names["other_province_share"], names["other_province_share_by_province"]["rank_correlation"]
    console.print(
        f"of those who crossed a county's border from another province: fitted {share['fitted']:.3f}, counted "
        f"{share['counted']:.3f}; rank correlation over provinces {ranks:.2f}"
    )
    initial = report["initial"]
    console.print(
        f"initial stock: residents to {initial['residents_largest_error']:.1e} persons; "
        f"{initial['registered_in_no_zone']:,.0f} people registered in no zone; registered people, error by quantile: "
        f"{_quantiles(initial['registered_error'])}"
    )
    for what, found in initial["assumed"].items():
        console.print(f"  assumed: {what}: {found['zones']} zones, {found['people']:+,.0f} people (assumptions.csv)")


def _quantiles(values: dict[str, float]) -> str:
    return ", ".join(f"{name} %: {value:+.1%}" for name, value in values.items())


def _caveats(console: Console, report: dict[str, Any]) -> None:
    """What the scores leave out, and which baseline they do not beat."""
    (interval,) = report["growth"]
    rmse = report["growth"][interval]["rmse"]
    better = [name for name, scores in report["baselines"].items() if scores[interval]["rmse"] < rmse]
    if better:
        console.print(f"  warning: smaller error than this model's: {', '.join(better)}")
    left = report["without_growth"]
    if left["zones"]:
        console.print(
            f"  warning: {left['zones']} zones ({left['people']:,.0f} people) empty at one date are not scored"
        )


def _accounts(console: Console, report: dict[str, Any]) -> None:
    national, divide = report["national"], report["divide"]
    console.print(f"residents at the end: counted {national['observed']:,.0f}, fitted {national['fitted']:,.0f}")
    for year, share in divide.items():
        model = (
            f", fitted {share['population_east_share_fitted']:.2%}" if "population_east_share_fitted" in share else ""
        )
        counted = f"{share['population_east_share']:.2%} of residents"
        console.print(f"east of the divide {year}: {counted}{model}; {share['area_east_share']:.1%} of land")
    worst = report["accounts"]["largest_residual_persons"]
    console.print(f"accounts: every zone and year closes to {worst:.1e} persons")
