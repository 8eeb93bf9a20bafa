"""What the rules refuse to decide, and what to do about it."""

from geo.errors import Issue, error

from .census import Census

DIFFERENT, FEW = 0.1, 10
"""Share and number of a census's units above which the map has another count than the census, and cannot divide it."""


def other_count(census: Census, different: int, parts: int) -> Issue:
    """Refuse a map whose residents are those of another count."""
    return error(
        "E-MAP-RESIDENTS",
        census.file,
        value=f"{different} of {parts}",
        rule=f"the map has the residents of the census of {census.year} in all but {DIFFERENT:.0%} of its units",
        fix=f"take {census.year} out of [zones.polygons] residents, or give the map of the same count",
    )


def unplaced(census: Census, row: str) -> Issue:
    """Refuse a unit that no rule and no decision places."""
    rule = f"{census.names[row]} has no polygon, and its prefecture no urban district it could have been cut from"
    return error(
        "E-UNPLACED",
        census.file,
        line=census.lines[row],
        value=row,
        rule=rule,
        fix="say where it lies in the table of decisions: [zones.harmonise] decisions",
        people=float(census.people[row]),
    )


def unmatched(census: Census, code: str, name: str) -> Issue:
    """Refuse a polygon that nobody counted and that has no neighbour."""
    rule = f"{name} has no row in {census.year}, and no neighbour whose zone it could join"
    fix = "exclude it, or join it to another in the table of decisions, with the year of the map"
    return error("E-JOIN-UNMATCHED", census.file, value=code, rule=rule, fix=fix)
