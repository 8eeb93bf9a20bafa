"""Rows of a census and polygons of a map: the history of codes, what links them, and who lives on which side."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
from small_country import HISTORY_HEADER, SmallCountry, squares

from geo.errors import DataError
from geo.sources.harmonised import borders, development, history, links, transfers
from geo.sources.harmonised.borders import PlacedPeople
from geo.sources.harmonised.development import DistrictGroup
from geo.sources.harmonised.history import CodeHistory
from geo.sources.harmonised.links import Link, Reason, connected
from geo.sources.harmonised.places import longest_border
from geo.sources.harmonised.transfers import Transfer

VINTAGE = 2019


def _history(folder: Path, *rows: tuple[str, str, str, str]) -> CodeHistory:
    """Rows of code, name, last year, successors."""
    cells = [(code, "", "", name, "县级", "", "1981", end, after) for code, name, end, after in rows]
    return history.read(SmallCountry(folder).table("codes.csv", HISTORY_HEADER, cells))


def _polygons(*units: tuple[str, str]) -> pd.DataFrame:
    columns = {
        "name": [name for _, name in units],
        "province": [code[:2] for code, _ in units],
        "prefecture": [code[:4] for code, _ in units],
    }
    return pd.DataFrame(columns, index=pd.Index([code for code, _ in units], name="code"))


def _rows(*units: tuple[str, str, int]) -> pd.DataFrame:
    """Rows of key, name, people; a key that is no code is "prefecture:name"."""
    columns = {
        "code": [key if key.isdecimal() else "" for key, *_ in units],
        "name": [name for _, name, _ in units],
        "province": [key[:2] for key, *_ in units],
        "prefecture": [key[:4] for key, *_ in units],
        "people": [people for *_, people in units],
    }
    return pd.DataFrame(columns, index=pd.Index([key for key, *_ in units], name="key"))


def _find(rows: pd.DataFrame, polygons: pd.DataFrame, codes: CodeHistory, year: int = 2010, **decided: tuple[str, ...]):
    return links.find(rows, polygons, codes, year=year, vintage=VINTAGE, decided=decided)


def test_codes_are_followed_in_the_order_of_their_years(tmp_path):
    codes = _history(
        tmp_path,
        ("110105", "老区", "2014", "110106;110107[2012]"),
        ("110106", "中区", "2016", "110108"),
        ("110108", "新区", "2013", "110109"),  # before 110106 became it
        ("110107", "旁区", "2021", "110110"),  # after the years asked for
    )
    among = {"110106", "110107", "110108", "110109", "110110"}
    assert codes.after("110105", (2010, 2019), among) == {"110106", "110107", "110108"}
    assert codes.after("110105", (2013, 2019), among) == {"110106", "110108"}
    assert codes.before("110110", {"110105", "110107"}) == {"110107"}
    assert codes.before("110110", {"110105"}) == {"110105"}


def test_names_are_known_by_their_stem(tmp_path):
    codes = _history(tmp_path, ("110105", "平桂管理区", "2014", ""), ("120105", "平桂区", "", ""))
    assert codes.named("平桂区", "1101") == {"110105"}
    assert [history.stem(name) for name in ("区", "冷湖行委", "山县")] == ["区", "冷湖", "山"]


@pytest.mark.parametrize("text", ["11010", "110102[14]", "110102,110103", "110102 [2014]"])
def test_successor_that_cannot_be_read(tmp_path, text):
    with pytest.raises(DataError) as caught:
        _history(tmp_path, ("110105", "老区", "2014", text))
    (issue,) = caught.value.issues
    assert (issue.code, issue.line, issue.column, issue.value) == ("E-HISTORY", 2, "新代码", text)


def test_link_by_the_same_code_and_by_what_came_of_it(tmp_path):
    codes = _history(tmp_path, ("110121", "南县", "2015", "110103"), ("110102", "西区", "", "110103[2013]"))
    polygons = _polygons(("110102", "西区"), ("110103", "南区"))
    found = _find(_rows(("110121", "南县", 1), ("110102", "西区", 1)), polygons, codes)
    assert found == [
        Link("110121", "110103", Reason.CODE_HISTORY),
        Link("110102", "110102", Reason.SAME_CODE),
        Link("110102", "110103", Reason.CODE_HISTORY),
    ]


def test_link_to_codes_that_ended_between_map_and_census(tmp_path):
    codes = _history(tmp_path, ("110102", "西区", "2020", "110109"), ("110101", "东区", "", "110109[2020]"))
    polygons = _polygons(("110101", "东区"), ("110102", "西区"))
    found = _find(_rows(("110101", "东区", 1), ("110109", "合区", 1)), polygons, codes, year=2020)
    # A part that a code which goes on has lost is nobody's link: nobody says how many lived in it.
    assert found == [
        Link("110101", "110101", Reason.SAME_CODE),
        Link("110109", "110102", Reason.CODE_HISTORY),
    ]


def test_link_by_name_near_before_far(tmp_path):
    polygons = _polygons(("110101", "平桂区"), ("110201", "平桂县"), ("110202", "独县"), ("120201", "平桂县"))
    rows = _rows(("1101:平桂管理区", "平桂管理区", 1), ("1101:独区", "独区", 1), ("1203:平桂区", "平桂区", 1))
    assert _find(rows, polygons, _history(tmp_path, ("110199", "无", "", ""))) == [
        Link("1101:平桂管理区", "110101", Reason.NAME),
        Link("1101:独区", "110202", Reason.NAME),
        Link("1203:平桂区", "120201", Reason.NAME),
    ]


def test_a_name_that_two_polygons_of_the_province_have_links_nothing(tmp_path):
    polygons = _polygons(("110101", "平桂区"), ("110201", "平桂县"))
    rows = _rows(("1103:平桂", "平桂", 1))
    assert _find(rows, polygons, _history(tmp_path, ("110199", "无", "", ""))) == []


def test_link_by_a_name_that_only_the_history_has(tmp_path):
    codes = _history(tmp_path, ("110101", "东区", "", "110171[2012]"), ("110171", "平桂管理委员会", "", ""))
    rows = _rows(("1101:平桂区", "平桂区", 1))
    assert _find(rows, _polygons(("110101", "东区")), codes) == [Link("1101:平桂区", "110101", Reason.NAME)]


def test_link_to_the_predecessor_and_by_decision(tmp_path):
    codes = _history(tmp_path, ("110101", "东区", "", "110171[2012]"), ("110171", "新区", "", ""))
    rows, polygons = _rows(("110171", "新区", 1)), _polygons(("110101", "东区"), ("110102", "西区"))
    assert _find(rows, polygons, codes, year=2020) == [Link("110171", "110101", Reason.PREDECESSOR)]
    decided = {"110171": ("110102", "110101")}
    assert [link.polygon for link in _find(rows, polygons, codes, **decided)] == ["110102", "110101"]
    assert {link.reason for link in _find(rows, polygons, codes, **decided)} == {Reason.DECISION}


def _placed(found, rows, mapped):
    people = pd.Series(mapped, dtype=float)
    polygons = _polygons(*((code, "") for code in mapped))
    placed = borders.place(found, rows, polygons, people).placed
    return {(part.row, part.polygon): (part.people, part.reason) for part in placed}


def test_a_row_is_divided_by_the_maps_people():
    rows = _rows(("110102", "西区", 10), ("110105", "老区", 9))
    found = [
        Link("110102", "110102", Reason.SAME_CODE),
        Link("110105", "110102", Reason.CODE_HISTORY),
        Link("110105", "110104", Reason.CODE_HISTORY),
    ]
    assert _placed(found, rows, {"110102": 12, "110104": 7}) == {
        ("110102", "110102"): (10, Reason.SAME_CODE),
        ("110105", "110102"): (2, Reason.CODE_HISTORY),
        ("110105", "110104"): (7, Reason.CODE_HISTORY),
    }


def test_rows_of_one_polygon_keep_their_own_numbers():
    rows = _rows(("110222", "水县", 5), ("110224", "泉县", 2))
    found = [Link("110222", "110222", Reason.SAME_CODE), Link("110224", "110222", Reason.CODE_HISTORY)]
    assert _placed(found, rows, {"110222": 6}) == {  # the census is believed, not the map
        ("110222", "110222"): (5, Reason.SAME_CODE),
        ("110224", "110222"): (2, Reason.CODE_HISTORY),
    }


def _same_codes(rows):
    return [Link(key, key, Reason.SAME_CODE) for key in rows.index]


def test_mixed_up_codes_are_recognised_by_their_people():
    rows = _rows(("110101", "西区", 12), ("110102", "东区", 10), ("110201", "中区", 12))
    assert _placed(_same_codes(rows), rows, {"110101": 10, "110102": 12, "110201": 12}) == {
        ("110101", "110102"): (12, Reason.POPULATION),
        ("110102", "110101"): (10, Reason.POPULATION),
        ("110201", "110201"): (12, Reason.SAME_CODE),
    }


def test_what_one_unit_of_a_prefecture_lacks_another_has():
    rows = _rows(("110101", "东区", 10), ("110102", "西区", 20), ("110201", "中区", 5))
    assert _placed(_same_codes(rows), rows, {"110101": 13, "110102": 17, "110201": 4}) == {
        ("110101", "110101"): (10, Reason.SAME_CODE),
        ("110102", "110101"): (3, Reason.BORDERS),
        ("110102", "110102"): (17, Reason.SAME_CODE),
        ("110201", "110201"): (5, Reason.SAME_CODE),  # nobody near has the fifth; it is alone in its polygon
    }


def test_people_rather_follow_the_codes_than_go_where_nothing_leads():
    rows = _rows(("110101", "东区", 10), ("110102", "西区", 10))
    found = [
        *_same_codes(rows),
        Link("110101", "110102", Reason.CODE_HISTORY),
        Link("110102", "110103", Reason.CODE_HISTORY),
    ]
    # Two steps along the history, not one from 东区 to 110103.
    assert _placed(found, rows, {"110101": 5, "110102": 10, "110103": 5}) == {
        ("110101", "110101"): (5, Reason.SAME_CODE),
        ("110101", "110102"): (5, Reason.CODE_HISTORY),
        ("110102", "110102"): (5, Reason.SAME_CODE),
        ("110102", "110103"): (5, Reason.CODE_HISTORY),
    }


def test_units_that_do_not_balance_are_not_told_apart():
    rows = _rows(("110101", "东区", 10), ("110102", "西区", 20))
    placed = _placed(_same_codes(rows), rows, {"110101": 14, "110102": 17})
    assert {people for people, _ in placed.values()} == {None}
    assert len(placed) == 4


def test_a_map_that_does_not_know_moves_nobody():
    rows = _rows(("110101", "东区", 10), ("110102", "西区", 20))
    assert _placed(_same_codes(rows), rows, {"110101": np.nan, "110102": 17})["110101", "110101"][0] == 10
    both = [Link("110101", "110101", Reason.SAME_CODE), Link("110101", "110102", Reason.CODE_HISTORY)]
    assert [part.people for part in borders.undivided(both, rows)] == [None, None]
    assert [part.people for part in borders.undivided(both[:1], rows)] == [10]


def test_least_moves_are_whole_persons_and_keep_every_sum():
    """Any such part, against the sums it must have; the people of the same code stay as far as they can."""
    random = np.random.default_rng(1)
    for _ in range(20):
        moved = random.integers(0, 1_000_000, (3, 4)) * (random.random((3, 4)) < 0.7)
        moved[0] += 1
        moved[:, 0] += 1
        codes = [f"11010{k}" for k in range(4)]
        rows = _rows(*((code, "", int(people)) for code, people in zip(codes, moved.sum(axis=1), strict=False)))
        found = [Link(row, polygon, Reason.CODE_HISTORY) for row in rows.index for polygon in codes if row != polygon]
        found += _same_codes(rows)
        mapped = {code: int(people) for code, people in zip(codes, moved.sum(axis=0), strict=True)}
        placed = {pair: people for pair, (people, _) in _placed(found, rows, mapped).items()}
        for row, people in rows["people"].items():
            assert sum(count for (of, _), count in placed.items() if of == row) == people
            assert placed.get((row, row), 0) == min(people, mapped[row])
        for code, people in mapped.items():
            assert sum(count for (_, to), count in placed.items() if to == code) == people


def test_neighbour_of_the_longest_border_and_an_island():
    west, east, far = squares(2)[0], squares(2)[1], shapely.box(120, 30, 121, 31)
    low = shapely.box(103, 33.5, 103.4, 34)
    shapes = np.array([west, east, low, far], dtype=object)
    assert [longest_border(at, shapes) for at in range(4)] == [1, 0, 0, None]
    corner = np.array([west, shapely.box(104, 35, 105, 36)], dtype=object)
    assert longest_border(0, corner) is None


def test_districts_of_a_development_zone():
    polygons = _polygons(("110101", "东区"), ("110102", "西区"), ("110121", "南县"), ("110221", "山县"))
    assert development.districts(polygons, "1101") == ["110101", "110102"]
    assert development.districts(polygons, "1102") == ["110221"]
    more = pd.concat([polygons, _polygons(("110222", "水县"))])
    assert development.districts(more, "1102") == []


def test_a_small_zone_is_shared_out_in_whole_persons():
    cut = DistrictGroup(("a", "b"), (0, 1, 2), 8, (300, 200, 100))
    assert cut.small(0.05)
    assert not cut.small(0.01)
    placed = development.share_out(cut, {"a": 7, "b": 1}, ["x", "y", "z"])
    assert placed == [
        PlacedPeople(
            "a", "x", 4, Reason.ZONE_SHARED
        ),  # 3.5, 2.33 and 1.17: the person left over to the largest remainder
        PlacedPeople("a", "y", 2, Reason.ZONE_SHARED),
        PlacedPeople("a", "z", 1, Reason.ZONE_SHARED),
        PlacedPeople("b", "x", 1, Reason.ZONE_SHARED),
    ]


def test_transfers_that_no_numbers_show(tmp_path):
    parts = "110102[2013];110103[2009];110104[2021];110105[2012];110106[2015]"
    codes = _history(tmp_path, ("110101", "东区", "", parts))
    known = ["110101", "110102", "110103", "110104", "110106"]
    found = transfers.uncounted(known, codes, (2010, 2020), {("110101", "110106")})
    assert found == [Transfer(2013, "110101", "110102")]
    growth = {"110101": 0.1, "110102": -0.3}
    assert not transfers.grew_differently(found[0], growth, 0.5)
    assert transfers.grew_differently(found[0], growth, 0.3)


def test_groups_are_connected_parts():
    assert connected(list("abcde"), ["ae", "ed", "b"]) == [["a", "d", "e"], ["b"], ["c"]]
    assert connected(list("ab"), []) == [["a"], ["b"]]
