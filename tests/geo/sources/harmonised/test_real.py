"""The real censuses on zones that stay the same: one run of the command, judged by books, panel and audit."""

import os
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import python_calamine
import xarray as xr
from checkout import ROOT

from geo import config as sources
from geo.sources import assemble
from geo.sources.harmonised.links import connected

CONFIG = ROOT / "configs" / "china_raw.toml"
# Lines of the audit that say why people stand in another zone than their code says, or why polygons are one zone.
WHY = ("decision", "merged:", "development_zone_", "code_history", "borders", "only_polygon")

# Runs a command and prints what it took: seconds of the processor, and the system's measure of its resident memory.
MEASURED = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
"""


@dataclass(frozen=True)
class Run:
    """What the command left: zones, tables, seconds of the processor, and the greatest resident memory in bytes."""

    zones: xr.Dataset
    crosswalk: pd.DataFrame
    audit: pd.DataFrame
    accounts: pd.DataFrame
    folder: Path
    seconds: float
    memory: float

    @property
    def members(self) -> dict[str, frozenset[str]]:
        lines = self.crosswalk[self.crosswalk["year"] == 2019]
        return {zone: frozenset(codes) for zone, codes in lines.groupby("to")["from"]}

    def people(self, year: int) -> pd.Series:
        return self.zones["population"].sel(year=year).to_series()

    def why(self, zones: set[str]) -> pd.DataFrame:
        lines = self.audit[self.audit["zone"].isin(zones)]
        return lines[lines["decision"].str.startswith(WHY)]


@pytest.fixture(scope="module")
def raw_only(data_dir, tmp_path_factory):
    """A data folder with the public raw files and nothing else, so that no worked answer can be read."""
    folder = tmp_path_factory.mktemp("data")
    shutil.copytree(data_dir / "china" / "raw", folder / "china" / "raw")
    return folder


@pytest.fixture(scope="module")
def run(raw_only, tmp_path_factory):
    out = tmp_path_factory.mktemp("real") / "china_raw"
    command = [sys.executable, str(ROOT / "scripts" / "build_zones.py"), str(CONFIG), "--out", str(out)]
    # What the system says of a process begins with the peak of whoever starts it: a small one starts this.
    line = [sys.executable, "-c", MEASURED, *command]
    environment = {**os.environ, "FLOWMODEL_DATA": str(raw_only)}
    done = subprocess.run(line, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    seconds, peak = map(float, done.stdout.split())
    with xr.open_dataset(out / "zones.nc", engine="h5netcdf") as opened:
        zones = opened.load()
    crosswalk, audit = (
        pd.read_csv(out / name, dtype={"from": str, "to": str, "zone": str, "unit": str})
        for name in ("crosswalk.csv", "audit.csv")
    )
    accounts = pd.read_csv(out / "unallocated.csv", index_col="year")
    return Run(zones, crosswalk, audit, accounts, out, seconds, peak * (1 if sys.platform == "darwin" else 1024))


@pytest.fixture(scope="module")
def panel(data_dir):
    """The same counties harmonised by somebody else."""
    texts = {"unit": str, "members": str, "pref_code": str}
    return pd.read_csv(data_dir / "china" / "china_units_panel.csv", dtype=texts, index_col="unit")


def _rows(file: Path, name: str, code: str, people: str) -> pd.DataFrame:
    """Rows of a year-book as they stand, read by nothing of ours."""
    head, *rows = python_calamine.load_workbook(str(file)).get_sheet_by_index(0).to_python()
    heads = ["".join(str(cell).split()) for cell in head]
    at = [heads.index(wanted) for wanted in (name, code, people)]
    frame = pd.DataFrame([[row[column] for column in at] for row in rows], columns=["name", "code", "people"])
    codes = [f"{code:.0f}" if isinstance(code, float) else str(code) for code in frame["code"]]
    return frame.assign(code=codes)


def test_the_command_is_quick_and_small(run):
    assert run.seconds < 90
    assert run.memory < 3e9


def test_zones_and_residents(run):
    assert run.zones.sizes["zone"] == len(run.members) == 2647
    assert [run.people(year).sum() for year in (2010, 2020)] == [1_332_810_869, 1_409_778_724]
    for year in (2010, 2020):
        people = run.people(year)
        assert (people > 0).all()
        assert (people == people.round()).all()
    assert len(frozenset().union(*run.members.values())) == sum(map(len, run.members.values())) == 2860


def test_census_units_and_districts_of_each_zone(run):
    counted = {zone: len(codes) for zone, codes in run.members.items()}
    assert run.zones["members"].to_series().to_dict() == counted
    lines = run.crosswalk[run.crosswalk["year"] == 2019]
    named = lines["from_name"].str.endswith("区").groupby(lines["to"]).sum()
    assert run.zones["districts"].to_series().to_dict() == named.to_dict()
    assert (run.zones["members"].sum(), run.zones["districts"].sum()) == (2860, 980)
    assert (run.zones["district_share"] > 0.5).sum() == 789


def test_covariates_are_known_everywhere_and_differ(run):
    named = tomllib.loads(CONFIG.read_text(encoding="utf-8"))["zones"]["covariates"]
    of = run.zones[list(named)].to_dataframe()
    assert np.isfinite(of).all(axis=None)
    assert (of.std() > 0).all()
    people = run.people(2010)
    # As published: residents of 2010 registered in another province, aged under 15, and aged 65 and over.
    persons = of[["in_migrants_other_province", "child_share", "old_share"]].mul(people, axis=0).sum()
    np.testing.assert_allclose(persons, [85_876_337, 221_322_621, 118_927_158], rtol=0, atol=1)
    # Districts of Beijing and Shenzhen beside a poor county of Sichuan (石渠).
    assert (of.loc[["110101", "440304"], "log_density"] > np.log(10_000)).all()
    assert (of.loc[["110101", "440304"], "services_share"] > 0.8).all()
    assert of.at["440306", "registered_ratio"] < 0.2 < 1 < of.at["513332", "registered_ratio"]
    assert of.at["513332", "log_density"] < np.log(5)
    assert of.at["513332", "college_share"] < 0.03 < 0.3 < of.at["110101", "college_share"]


@pytest.mark.parametrize(
    ("year", "columns"),
    [(2010, ("地区", "区划代码", "合计")), (2020, ("区县", "区划代码", "人口数_合计"))],
)
def test_each_province_has_the_residents_its_row_says(run, data_dir, year, columns):
    rows = _rows(data_dir / "china" / "raw" / f"census_county_{year}_v1.xlsx", *columns)
    provinces = rows[rows["code"].str.fullmatch("[0-9]{2}0000")]
    expected = {code[:2]: float(people) for code, people in zip(provinces["code"], provinces["people"], strict=True)}
    province = run.zones["province"].to_series()
    assert run.people(year).groupby(province).sum().to_dict() == expected
    assert len(expected) == 31


def test_registration_elsewhere_adds_up_to_the_published_bands(run):
    bands = run.zones["census_in_migrants"].sel(year=2020).sum("zone", skipna=False)
    np.testing.assert_allclose(bands, [188_482_738, 179_442_615, 124_837_153], rtol=0, atol=1e-3)
    assert bands["band"].values.tolist() == ["same_county", "other_county", "other_province"]


def test_few_zones_change_beyond_belief_and_each_is_listed(run):
    growth = np.log(run.people(2020) / run.people(2010))
    listed = run.audit[run.audit["decision"] == "large_growth"]
    assert set(growth.index[growth.abs() > 0.75]) == set(listed["zone"])
    assert len(listed) <= 12


def test_who_was_not_counted_is_missing_and_flagged(run):
    lines = run.crosswalk[run.crosswalk["year"] == 2000]
    counted = frozenset(lines["from"])
    whole = {zone for zone, codes in run.members.items() if codes <= counted}
    people, flag = run.people(2000), run.zones["population_counted"].sel(year=2000).to_series()
    assert set(people.index[people.notna()]) == set(flag.index[flag == 1]) == whole
    assert people.isna().sum() == run.accounts.loc[2000, "zones_missing"] == 96
    assert run.zones["population_counted"].sel(year=[2010, 2020]).all()


def test_accounts_close(run):
    accounts = run.accounts
    assert (accounts["published"] == accounts["in_zones"] + accounts["unallocated"]).all()
    assert accounts.loc[2020, "unexplained"] == 0
    assert accounts.loc[2010, "unexplained"] == 1_339_724_852 - 2_300_000 - 4_650_000 - 1_332_810_869


def test_shares_of_every_unit_sum_to_one(run):
    sums = run.crosswalk.groupby(["year", "from"])["share"].sum()
    np.testing.assert_allclose(sums, 1.0, rtol=0, atol=1e-12)
    assert sums.groupby("year").size().to_dict() == {2000: 2754, 2010: 2870, 2019: 2860, 2020: 2989}


def test_the_written_crosswalk_gives_the_same_zones(run, raw_only):
    section = tomllib.loads(CONFIG.read_text(encoding="utf-8"))["zones"]
    section["harmonise"]["crosswalk"] = str(run.folder / "crosswalk.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLOWMODEL_DATA", str(raw_only))
        again = assemble.build(sources.parse(section, CONFIG.parent), seed=0).dataset
    assert set(again.variables) == set(run.zones.variables)
    for name, values in run.zones.variables.items():
        numbers = values.dtype.kind in "fi"
        assert np.array_equal(again[name].values, values.values, equal_nan=numbers), name


def _same_members(run, panel):
    """Pairs of a unit of the panel and a zone with the same polygons."""
    zone_of = {codes: zone for zone, codes in run.members.items()}
    units = {unit: frozenset(text.split()) for unit, text in panel["members"].items()}
    return {unit: zone_of[codes] for unit, codes in units.items() if codes in zone_of}


def test_zones_of_the_same_polygons_have_the_panels_residents(run, panel):
    pairs = _same_members(run, panel)
    assert len(pairs) == 2600
    for year in (2000, 2010):
        theirs = panel.loc[list(pairs), f"pop_{year}"].to_numpy()
        assert np.array_equal(run.people(year)[list(pairs.values())].to_numpy(), theirs, equal_nan=True)


def test_residents_of_2020_differ_from_the_panel_only_by_decisions(run, panel):
    """The panel shares every development zone out over the districts; a decision puts it where it lies."""
    pairs = _same_members(run, panel)
    zones = list(pairs.values())
    more = pd.Series(run.people(2020)[zones].to_numpy() - panel.loc[list(pairs), "pop_2020"].to_numpy(), index=zones)
    differ = more[more.abs() >= 1]
    decided = run.audit[(run.audit["decision"] == "decision") & (run.audit["year"] == 2020)]
    gained = decided.groupby("zone")["people"].sum()
    receivers = differ[differ > 0]
    assert len(receivers) == 14
    # Dingcheng (430703) is itself a district, and had its share of the zone that now is its own as a whole.
    whole = receivers.drop("430703")
    np.testing.assert_allclose(gained[whole.index], whole, rtol=0, atol=1)
    assert receivers["430703"] == pytest.approx(-differ["430702"], abs=1)
    # Nobody else has lost people but districts of a prefecture that has such a receiver, and no more than it received.
    prefecture = run.zones["prefecture"].to_series()
    received = gained.groupby(prefecture[gained.index].to_numpy()).sum()
    lost = -differ[differ < 0].groupby(prefecture[differ.index[differ < 0]].to_numpy()).sum()
    assert (lost <= received[lost.index] + 1).all()
    assert len(differ) == 25


def _clusters(run, panel):
    """Zones and units of the panel that overlap and differ, with the zones and prefectures of each cluster."""
    units = {unit: frozenset(text.split()) for unit, text in panel["members"].items()}
    same = set(_same_members(run, panel).values())
    zone_of = {code: zone for zone, codes in run.members.items() for code in codes}
    mine = sorted(run.members.keys() - same)
    together = [[zone_of[code] for code in sorted(codes)] for codes in units.values()]
    together = [zones for zones in together if set(zones) <= set(mine)]
    return [set(cluster) for cluster in connected(mine, together)]


def test_other_zones_than_the_panels_are_explained(run, panel):
    """Each has a line that says why: its own, or the decision that took a development zone out of its prefecture."""
    prefecture = run.zones["prefecture"].to_series()
    decided = set(run.audit.loc[run.audit["decision"] == "decision", "zone"])
    reasons: Counter[str] = Counter()
    for cluster in _clusters(run, panel):
        lines = run.why(cluster)
        merged = lines[lines["decision"].str.startswith("merged:")]
        if len(merged):
            reasons["merged"] += 1
        elif len(lines):
            reasons["divided"] += 1
        else:
            near = set(prefecture.index[prefecture.isin(prefecture[sorted(cluster)])])
            assert near & decided, cluster
            reasons["development zone decided elsewhere"] += 1
    # Zones joined here and not there; units divided here by the map's people, joined there; and the neighbours of
    # a development zone that a decision has put into another county.
    assert reasons == {"merged": 15, "divided": 4, "development zone decided elsewhere": 2}
    assert run.zones.sizes["zone"] == len(panel) + 6
