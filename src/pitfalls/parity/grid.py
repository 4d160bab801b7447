"""Sweeps over dimension, mask weight, width and rate: the phase diagram of what is learned."""

import importlib
import math
import os
import socket
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

import joblib
import numpy as np
from jaxtyping import Bool, Float64, Int64

from pitfalls.errors import DataError, InputError, ResourceError
from pitfalls.parity.checks import require_integer
from pitfalls.parity.ensemble import train_ensemble
from pitfalls.parity.task import ParityTask
from pitfalls.parity.train_config import LEARNED, TrainingConfig

__all__ = ["Backend", "CellResult", "SweepCell", "run_cell", "sweep", "sweep_cells"]

Backend = Literal["loky", "dask", "ray"]


@dataclass(frozen=True, order=True)
class SweepCell:
    """One setting of a sweep.

    Attributes
    ----------
    n_features : int
        d.
    weight : int
        |v|, the number of features that count; each seed draws a mask of that weight.
    n_hidden : int
        k.
    learning_rate : float
    """

    n_features: int
    weight: int
    n_hidden: int
    learning_rate: float

    def __post_init__(self) -> None:
        for name, least in (("n_features", 1), ("weight", 0), ("n_hidden", 1)):
            whole = require_integer("SweepCell", name, getattr(self, name), least)
            object.__setattr__(self, name, whole)
        if self.weight > self.n_features:
            raise InputError(
                f"SweepCell: weight must be at most n_features = {self.n_features}. "
                f"Got {self.weight} instead."
            )
        rate = float(self.learning_rate)
        if not 0 < rate < math.inf:
            raise InputError(
                f"SweepCell: learning_rate must be a positive number. Got {rate} instead."
            )
        object.__setattr__(self, "learning_rate", rate)

    @property
    def name(self) -> str:
        """A name for files: ``d30-m3-k300-r0.001``; the rate with all its digits."""
        return f"d{self.n_features}-m{self.weight}-k{self.n_hidden}-r{self.learning_rate!r}"


@dataclass(frozen=True, eq=False)
class CellResult:
    """What became of the n replicas of one cell.

    Attributes
    ----------
    cell : SweepCell
    accuracy, risk : array of shape (n,)
        Of the last network.
    iterations : array of int64 of shape (n,)
        First record with 99 % test accuracy; -1 if there was none.
    diverged : array of bool of shape (n,)
    step : array of int64 of shape (records,)
    loss_curve, accuracy_curve : array of shape (n, records)
        Training loss and test accuracy (:class:`TrainingCurve`); NaN after a divergence.
    """

    cell: SweepCell
    accuracy: Float64[np.ndarray, " n"]
    risk: Float64[np.ndarray, " n"]
    iterations: Int64[np.ndarray, " n"]
    diverged: Bool[np.ndarray, " n"]
    step: Int64[np.ndarray, " records"]
    loss_curve: Float64[np.ndarray, "n records"]
    accuracy_curve: Float64[np.ndarray, "n records"]

    @property
    def n(self) -> int:
        """Number of replicas."""
        return len(self.accuracy)

    @property
    def success(self) -> float:
        """Share of replicas whose last network has at least 99 % accuracy."""
        return float(np.mean((self.accuracy >= LEARNED) & ~self.diverged))


def sweep_cells(
    dimensions: Sequence[int],
    weights: Sequence[int],
    widths: Sequence[int] | None = None,
    rates: Sequence[float] = (0.001,),
) -> list[SweepCell]:
    """List the cells of a grid, leaving out weights above the dimension.

    Parameters
    ----------
    dimensions, weights : sequence of int
        d and |v|.
    widths : sequence of int, optional
        k; 10 d by default.
    rates : sequence of float
        Learning rates.

    Examples
    --------
    >>> [cell.name for cell in sweep_cells([2, 10], [2, 3])]
    ['d2-m2-k20-r0.001', 'd10-m2-k100-r0.001', 'd10-m3-k100-r0.001']
    """
    cells = {
        SweepCell(d, weight, 10 * d if width is None else width, rate): None
        for d, weight, width, rate in product(dimensions, weights, widths or (None,), rates)
        if weight <= d
    }
    if not cells:
        raise InputError(
            f"sweep_cells: no cell is left of dimensions {list(dimensions)} and weights "
            f"{list(weights)}. Give a weight that is not above some dimension."
        )
    return list(cells)


def run_cell(cell: SweepCell, n_seeds: int, config: TrainingConfig) -> CellResult:
    """Train a cell's replicas, one after another on one core.

    Replica i takes the seed ``config.seed + i`` for mask, weights and inputs, whatever the cell.
    """
    own = replace(config, n_hidden=cell.n_hidden, learning_rate=cell.learning_rate)
    tasks = [
        ParityTask.random(cell.n_features, config.seed + i, cell.weight) for i in range(n_seeds)
    ]
    results = train_ensemble(tasks, own, n_threads=1)
    every = config.record_every
    step = np.unique([*range(every, config.n_iterations + 1, every), config.n_iterations]).astype(
        np.int64
    )
    curves = np.full((2, n_seeds, step.size), np.nan)
    for i, result in enumerate(results):
        seen = result.curve.step.size
        curves[:, i, :seen] = result.curve.loss, result.curve.test_accuracy
    return CellResult(
        cell=cell,
        accuracy=np.array([result.evaluation.accuracy for result in results]),
        risk=np.array([result.evaluation.risk for result in results]),
        iterations=np.array([result.curve.iterations_to() or -1 for result in results]),
        diverged=np.array([result.diverged for result in results]),
        step=step,
        loss_curve=curves[0],
        accuracy_curve=curves[1],
    )


def sweep(
    cells: Iterable[SweepCell],
    n_seeds: int,
    config: TrainingConfig | None = None,
    *,
    backend: Backend = "loky",
    address: str | None = None,
    n_jobs: int = -1,
    retries: int = 3,
    timeout: float = 10.0,
    on_cell: Callable[[CellResult], None] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[CellResult]:
    """Train every cell, cells side by side in worker processes.

    A cell's result is the same bits on every backend (and one kind of processor): it depends on
    the cell, ``n_seeds`` and ``config`` alone.

    Parameters
    ----------
    cells : iterable of SweepCell
    n_seeds : int
        Replicas a cell.
    config : TrainingConfig, optional
        Everything but width and rate, which the cell decides.
    backend : {"loky", "dask", "ray"}
        Joblib's backend: processes here, or an existing Dask or Ray cluster.
    address : str, optional
        Of the Dask scheduler (``tcp://host:8786``) or the Ray head (``host:6379``); without
        one a local cluster is started.
    n_jobs : int
        Cells at a time here; -1 for one a core. A cluster at an address decides for itself.
    retries : int
        How often a worker may die in a row, without a cell having finished since, before the
        sweep gives up; what was unfinished is run again.
    timeout : float
        Seconds to wait for a cluster.
    on_cell : callable, optional
        Called with each cell's result as it arrives, to save it at once.
    on_progress : callable, optional
        Called with (cells done, all).

    Returns
    -------
    list of CellResult
        In the order of ``cells``; a cell that is named twice is trained once.

    Raises
    ------
    InputError
        If the backend's package is missing, or nothing answers at the address.
    ResourceError
        If workers keep dying.

    Examples
    --------
    >>> cells = sweep_cells([5], [1, 2])
    >>> results = sweep(cells, 2, TrainingConfig(n_iterations=4000), n_jobs=1)
    >>> [result.success for result in results]
    [1.0, 1.0]
    """
    config = config or TrainingConfig()
    cells = list(cells)
    wanted = list(dict.fromkeys(cells))  # a cell that is named twice is trained once
    n_seeds = require_integer("sweep", "n_seeds", n_seeds, 1)
    if backend not in get_args(Backend):
        raise InputError(
            f"sweep: backend must be one of {', '.join(get_args(Backend))}. Got {backend!r}."
        )
    if backend == "loky" and address is not None:
        raise InputError("sweep: an address is for backend dask or ray; loky works here.")
    if not cells:
        return []
    results: dict[SweepCell, CellResult] = {}
    deaths = 0
    with _engine(backend, address, n_jobs, timeout) as (parallel_arguments, died):
        while left := [cell for cell in wanted if cell not in results]:
            try:
                for result in _in_parallel(left, n_seeds, config, parallel_arguments):
                    results[result.cell] = result
                    deaths = 0
                    if on_cell is not None:
                        on_cell(result)
                    if on_progress is not None:
                        on_progress(len(results), len(wanted))
            except died as error:
                deaths += 1
                if deaths > retries:
                    raise ResourceError(
                        f"sweep: workers died {deaths} times in a row without finishing a "
                        f"cell ({type(error).__name__}). Free memory or lower the number of "
                        "jobs; finished cells are kept."
                    ) from error
    return [results[cell] for cell in cells]


def _in_parallel(
    cells: list[SweepCell], n_seeds: int, config: TrainingConfig, arguments: dict[str, Any]
) -> Iterator[CellResult]:
    jobs = [joblib.delayed(run_cell)(cell, n_seeds, config) for cell in cells]
    wave = arguments.get("wave")
    if wave is None:
        parallel = joblib.Parallel(
            n_jobs=arguments["n_jobs"], batch_size=1, return_as="generator_unordered"
        )
        stream: Generator[CellResult] = parallel(jobs)
        with closing(stream):
            yield from stream
        return
    # this backend hands results over all at once: so few at a time that little can be lost
    parallel = joblib.Parallel(n_jobs=arguments["n_jobs"], batch_size=1)
    for start in range(0, len(jobs), wave):
        yield from parallel(jobs[start : start + wave])


@contextmanager
def _engine(
    backend: Backend, address: str | None, n_jobs: int, timeout: float
) -> Iterator[tuple[dict[str, Any], tuple[type[BaseException], ...]]]:
    """Enter joblib's backend; yields arguments for Parallel and what a dead worker raises."""
    with ExitStack() as stack:
        stack.enter_context(_environment_kept())
        if backend == "loky":
            died: tuple[type[BaseException], ...] = (_loky_death(),)
            arguments: dict[str, Any] = {"n_jobs": n_jobs}
            stack.enter_context(joblib.parallel_config("loky", inner_max_num_threads=1))
        elif backend == "dask":
            distributed = _extra("distributed", "dask")
            client = stack.enter_context(_dask_client(distributed, address, n_jobs, timeout))
            died = (distributed.KilledWorker, distributed.comm.CommClosedError)
            arguments = {"n_jobs": -1}
            stack.enter_context(
                joblib.parallel_config("dask", client=client, wait_for_workers_timeout=timeout)
            )
        else:
            ray = _extra("ray", "ray")
            _extra("ray.util.joblib", "ray").register_ray()
            workers = stack.enter_context(_ray_cluster(ray, address, n_jobs, timeout))
            died = (ray.exceptions.RayError,)
            arguments = {"n_jobs": workers, "wave": 4 * workers}
            stack.enter_context(joblib.parallel_config("ray"))
        yield arguments, died


@contextmanager
def _environment_kept() -> Iterator[None]:
    """Put the environment back afterwards.

    Dask and Ray leave their workers' variables in this process' own (MKL_NUM_THREADS=1 among them):
    a program started later would compute on fewer threads, and so get other bits.
    """
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


def _loky_death() -> type[BaseException]:
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    kind: type[BaseException] = TerminatedWorkerError
    return kind


def _extra(module: str, extra: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise InputError(
            f"sweep: backend {extra!r} needs a package that is not installed ({error}). "
            f"Install it with: pip install 'pitfalls[{extra}]'"
        ) from error


def _knock(kind: str, address: str, timeout: float) -> None:
    """Refuse an address at which nothing listens, before an engine waits for minutes."""
    parts = urlsplit(address if "://" in address else f"tcp://{address}")
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or port is None:
        raise InputError(f"sweep: address must be host:port. Got {address!r} instead.")
    try:
        socket.create_connection((host, port), timeout).close()
    except OSError as error:
        raise InputError(
            f"sweep: no {kind} answers at {address} ({error.strerror or error}). "
            "Start it there, or leave the address out for a local one."
        ) from error


@contextmanager
def _dask_client(
    distributed: Any, address: str | None, n_jobs: int, timeout: float
) -> Iterator[Any]:
    if address is None:
        n_workers = joblib.cpu_count() if n_jobs < 0 else n_jobs
        with (
            distributed.LocalCluster(
                n_workers=n_workers,
                threads_per_worker=1,
                dashboard_address=None,
                silence_logs="ERROR",
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client
        return
    _knock("Dask scheduler", address, timeout)
    try:
        client = distributed.Client(address, timeout=timeout, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(
            f"sweep: {address} does not speak as a Dask scheduler within {timeout:g} s "
            f"({type(error).__name__}). Check the address."
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=timeout)
        except TimeoutError as error:
            raise DataError(
                f"sweep: the Dask scheduler at {address} has no worker after {timeout:g} s. "
                f"Start one: dask worker {address}"
            ) from error
        yield client


@contextmanager
def _ray_cluster(ray: Any, address: str | None, n_jobs: int, timeout: float) -> Iterator[int]:
    ours = not ray.is_initialized()
    if ours:
        quiet: dict[str, Any] = {"include_dashboard": False} if address is None else {}
        if address is None:
            quiet["num_cpus"] = joblib.cpu_count() if n_jobs < 0 else n_jobs
        else:
            _knock("Ray head", address.removeprefix("ray://"), timeout)
        try:
            ray.init(address=address, log_to_driver=False, logging_level="ERROR", **quiet)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise InputError(
                f"sweep: cannot join a Ray cluster at {address or 'this machine'} "
                f"({str(error).splitlines()[0]}). Check the address."
            ) from error
    try:
        yield int(ray.cluster_resources().get("CPU", 1))
    finally:
        if ours:
            ray.shutdown()
