"""The `[zones]` section is strict, and so is the reading of numbers."""

import pytest
from pydantic import ValidationError

from geo.tables.numbers import parse


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("table", "codes"), "x"),
        (("table", "lon"), None),
        (("population", "2020", "unit"), "people"),
        (("population", "2020", "definition"), "hukou"),
        (("population", "2020", "definition"), None),
        (("population", "2020", "date"), None),
        (("population", "2020", "date"), "November"),
        (("population", "2020", "published"), {"total": 10, "military": 10}),
        (("population", "20"), {"column": "x", "unit": "persons", "definition": "resident", "date": "2020-11-01"}),
        (("covariates", "area"), {"column": "x", "unit": "1"}),
        (("covariates", "schooling", "missing"), "zero"),
        (("rates", "birth", "unit"), None),
        (("source",), "panels"),
    ],
)
def test_section_is_strict(small_panel, path, value):
    section = small_panel.section
    for key in path[:-1]:
        section = section[key]
    if value is None:
        del section[path[-1]]
    else:
        section[path[-1]] = value
    with pytest.raises(ValidationError):
        small_panel.parse()


@pytest.mark.parametrize(
    ("text", "number"),
    [("12", 12.0), ("-1.5e3", -1500.0), (".5", 0.5), ("+7.", 7.0), ("0x1", None), ("1 2", None), ("１", None)],
)
def test_numbers_are_read_strictly(text, number):
    assert parse(text) == number


@pytest.mark.parametrize(
    ("text", "number"), [("1,234,567.5", 1234567.5), ("1,23", None), ("12,345", 12345.0), ("1,2345", None)]
)
def test_groups_of_three(text, number):
    assert parse(text, ",") == number
