"""The page about a run: it says the uncomfortable things, adds up, and carries nothing that could run."""

import base64
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
import xarray as xr

from geo.errors import DataError
from geo.maps import report
from geo.maps.account import side_years, worst_zone
from geo.results.run_folder import read

MakeRun = Callable[..., Path]

PNG = b"\x89PNG\r\n\x1a\n"


class Page(HTMLParser):
    """Tags with their attributes, and the text as a reader sees it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.text = re.sub(r"\s+", " ", " ".join(self.words))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def page_of(run: Path) -> Page:
    """The page with a stand-in for the figures: drawing them takes a second."""
    return Page(report.render(read(run), dict.fromkeys(("growth", "fitted_observed", "net_migration"), PNG)))


def edit_metrics(run: Path, change: Callable[[dict[str, object]], None]) -> None:
    path = run / "metrics.json"
    metrics = json.loads(path.read_text())
    change(metrics)
    path.write_text(json.dumps(metrics))


def test_page_is_self_contained_and_cannot_run_anything(make_run: MakeRun) -> None:
    page = page_of(make_run())
    assert {"script", "link", "iframe", "object", "form"}.isdisjoint(tag for tag, _ in page.tags)
    policies = [attrs["content"] for _, attrs in page.tags if attrs.get("http-equiv") == "Content-Security-Policy"]
    assert policies == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]
    sources = [attrs["src"] or "" for _, attrs in page.tags if "src" in attrs]
    assert len(sources) == 3
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert not any("href" in attrs or any(name.startswith("on") for name in attrs) for _, attrs in page.tags)


def test_figures_on_the_page_are_the_files_of_the_run(make_run: MakeRun) -> None:
    run = make_run()
    report.write(run, run / "report.html")
    page = Page((run / "report.html").read_text(encoding="utf-8"))
    inline = {base64.b64decode((attrs["src"] or "").partition(",")[2]) for tag, attrs in page.tags if tag == "img"}
    files = {path.name: path.read_bytes() for path in (run / "figures").iterdir()}
    assert sorted(files) == ["fitted_observed.png", "growth.png", "net_migration.png"]
    assert set(files.values()) == inline
    assert all(content.startswith(PNG) for content in inline)


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }}"])
def test_names_from_the_data_stay_text(make_run: MakeRun, name: str) -> None:
    page = page_of(make_run(zone_name=name))
    assert name in page.text
    assert "script" not in [tag for tag, _ in page.tags]
    assert sum(tag == "img" for tag, _ in page.tags) == 3


@pytest.mark.parametrize("synthetic", [True, False])
def test_synthetic_counties_are_announced(make_run: MakeRun, *, synthetic: bool) -> None:
    page = page_of(make_run(synthetic=synthetic))
    assert ("its counties are synthetic" in page.text) is synthetic
    assert ("band synthetic" in [attrs.get("class") for _, attrs in page.tags]) is synthetic
    headers = page.text[page.text.index("Parameters ") :]
    assert ("truth" in headers.split("distance")[0]) is synthetic


def test_verdict_flags_and_identification_come_first(make_run: MakeRun) -> None:
    text = page_of(make_run()).text
    assert "Verdict of the fit: converged . Flags: not_identified" in text
    assert "census growth alone does not identify divide_east_west" in text
    assert "condition number 3.2e+07; worst correlation 0.991" in text
    assert "is not a forecast" in text
    assert text.index("not to be interpreted") < text.index("Observed and fitted growth of residents")


def test_barriers_of_a_fit_to_flows_carry_no_such_warning(make_run: MakeRun) -> None:
    run = make_run()
    config = run / "config.toml"
    config.write_text(config.read_text() + '\n[fit]\ntargets = ["growth", "national_total"]\n')
    assert "not to be interpreted" in page_of(run).text
    config.write_text(config.read_text().replace('"national_total"', '"flows"'))
    assert "not to be interpreted" not in page_of(run).text


def test_parameters_show_their_status_and_doubtful_rows_stand_out(make_run: MakeRun) -> None:
    page = page_of(make_run())
    assert "distance β -1.25 0.05 -1.33 -1.17 -5 0 1 fitted growth" in page.text
    assert "divide_east_west η_EW 0.4 0.5 0 1.22 0 3 1 not_identified growth" in page.text
    assert sum(attrs.get("class") == "doubt" for _, attrs in page.tags) == 1


def test_baselines_are_in_sample_and_a_better_one_is_named(make_run: MakeRun) -> None:
    run = make_run()
    text = page_of(run).text
    assert "Every row is in sample" in text
    assert "fitted model 0.42 0.1 0.08 0.06 0.001 0.7" in text
    assert "linear regression on the same covariates 0.55 0.1 0.08 0.06 0.001 n/a" in text
    assert "No baseline has a smaller error" in text
    edit_metrics(run, lambda metrics: metrics["baselines"]["ols"]["2010-2020"].update(rmse=0.09))
    assert "Smaller error (rmse) than the model: linear regression on the same covariates." in page_of(run).text


def test_east_west_account_adds_up_by_hand(make_run: MakeRun) -> None:
    run = read(make_run())
    east, west = (list(side_years(run, side).itertuples()) for side in ("east", "west"))
    # East are A, B and C, 21,777 people; of the flows D to A (50 a year) comes in and A to D (10) goes out.
    first, total = east[0], east[-1]
    assert (first.label, first.opening, first.births, first.deaths) == ("2011", 21_777, 217.77, 108.885)
    assert (first.arrived, first.left, first.net) == (50, 10, 40)
    assert first.closing == pytest.approx(21_777 + 217.77 - 108.885 + 40)
    assert (total.label, total.opening, total.net) == ("2011 to 2020", 21_777, 400)
    assert total.closing == pytest.approx(21_777 + 1088.85 + 400)
    assert [row.net for row in west] == [-row.net for row in east]
    assert max(abs(row.residual) for row in east + west) < 1e-9


def test_an_account_that_does_not_close_is_said(make_run: MakeRun) -> None:
    run = make_run()
    assert "The accounts add up: largest residual" in page_of(run).text
    results = xr.load_dataset(run / "results.nc", engine="h5netcdf")
    results["cross_divide"].loc[{"direction": "west_east", "interval": 2015}] += 7.0
    results.to_netcdf(run / "results.nc", engine="h5netcdf")
    text = page_of(run).text
    assert "The accounts do not add up" in text
    assert "of a side of the divide 7 persons" in text


def test_a_zone_that_does_not_close_is_said(make_run: MakeRun) -> None:
    run = make_run()
    accounts = pd.read_csv(run / "accounts.csv", dtype={"zone": str})
    accounts.loc[17, "closing"] -= 3.0
    accounts.to_csv(run / "accounts.csv", index=False)
    assert worst_zone(accounts) == pytest.approx(3.0)
    assert "The accounts do not add up: largest residual of a zone and year 3 persons" in page_of(run).text


def test_data_rules_warnings_and_inputs_are_listed(make_run: MakeRun) -> None:
    text = page_of(make_run()).text
    assert "2 zones (1,200 people) took the mean of their province" in text
    assert "W-POP-FRACTION squares.csv :3 pop_2020 8100.4" in text
    assert "squares.csv 5 none " + "ab" * 32 in text
    assert "git abc123" in text
    # A, B and C lie east, 21 of the 32 km2: 65.625 %.
    assert re.search(r"65\.6[23] % of the land is east", text)


def test_the_worst_misses_lead(make_run: MakeRun) -> None:
    text = page_of(make_run()).text
    rows = text[text.index("Where the model misses most") :]
    # E: 500 people, observed 400, fitted 325: ln(400/500) - ln(325/500) is the largest gap, 0.208.
    assert rows.index("620202") < rows.index("110101")
    assert "620202 东城区 北京市 500 -0.223 -0.431 0.208" in rows


def test_an_unfinished_fit_is_refused(make_run: MakeRun) -> None:
    run = make_run()
    for name in ("metrics.json", "parameters.csv"):
        (run / name).unlink()
    with pytest.raises(DataError) as caught:
        report.write(run, run / "report.html")
    assert [issue.file for issue in caught.value.issues] == ["parameters.csv", "metrics.json"]
    assert not (run / "report.html").exists()


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "n/a"), ("", "n/a"), (float("nan"), "n/a"), ("1.23456", "1.23"), (1e-9, "1e-09"), ("fixed", "fixed")],
)
def test_numbers_are_shown_or_said_to_be_missing(value: object, shown: str) -> None:
    assert report.number(value) == shown


def test_metrics_of_any_shape_become_one_line() -> None:
    assert report.plain(None) == "none"
    assert report.plain({"pair": ["a", "b"], "r": 0.98765, "n": 3}) == "pair: a, b, r: 0.988, n: 3"
