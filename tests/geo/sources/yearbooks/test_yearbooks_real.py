"""The real census year-books: their sums, their misprints, and what nothing tells."""

import datetime
from pathlib import Path

import pytest
from checkout import CONFIGS

from geo.config import YearbookConfig
from geo.errors import DataError
from geo.sources import yearbooks
from geo.sources.yearbooks import CensusTable

CORRECTIONS = CONFIGS / "china_corrections.csv"


def _config(data_dir: Path, year: int, corrections: Path | None = CORRECTIONS) -> YearbookConfig:
    settings = {"adapter": f"china_{year}", "date": datetime.date(year, 11, 1), "definition": "resident"}
    file = data_dir / "china" / "raw" / f"census_county_{year}_v1.xlsx"
    return YearbookConfig.model_validate({**settings, "file": file, "corrections": corrections})


@pytest.fixture(scope="module")
def real(data_dir: Path) -> dict[int, CensusTable]:
    return {year: yearbooks.read(_config(data_dir, year), year) for year in (2010, 2020)}


def test_residents_are_the_published_ones(real: dict[int, CensusTable]) -> None:
    assert {year: table.places["people"].sum() for year, table in real.items()} == {
        2010: 1_332_810_869,
        2020: 1_409_778_724,
    }
    assert [len(table.places) for table in real.values()] == [2870, 2989]
    assert all(table.places.index.is_unique for table in real.values())


def test_counts_add_up_but_for_two_that_nothing_tells(real: dict[int, CensusTable]) -> None:
    assert not real[2020].issues
    warned = [(issue.code, issue.line, issue.column) for issue in real[2010].issues]
    assert warned == [
        *(("W-PLACE-EMPTY", line, "合计") for line in (2280, 2281)),
        *(("W-HIER-SUM", line, "初中-女") for line in (1180, 1256, 2630, 2748)),
    ]


def test_gaps_are_closed(real: dict[int, CensusTable]) -> None:
    gaps = {
        (year, str(name)): int(values.sel(row=values["row"] != "").isnull().sum())
        for year, table in real.items()
        for name, values in table.quantities.drop_sel(level="preschool").data_vars.items()
    }
    assert {key: number for key, number in gaps.items() if number} == {(2020, "housing_area"): 1}
    assert real[2020].quantities["in_migrants"].sum("row").values.tolist() == [188_482_738, 179_442_615, 124_837_153]
    assert real[2010].quantities["employed"].sum() == real[2010].quantities["employed_total"].sum() == 71_547_989


def test_industries_stand_under_their_own_names(real: dict[int, CensusTable]) -> None:
    for table in real.values():
        people = table.quantities["employed"].sum("row")
        order = [float(people.sel(sector=sector)) for sector in ("information", "transport", "trade", "agriculture")]
        assert order == sorted(order)


def test_labels_that_were_exchanged(real: dict[int, CensusTable]) -> None:
    people = real[2010].places[["name", "people"]].apply(tuple, axis=1)
    assert people["230110"] == ("香坊区", 916_408)
    assert people["230108"] == ("平房区", 190_253)
    assert people["654002"] == ("伊宁市", 515_082)
    assert people["130207"] == ("丰南区", 595_467)
    later = real[2020].places
    assert later.loc["140971", "name"] == "五台山风景名胜区"
    assert later.loc["419001", "prefecture"] == "4190"
    assert later.loc[later["prefecture"] == "4603", "people"].tolist() == [1549, 639, 145]


def test_schooling_by_one_rule(real: dict[int, CensusTable]) -> None:
    later = real[2020].quantities
    assert float(abs(later["schooling_levels"] - later["schooling"]).max()) < 0.0051
    old = real[2010].quantities
    weight = old["schooling_residents"]
    assert float((old["schooling"] * weight).sum() / weight.sum()) == pytest.approx(9.05, abs=0.005)


def test_the_older_book_needs_its_corrections(data_dir: Path) -> None:
    with pytest.raises(DataError) as caught:
        yearbooks.read(_config(data_dir, 2010, None), 2010)
    wanted = {"E-NUM", "E-POP-NEG", "E-POP-FRACTIONAL", "E-IDENTITY", "W-IDENTITY", "W-HIER-SUM"}
    assert wanted <= {issue.code for issue in caught.value.issues}
