"""Other packages that can do the step of `case_step`, as `peer_worker` runs them.

Each function makes the case, imports its package and gives one run called "step", whose warm calls are timed. All but
scikit-mobility compute the same function in float32; KeOps and OTT-JAX never store S.
"""

import os
import sys
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import case_step as cases
from benchmarks.case_step import Float32
from benchmarks.peer_runs import Prepared, Run

OTT_ROWS = 128


def keops(**sizes: int) -> Prepared:
    """Two reductions of a LazyTensor, S @ mass and S.T @ push, compiled when they are first run.

    The power is KeOps's own, half the time of an exponential of a logarithm here. What it compiles is kept beside its
    packages.
    """
    folder = Path(sys.prefix) / "keops"
    folder.mkdir(exist_ok=True)
    os.environ["KEOPS_CACHE_FOLDER"] = str(folder)
    from pykeops.numpy import LazyTensor

    case = cases.step(**sizes)
    origin, destination = (LazyTensor(x) for x in (case.position[:, None], case.position[None]))
    squared = ((origin - destination) ** 2).sum(-1)
    apart = squared.sign()
    pull = (squared + (1 - apart)) ** (-case.exponent / 2) * apart
    mass, leavers = case.mass[:, None], case.leavers[:, None]

    def step() -> Float32:
        push = leavers / (pull @ mass)
        return np.asarray(mass * (pull.T @ push))[:, 0]

    return Prepared(f"KeOps {version('pykeops')} LazyTensor, g++", {"step": _run(step)})


def ott(**sizes: int) -> Prepared:
    """A PointCloud whose cost is the logarithm of the squared chord, so that its Gibbs kernel is the power.

    With epsilon 2 / exponent the kernel exp(-cost / epsilon) is d^-exponent; online, in batches of rows: three times
    as fast here as with its kernel stored.
    """
    import jax
    import jax.numpy as jnp
    from ott.geometry import costs, pointcloud

    @jax.tree_util.register_pytree_node_class
    class LogSquared(costs.CostFn):  # type: ignore[misc]
        """Infinite between a zone and itself."""

        def __call__(self, x: jax.Array, y: jax.Array) -> jax.Array:
            squared = jnp.sum(jnp.square(x - y))
            return jnp.log(jnp.where(squared > 0, squared, jnp.inf))

        def tree_flatten(self) -> tuple[tuple[()], None]:
            return (), None

        @classmethod
        def tree_unflatten(cls, aux: None, children: tuple[()]) -> Any:
            return cls()

    @jax.jit
    def inflow(geometry: Any, mass: jax.Array, leavers: jax.Array) -> jax.Array:
        push = leavers / geometry.apply_kernel(mass, axis=1)
        return mass * jnp.asarray(geometry.apply_kernel(push, axis=0))

    case = cases.step(**sizes)
    position, mass, leavers = (jnp.asarray(part) for part in (case.position, case.mass, case.leavers))
    rows = min(OTT_ROWS, len(mass))
    cloud = pointcloud.PointCloud(position, cost_fn=LogSquared(), epsilon=2 / case.exponent, batch_size=rows)
    name = f"OTT-JAX {version('ott-jax')} PointCloud.apply_kernel, online, jax {jax.__version__}"
    return Prepared(name, {"step": _run(lambda: np.asarray(inflow(cloud, mass, leavers)))})


def numba(**sizes: int) -> Prepared:
    """The loops as one writes them, compiled with fast mathematics, rows over all threads."""
    import numba as package

    @package.njit(parallel=True, fastmath=True)  # type: ignore[untyped-decorator]
    def inflow(position: Float32, mass: Float32, leavers: Float32, power: np.float32) -> Float32:
        zones, threads = len(mass), package.get_num_threads()
        arrived = np.zeros((threads, zones), np.float32)
        for thread in package.prange(threads):
            pull = np.empty(zones, np.float32)
            for o in range(thread, zones, threads):
                for j in range(zones):
                    squared = np.float32(0)
                    for k in range(3):
                        squared += (position[k, o] - position[k, j]) ** 2
                    pull[j] = np.exp(power * np.log(squared))
                pull[o] = 0
                reach = np.float32(0)
                for j in range(zones):
                    reach += pull[j] * mass[j]
                push = leavers[o] / reach
                for j in range(zones):
                    arrived[thread, j] += push * pull[j]
        flows: Float32 = mass * arrived.sum(axis=0)
        return flows

    case = cases.step(**sizes)
    position = np.ascontiguousarray(case.position.T)
    power = np.float32(-case.exponent / 2)
    name = f"numba {version('numba')}, parallel, fastmath"
    return Prepared(name, {"step": _run(lambda: inflow(position, case.mass, case.leavers, power))})


def mobility(**sizes: int) -> Prepared:
    """scikit-mobility's singly constrained Gravity as its user calls it: flows of all pairs, along the arc, float64."""
    os.environ["TQDM_DISABLE"] = "1"
    warnings.simplefilter("ignore")  # of its old packages about each other
    import geopandas as gpd
    from skmob.models.gravity import Gravity

    case = cases.step(**sizes)
    zones = [str(zone) for zone in range(len(case.mass))]
    columns = {"tile_ID": zones, "relevance": case.mass.astype(float), "tot_outflow": case.leavers.astype(float)}
    tessellation = gpd.GeoDataFrame(columns, geometry=gpd.points_from_xy(*case.degrees), crs="EPSG:4326")
    model = Gravity(deterrence_func_args=[-case.exponent], gravity_type="singly constrained")

    def tell(flows: Any) -> dict[str, Any]:
        into = flows.groupby("destination")["flow"].sum()
        return {"inflow": into.reindex(zones).tolist()}

    run = Run(lambda: model.generate(tessellation), tell)
    return Prepared(f"scikit-mobility {version('scikit-mobility')} Gravity.generate", {"step": run})


def _run(step: Any) -> Run:
    return Run(step, lambda inflow: {"inflow": np.asarray(inflow, np.float64).tolist()})
