"""What a first census says of registration, on six zones whose margins can be worked out by hand."""

import numpy as np
import pytest
import xarray as xr

from flowmodel.config import Model, Stock
from flowmodel.dynamics.registered.census import groups, margins, strictness, within, zones
from flowmodel.errors import ZonesError
from flowmodel.zones import table as store

BANDS = ["same_county", "other_county", "other_province"]
SPANS = Stock(same_county_spans_city=(2010,))
# Two districts of one city, a county of two members and a county in province 11; a city and a county in province 12.
RESIDENTS = np.array([400.0, 600, 500, 300, 900, 100]) * 1000
REGISTERED = np.array([330.0, 480, 560, 350, 800, 90]) * 1000
IN = np.array([[60.0, 90, 40, 20, 80, 5], [50.0, 70, 20, 5, 60, 2], [40.0, 60, 10, 2, 90, 15]]).T * 1000


def table(**changes):
    zones = len(RESIDENTS)
    columns = {
        "name": [f"zone {i}" for i in range(zones)],
        "province": ["11", "11", "11", "11", "12", "12"],
        "prefecture": ["1101", "1101", "1102", "1102", "1201", "1201"],
        "lon": [110.0, 110.3, 112, 113, 115, 117],
        "lat": [30.0, 30.2, 31, 32, 30, 31],
        "area": [100.0] * zones,
        "birth_rate": [0.012] * zones,
        "death_rate": [0.006] * zones,
        "east": np.ones(zones, np.int8),
        "members": [1, 1, 2, 1, 1, 1],
        "districts": [1, 1, 0, 0, 1, 0],
    }
    ages = np.ones((zones, 1, 19, 2)) * RESIDENTS[:, None, None, None] / 38
    levels = np.zeros((zones, 1, 7, 2))
    levels[:, 0, 3] = RESIDENTS[:, None] * 0.3  # junior secondary, of both sexes
    levels[:, 0, 4] = RESIDENTS[:, None] * 0.1
    levels[:, 0, 6] = RESIDENTS[:, None] * 0.05
    levels[:, 0, 1] = np.nan  # the census did not ask for kindergarten
    counted = {
        "population": (("zone", "year"), RESIDENTS[:, None]),
        "census_registered": (("zone", "year"), REGISTERED[:, None]),
        "census_in_migrants": (("zone", "year", "band"), IN[:, None]),
        "census_urban": (("zone", "year"), RESIDENTS[:, None] * [[1.0], [1.0], [0.3], [0.2], [1.0], [0.1]]),
        "census_residents_by_age": (("zone", "year", "age", "sex"), ages),
        "census_education": (("zone", "year", "level", "sex"), levels),
    }
    data = xr.Dataset(
        {name: ("zone", values) for name, values in columns.items()} | counted,
        {
            "zone": [f"{i}" for i in range(zones)],
            "year": [2010],
            "band": BANDS,
            "age": ["0", "1-4", *(f"{a}-{a + 4}" for a in range(5, 85, 5)), "85+"],
            "level": ["none", "preschool", "primary", "junior_secondary", "senior_secondary", "college", "university"],
        },
    )
    for name in counted:
        data[name].attrs |= {"role": "census"} if name != "population" else {}
    return store.check(data.assign(changes), "six zones")


def test_residents_are_the_sum_of_who_lives_there_and_both_sides_agree():
    m = margins.margins(table(), 2010, SPANS)
    np.testing.assert_allclose(m.home + m.within + m.near + m.far, RESIDENTS, rtol=1e-14)
    assert m.out.sum() == pytest.approx((m.near + m.far).sum(), rel=1e-13)
    assert (m.home > 0).all()
    assert (m.out >= 0).all()


def test_in_every_province_those_away_are_its_own_migrants_and_more():
    m = margins.margins(table(), 2010, SPANS)
    for province in (0, 1):
        of = m.province == province
        assert m.out[of].sum() > m.near[of].sum()


def test_registered_people_are_as_counted_where_that_can_be():
    m = margins.margins(table(), 2010, SPANS)
    said = m.home + m.within + m.out + m.elsewhere
    listed = set(m.assumed["zone"])
    assert listed
    for i, zone in enumerate(table().codes):
        if zone not in listed:
            assert said[i] == pytest.approx(REGISTERED[i], rel=1e-13)
    for row in m.assumed[m.assumed["what"].str.startswith("registered")].to_dict("records"):
        i = int(row["zone"])
        assert row["counted"] == REGISTERED[i]
        assert said[i] == pytest.approx(row["assumed"], rel=1e-13)
        assert row["assumed"] > row["counted"]


def test_the_first_band_is_split_between_the_districts_of_a_city():
    found = within.within(table(), 2010, SPANS)
    own = SPANS.own_district
    crossed = [0.6 / (0.6 + 0.4 * own), 0.4 / (0.4 + 0.6 * own)]
    np.testing.assert_allclose(found.within[:2], IN[:2, 0] * (1 - np.array(crossed)), rtol=1e-13)
    np.testing.assert_allclose(found.near[:2], IN[:2, 1] + IN[:2, 0] * crossed, rtol=1e-13)
    # The only zone of its city keeps its first band, and so does a county.
    np.testing.assert_array_equal(found.within[[3, 4, 5]], IN[[3, 4, 5], 0])


def test_moves_between_the_members_of_a_zone_are_inside_it():
    found = within.within(table(), 2010, SPANS)
    hidden = 0.5 / (0.5 + 0.5 * SPANS.own_district)
    np.testing.assert_allclose(found.hidden, [0, 0, hidden, 0, 0, 0], rtol=1e-13)
    assert found.within[2] * (1 - hidden) == pytest.approx(IN[2, 0])
    assert found.within[2] + found.near[2] == pytest.approx(IN[2, 0] + IN[2, 1])


def test_moves_between_members_are_no_more_than_the_band_and_that_is_told():
    bands = IN.copy()
    bands[2] = [400_000, 1_000, 10_000]
    few = table(census_in_migrants=(("zone", "year", "band"), bands[:, None], {"role": "census"}))
    found = within.within(few, 2010, SPANS)
    assert found.near[2] == pytest.approx(100)
    assert [(zone, taken) for zone, _, taken in found.capped] == [(2, 900.0)]
    listed = margins.margins(few, 2010, SPANS).assumed
    assert listed["what"].str.startswith("within").sum() == 1


def test_where_the_first_band_is_the_county_nothing_is_split():
    found = within.within(table(), 2010, Stock())
    np.testing.assert_array_equal(found.within[[0, 1]], IN[[0, 1], 0])
    np.testing.assert_array_equal(found.near[[0, 1]], IN[[0, 1], 1])


def test_strictness_steps_with_the_urban_residents_of_the_city():
    # The city of two districts has 1.0 M, the other 0.9 M; the towns less.
    np.testing.assert_array_equal(strictness.strictness(table(), 2010, Stock()), [0.25, 0.25, 0, 0, 0, 0])
    strict = Stock(strictness={"5e5": 0.5, "9.5e5": 1})
    np.testing.assert_array_equal(strictness.strictness(table(), 2010, strict), [1, 1, 0, 0, 0.5, 0])


def test_skills_are_of_adults_and_children_are_with_them():
    skills = groups.groups(table(), 2010, Stock(groups="skills"))
    at_school = (0.8 + 1) * 2 / 38  # 6 to 9 and 10 to 14, counted among the educated
    adults = np.array([0.6 - at_school, 0.2, 0.1])
    np.testing.assert_allclose(skills.share, np.tile((adults / adults.sum())[:, None], 6), rtol=1e-12)
    assert skills.next_group.tolist() == [1, 2, 2]
    assert skills.learns.tolist() == [True, True, False]


def test_groups_with_ages_keep_the_births_and_deaths_of_the_zone():
    both = groups.groups(table(), 2010, Stock(groups="skills_ages"))
    assert both.share.shape == (15, 6)
    np.testing.assert_allclose(both.share.sum(axis=0), 1, rtol=1e-13)
    np.testing.assert_allclose((both.share * both.birth_rate).sum(axis=0), 0.012, rtol=1e-13)
    np.testing.assert_allclose((both.share * both.death_rate).sum(axis=0), 0.006, rtol=1e-13)
    assert {both.names[i] for i in both.birth_to} == {"low:0-14", "middle:0-14", "high:0-14"}
    assert both.names[both.next_group[both.names.index("low:45-59")]] == "low:60+"


def test_margins_of_groups_sum_to_those_of_all():
    m = margins.margins(table(), 2010, SPANS)
    stock = SPANS.model_copy(update={"groups": "skills"})
    of_people = groups.groups(table(), 2010, stock)
    parts = zones.registered_zones(table(), Model(years=(2010, 2020)), stock, m, of_people, m.out * of_people.share)
    for name in ("home", "within", "near", "far", "out", "elsewhere"):
        np.testing.assert_allclose(getattr(parts, name).sum(axis=0), getattr(m, name), rtol=1e-13)


@pytest.mark.parametrize("name", ["census_registered", "census_in_migrants", "census_urban"])
def test_a_count_that_is_not_there_is_named(name):
    lacking = store.ZoneTable(table().data.drop_vars(name))
    reader = strictness.strictness if name == "census_urban" else margins.margins
    with pytest.raises(ZonesError, match=f"E-ZONES-CENSUS no {name}"):
        reader(lacking, 2010, SPANS)


def test_a_count_that_a_zone_lacks_is_refused():
    gap = table().data["census_registered"].copy()
    gap[3] = np.nan
    with pytest.raises(ZonesError, match="census_registered of 2010 is not known in every zone"):
        margins.margins(table(census_registered=gap), 2010, SPANS)
