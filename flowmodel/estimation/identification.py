"""Identification of parameters from a Hessian: its inverse, condition number, flattest direction and asymmetry.

All are computed after scaling the diagonal to one, so that units do not matter. NumPy on the host.
"""

import dataclasses

import numpy as np

_NO_CURVATURE = 1e-12
_LEAST_SHOWN = 0.2
"""Size from which components of a direction are shown in text."""
_MOST_SHOWN = 4


@dataclasses.dataclass(frozen=True)
class Sloppy:
    """The direction in which an objective is flattest ("sloppy direction").

    `eigenvalue` is the smallest of the scaled matrix; it is 1 if parameters are uncorrelated, and near 0 if a
    combination of them is not identified. `components` are those of its unit eigenvector, in units of each parameter's
    conditional standard error, the largest first and positive.
    """

    eigenvalue: float
    components: dict[str, float]

    @property
    def words(self) -> str:
        """The largest components as a sum: "0.71 distance - 0.62 other_province"."""
        largest = list(self.components.items())[:_MOST_SHOWN]
        shown = [largest[0], *((name, value) for name, value in largest[1:] if abs(value) >= _LEAST_SHOWN)]
        text = " ".join(f"{'-' if value < 0 else '+'} {abs(value):.2f} {name}" for name, value in shown)
        return text.removeprefix("+ ")

    def as_dict(self) -> dict[str, object]:
        """As `metrics.json` holds it."""
        return {"words": self.words, "eigenvalue": self.eigenvalue, "components": self.components}


def sloppy(hessian: np.ndarray, inside: np.ndarray, names: tuple[str, ...]) -> Sloppy | None:
    """The flattest direction over the parameters not at a bound; None if all are at one."""
    kept = np.flatnonzero(inside)
    if not len(kept):
        return None
    values, vectors = np.linalg.eigh(_scaled(hessian, inside)[0])
    direction = vectors[:, 0] * np.sign(vectors[np.argmax(np.abs(vectors[:, 0])), 0])
    order = np.argsort(-np.abs(direction), kind="stable")
    return Sloppy(float(values[0]), {names[kept[i]]: float(direction[i]) for i in order})


def inverse(hessian: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """The inverse over the parameters not at a bound, NaN elsewhere; flat directions have a huge variance."""
    scaled, scale = _scaled(hessian, inside)
    values, vectors = np.linalg.eigh(scaled)
    variances = np.where(values > 1e-10 * values[-1], 1 / np.where(values > 0, values, 1), 1e10 / values[-1])
    found = np.full(hessian.shape, np.nan)
    found[np.ix_(inside, inside)] = (vectors * variances) @ vectors.T / np.outer(scale, scale)
    return found


def condition(hessian: np.ndarray, inside: np.ndarray) -> float:
    """Condition number after scaling; infinite if the matrix is not positive definite."""
    values = np.linalg.eigvalsh(_scaled(hessian, inside)[0])
    return float(values[-1] / values[0]) if len(values) and values[0] > 0 else float("inf")


def asymmetry(hessian: np.ndarray, inside: np.ndarray) -> float:
    """The largest difference to the transpose after scaling, which is a measure of rounding errors."""
    scaled = _scaled(hessian, inside)[0]
    return float(np.abs(scaled - scaled.T).max(initial=0.0))


def _scaled(hessian: np.ndarray, inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The part of parameters not at a bound, scaled to a diagonal of one, and the scale of each parameter."""
    kept = hessian[np.ix_(inside, inside)]
    scale = np.sqrt(np.maximum(np.abs(np.diag(kept)), _NO_CURVATURE))
    return kept / np.outer(scale, scale), scale
