"""Nine zones and the people who move between them, by a power law with a border that halves the flows."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ZONES = tuple("ABCDEFGHI")
SLOPE, MASS, BORDER = -1.3, 0.8, -0.7
LAW = '''"""A law of somebody's own."""


def decay(distance_km, scale=100.0):
    return -distance_km / scale
'''


def zones() -> pd.DataFrame:
    """Zones on a bent grid, so that no two distances are the same."""
    rng = np.random.default_rng(11)
    place = np.array([(east, north) for north in range(3) for east in range(3)]) + rng.uniform(-0.3, 0.3, (9, 2))
    people = np.round(rng.lognormal(10, 1, 9))
    return pd.DataFrame({"id": ZONES, "lon": place[:, 0], "lat": place[:, 1], "population": people})


def flows() -> pd.DataFrame:
    """All 72 pairs of zones: from, to, people, km, border, and half the border again."""
    table = zones()
    rng = np.random.default_rng(12)
    pairs = [(o, d) for o in range(9) for d in range(9) if o != d]
    origin, destination = np.array(pairs).T
    step = 100 * np.hypot(
        *(table[axis].to_numpy()[origin] - table[axis].to_numpy()[destination] for axis in ("lon", "lat"))
    )
    border = ((origin < 5) != (destination < 5)).astype(int)
    people = table["population"].to_numpy()
    mean = 0.02 * people[origin] * (people[destination] / 1e5) ** MASS * (step / 100) ** SLOPE * np.exp(BORDER * border)
    return pd.DataFrame(
        {
            "from": np.array(ZONES)[origin],
            "to": np.array(ZONES)[destination],
            "people": rng.poisson(mean),
            "km": step.round(3),
            "border": border,
            "twice": 2 * border,
        }
    )


def write(folder: Path) -> None:
    """Both tables and a law, into a folder."""
    zones().to_csv(folder / "zones.csv", index=False)
    flows().to_csv(folder / "flows.csv", index=False)
    (folder / "law.py").write_text(LAW)


def config(name: str, constraint: str = "doubly", law: Any = "power", **model: Any) -> dict[str, Any]:
    """A configuration of both tables."""
    return {
        "run": {"name": name, "seed": 3},
        "flows": {
            "file": "flows.csv",
            "origin": "from",
            "destination": "to",
            "flow": "people",
            "distance": "km",
            "absent_pairs": "missing",
        },
        "zones": {"file": "zones.csv", "id": "id", "lon": "lon", "lat": "lat"},
        "model": {
            "constraint": constraint,
            "law": law,
            "origin_mass": ["ln:population"],
            "destination_mass": ["ln:population"],
            "pair": ["border"],
            **model,
        },
    }
