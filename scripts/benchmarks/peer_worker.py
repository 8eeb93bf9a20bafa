"""The worker that `peer_process` starts in the packages' interpreter: it reads and writes lines of JSON.

{"prepare": CASE, "sizes": {...}} makes a case and says which packages hold it; {"run": NAME} runs one of its runs once
and answers with the seconds of the package's call alone and its result. A failure is {"error": TEXT}.
"""

import gc
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any, TextIO

import numpy as np

from benchmarks import case_flows as cases
from benchmarks import peer_step
from benchmarks.peer_runs import Answer, Prepared, Run


def ppml(**sizes: int) -> Prepared:
    """Pyfixest's Poisson with both effects, standard error from the information, no small-sample factor.

    Its demeaner is alternating projections in Rust, its default: of those that run on a processor the fastest here
    (Numba's takes about a tenth longer, LSMR twice as long), all to the same thirteen digits of the exponent.
    """
    import pandas as pd
    import pyfixest

    case = cases.ppml(**sizes)
    origin, destination = np.nonzero(case.distance)
    pair = origin, destination
    columns = {"flow": case.flow[pair], "ln_km": np.log(case.distance[pair]), "o": origin, "d": destination}
    table = pd.DataFrame(columns)

    def fit() -> Any:
        return pyfixest.fepois(
            "flow ~ ln_km | o + d",
            table,
            vcov="iid",
            ssc=pyfixest.ssc(k_adj=False, G_adj=False),
            demeaner=pyfixest.MapDemeaner(backend="rust"),
            copy_data=False,
            store_data=False,
        )

    def tell(fitted: Any) -> Answer:
        return {"exponent": float(fitted.coef()["ln_km"]), "se": float(fitted.se()["ln_km"]), "pairs": len(table)}

    return Prepared(f"pyfixest {version('pyfixest')} fepois, MAP in Rust", {"fepois": Run(fit, tell)})


def balance(**sizes: int) -> Prepared:
    """AequilibraE's gravity model from distances, and its balancing alone of a matrix that is made beforehand."""
    import pandas as pd
    from aequilibrae.distribution import GravityApplication, Ipf, SyntheticGravityModel

    case = cases.balance(**sizes)
    np.seterr(divide="ignore", invalid="ignore")  # it takes the power of the diagonal's zeros, and then removes it
    model = SyntheticGravityModel()
    model.function, model.alpha = "POWER", -case.exponent
    distance = _matrix(case.distance)
    shared = {
        "vectors": pd.DataFrame({"out": case.outflow, "into": case.inflow}, index=distance.index),
        "row_field": "out",
        "column_field": "into",
        "nan_as_zero": False,
        "parameters": {
            "convergence level": case.tolerance,
            "max iterations": 5000,
            "balancing tolerance": 1e-3,
            "max trip length": -1,
        },
    }
    kernel = _matrix(cases.kernel(case))
    whole = GravityApplication(impedance=distance, model=model, **shared)
    alone = Ipf(matrix=kernel, **shared)

    def tell(problem: Any) -> Answer:
        flows = problem.output.matrix_view
        return {
            "gap": cases.relative_gap(case, flows),
            "sweeps": _sweeps(problem.report),
            "probe": flows[cases.probe(len(flows))].tolist(),
        }

    runs = {"application": Run(whole.apply, lambda _: tell(whole)), "ipf": Run(alone.fit, lambda _: tell(alone))}
    return Prepared(f"AequilibraE {version('aequilibrae')} GravityApplication, float64", runs)


def _matrix(values: cases.Float64) -> Any:
    """A matrix as AequilibraE holds it, in memory."""
    from aequilibrae.matrix import AequilibraeMatrix

    matrix = AequilibraeMatrix()
    matrix.create_empty(zones=len(values), matrix_names=["core"], data_type=np.float64, memory_only=True)
    matrix.index[:] = np.arange(len(values))
    matrix.matrix["core"][:, :] = values
    matrix.computational_view(["core"])
    return matrix


def _sweeps(report: list[str]) -> int:
    """Rounds of rows and columns: the report's last "number , gap", whose numbers begin at zero."""
    numbers = [line.partition(",")[0].strip() for line in report]
    return 1 + int([number for number in numbers if number.isdecimal()][-1])


def serve(known: Mapping[str, Callable[..., Prepared]], out: TextIO) -> None:
    """Answers every line of the standard input until it closes."""
    held: dict[str, Run] = {}
    for line in sys.stdin:
        try:
            answer = _answer(json.loads(line), known, held)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=out, flush=True)


def _answer(question: dict[str, Any], known: Mapping[str, Callable[..., Prepared]], held: dict[str, Run]) -> Answer:
    if "prepare" in question:
        prepared = known[question["prepare"]](**question["sizes"])
        held.update(prepared.runs)
        return {"peer": prepared.peer}
    return _timed(held[question["run"]])


def _timed(run: Run) -> Answer:
    """The seconds of the call, its process's largest resident memory so far (GB), and what it found."""
    gc.collect()
    started = time.perf_counter()
    outcome = run.call()
    seconds = time.perf_counter() - started
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9
    return {"seconds": seconds, "peak_gb": peak_gb} | run.tell(outcome)


def own_output() -> TextIO:
    """The standard output for answers alone: whatever a package prints goes to the standard error instead."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return answers


if __name__ == "__main__":
    steps = {"keops": peer_step.keops, "ott": peer_step.ott, "numba": peer_step.numba}
    serve({"ppml": ppml, "balance": balance, "mobility": peer_step.mobility} | steps, own_output())
