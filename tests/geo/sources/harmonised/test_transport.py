"""Division of people where the least moves leave a choice, a decision speaks, or the map has another count."""

import numpy as np
import pandas as pd
import pytest

from geo.sources.harmonised import borders
from geo.sources.harmonised.links import Link, Reason
from geo.sources.harmonised.transport import least_moves


def _place(links, people, mapped):
    rows = pd.DataFrame({"people": people, "prefecture": {key: "1101" for key in people}})
    polygons = pd.DataFrame({"prefecture": {code: "1101" for code in mapped}})
    return borders.place(links, rows, polygons, pd.Series(mapped, dtype=float))


def _told(division):
    return {(one.row, one.polygon): (one.people, one.reason) for one in division.placed}


def _history(rows, polygons):
    return [Link(row, polygon, Reason.CODE_HISTORY) for row in rows for polygon in polygons]


def test_a_choice_is_divided_in_proportion_whatever_the_order():
    people, mapped = {"110111": 300, "110112": 100}, {"110121": 200, "110122": 200}
    expected = {
        ("110111", "110121"): (150, Reason.PROPORTIONAL),
        ("110111", "110122"): (150, Reason.PROPORTIONAL),
        ("110112", "110121"): (50, Reason.PROPORTIONAL),
        ("110112", "110122"): (50, Reason.PROPORTIONAL),
    }
    for rows in (["110111", "110112"], ["110112", "110111"]):
        for polygons in (["110121", "110122"], ["110122", "110121"]):
            ordered = {row: people[row] for row in rows}, {code: mapped[code] for code in polygons}
            assert _told(_place(_history(rows, polygons), *ordered)) == expected


def test_what_leaves_no_choice_is_not_called_proportional():
    links = _history(["110111"], ["110121", "110122"]) + _history(["110112"], ["110122"])
    told = _told(_place(links, {"110111": 300, "110112": 100}, {"110121": 250, "110122": 150}))
    assert told == {
        ("110111", "110121"): (250, Reason.CODE_HISTORY),
        ("110111", "110122"): (50, Reason.CODE_HISTORY),
        ("110112", "110122"): (100, Reason.CODE_HISTORY),
    }


def test_a_proportional_division_keeps_both_sums_in_whole_persons():
    random = np.random.default_rng(7)
    for _ in range(30):
        people = random.integers(0, 100_000, (random.integers(2, 5), random.integers(2, 5)))
        costs = random.choice([0.0, 1.0, 3.0], people.shape)
        moves = least_moves(people.sum(axis=1), people.sum(axis=0).astype(float), costs)
        assert (moves.people >= 0).all()
        assert moves.people.sum(axis=1).tolist() == people.sum(axis=1).tolist()
        assert moves.people.sum(axis=0).tolist() == people.sum(axis=0).tolist()
        assert (moves.people * costs).sum() <= (people * costs).sum()


def test_a_proportional_division_is_as_cheap_as_the_best():
    rows, columns, costs = np.array([7, 5, 4]), np.array([6.0, 6.0, 4.0]), np.array([[0, 1, 1], [1, 0, 1], [1.0, 1, 3]])
    moves = least_moves(rows, columns, costs)
    every = [
        (a * costs[0, 0] + b * costs[0, 1] + (7 - a - b) * costs[0, 2])
        + (c * costs[1, 0] + d * costs[1, 1] + (5 - c - d) * costs[1, 2])
        + ((6 - a - c) * costs[2, 0] + (6 - b - d) * costs[2, 1] + (4 - (7 - a - b) - (5 - c - d)) * costs[2, 2])
        for a in range(8)
        for b in range(8 - a)
        for c in range(6)
        for d in range(6 - c)
        if a + c <= 6 and b + d <= 6 and 8 <= a + b + c + d <= 12
    ]
    assert (moves.people * costs).sum() == min(every)


def test_a_decision_is_kept_or_its_polygons_are_one():
    links = [Link("110111", "110122", Reason.DECISION), Link("110112", "110122", Reason.SAME_CODE)]
    people, mapped = {"110111": 300, "110112": 100}, {"110121": 300, "110122": 100}
    told = _told(_place(links, people, mapped))
    assert told["110111", "110122"] == (None, Reason.DECISION)  # its number is the map's of 110121; it is not believed
    assert ("110111", "110121") not in told
    assert told["110112", "110121"][0] is None


def test_nearly_the_same_number_is_no_border_that_moved():
    links = [Link(code, code, Reason.SAME_CODE) for code in ("110121", "110122")]
    told = _told(_place(links, {"110121": 10_000, "110122": 20_000}, {"110121": 10_005, "110122": 19_995}))
    assert told == {
        ("110121", "110121"): (10_000, Reason.MAP_DIFFERS),
        ("110122", "110122"): (20_000, Reason.MAP_DIFFERS),
    }


def test_units_of_another_count_are_counted():
    codes = [f"1101{k}" for k in range(21, 41)]
    links = [Link(code, code, Reason.SAME_CODE) for code in codes]
    division = _place(links, dict.fromkeys(codes, 1000), {code: 1000.0 + (code > "110130") for code in codes})
    assert (division.different, division.parts) == (10, 20)


def test_a_row_without_people_is_somewhere():
    links = [Link("110121", "110121", Reason.SAME_CODE), *_history(["110111", "110112"], ["110121", "110122"])]
    told = _told(_place(links, {"110121": 5, "110111": 4, "110112": 0}, {"110121": 5, "110122": 4}))
    assert sum(people for people, _ in told.values()) == 9
    assert {row for row, _ in told} == {"110121", "110111", "110112"}


def test_no_division_of_different_sums():
    with pytest.raises(ArithmeticError):
        least_moves(np.array([5, 5]), np.array([6.0, 5.0]), np.ones((2, 2)))
