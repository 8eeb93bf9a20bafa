"""What each census counts and on which day: definitions that must agree, dates that must fit their year."""

from collections.abc import Mapping
from itertools import pairwise

from geo.config import PopulationConfig
from geo.errors import Issue, error

_DAYS_A_YEAR = 365.2425
# The model steps whole years. A census in another month makes the interval a fraction longer; half a month is 0.4 %
# of ten years, and less than the censuses themselves are off.
_MARGIN_DAYS = 15

_NAMES = {"resident": "residents", "registered": "registered people", "de_facto": "people present"}


def check(file: str, censuses: Mapping[int, PopulationConfig], people: Mapping[int, float]) -> list[Issue]:
    """Check what is declared of the censuses of one run, by year, with their sums of people for the messages.

    Returns:
        E-DEF, E-DEF-MIX, E-DATE and W-DATE-INTERVAL.
    """
    issues = []
    for year, census in sorted(censuses.items()):
        if census.date.year != year:
            value, rule = census.date.isoformat(), f"the date of the census of {year} lies in {year}"
            fix, who = f"correct [zones.population.{year}] date, or the year of the section", people.get(year)
            issues.append(error("E-DATE", file, column=census.column, value=value, rule=rule, fix=fix, people=who))
    used = sorted({census.definition for census in censuses.values()})
    code, rule = "E-DEF", "the model moves residents: those who live in a zone, wherever they are registered"
    if len(used) > 1:
        counted = " and ".join(_NAMES[name] for name in used)
        code, rule = "E-DEF-MIX", f"all censuses of a run count the same people; these count {counted}"
    fix = "name the column of residents (changzhu renkou)"
    for year, census in sorted(censuses.items()):
        if census.definition != "resident":
            value, who = census.definition, people.get(year)
            issues.append(error(code, file, column=census.column, value=value, rule=rule, fix=fix, people=who))
    return issues or _check_intervals(file, censuses)


def attributes(censuses: Mapping[int, PopulationConfig]) -> dict[str, str]:
    """Give the attributes of the population in `zones.nc`: definition, reference dates, days between the censuses."""
    days = [censuses[year].date for year in sorted(censuses)]
    return {
        "definition": ", ".join(sorted({census.definition for census in censuses.values()})),
        "reference_dates": ", ".join(day.isoformat() for day in days),
        "interval_days": ", ".join(str((later - earlier).days) for earlier, later in pairwise(days)),
    }


def _check_intervals(file: str, censuses: Mapping[int, PopulationConfig]) -> list[Issue]:
    issues = []
    for first, last in pairwise(sorted(censuses)):
        days = (censuses[last].date - censuses[first].date).days
        if abs(days - (last - first) * _DAYS_A_YEAR) > _MARGIN_DAYS:
            rule = f"{last - first} years are {(last - first) * _DAYS_A_YEAR:,.0f} days; these are {days:,} days apart"
            fix = "none, if the dates are right: the model steps whole years, and its rates carry the difference"
            column, value = censuses[last].column, censuses[last].date.isoformat()
            issues.append(Issue("W-DATE-INTERVAL", "warning", file, None, column, value, rule, fix, None))
    return issues
