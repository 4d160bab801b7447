"""Running many calls of one function on joblib's backends, also when workers die."""

import os
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

import joblib

from pitfalls.clusters.joining import dask_client, import_extra, ray_cluster
from pitfalls.clusters.slurm import slurm_jobs
from pitfalls.errors import InputError, ResourceError

__all__ = ["Backend", "run_jobs"]

Backend = Literal["loky", "dask", "ray", "submitit"]
Result = TypeVar("Result")
_Warning = tuple[type[Warning], str]
_Done = tuple[int, Any, frozenset[_Warning]]
"""A job's number, its result, and what was warned of."""


@dataclass(frozen=True)
class _Engine:
    """What joblib's Parallel is told, and what a dead worker raises.

    ``wave``: jobs handed over at a time, where a backend gives results back all at once.
    ``stream``: what runs the jobs, where that is not joblib.
    """

    n_jobs: int
    died: tuple[type[BaseException], ...]
    wave: int | None = None
    stream: Callable[[list[Any]], Iterator[Any]] | None = None


def run_jobs(
    function: Callable[..., Result],
    arguments: Sequence[tuple[Any, ...]],
    *,
    backend: Backend = "loky",
    address: str | None = None,
    n_jobs: int = -1,
    retries: int = 3,
    timeout: float = 10.0,
    on_result: Callable[[int, Result], None] | None = None,
) -> list[Result]:
    """Call a function with each tuple of arguments, calls side by side in worker processes.

    Parameters
    ----------
    function : callable
        Must not depend on anything but its arguments: a job whose worker died is run again.
    arguments : sequence of tuple
    backend : {"loky", "dask", "ray", "submitit"}
        Joblib's backend: processes here, or an existing Dask or Ray cluster; or SLURM, through
        submitit, on a file system that all its machines share. Partition, account and time are SLURM's
        own variables: ``SBATCH_PARTITION``, ``SBATCH_ACCOUNT``, ``SBATCH_TIMELIMIT``.
    address : str, optional
        Of the Dask scheduler (``tcp://host:8786``) or the Ray head (``host:6379``); without
        one a local cluster is started. ``local`` lets submitit start processes here.
    n_jobs : int
        Jobs at a time here; -1 for one a core. A cluster at an address decides for itself.
    retries : int
        How often a worker may die in a row, without a job having finished since, before this gives
        up; what was unfinished is run again.
    timeout : float
        Seconds to wait for a cluster.
    on_result : callable, optional
        Called with (number of the job, its result) as each arrives, to save it at once.

    Returns
    -------
    list
        One result a job, in the order of ``arguments``.

    Raises
    ------
    InputError
        If the backend's package is missing, or nothing answers at the address.
    ResourceError
        If workers keep dying.

    Examples
    --------
    >>> run_jobs(divmod, [(7, 2), (9, 4)], n_jobs=1)
    [(3, 1), (2, 1)]
    """
    if backend not in get_args(Backend):
        raise InputError(
            f"run_jobs: backend must be one of {', '.join(get_args(Backend))}. Got {backend!r}."
        )
    if backend == "loky" and address is not None:
        raise InputError("run_jobs: an address is for other backends; loky works here.")
    if n_jobs < 1 and n_jobs != -1:
        raise InputError(
            f"run_jobs: n_jobs must be at least 1, or -1 for one a core. Got {n_jobs} instead."
        )
    results: dict[int, Result] = {}
    if not arguments:
        return []
    deaths, said = 0, frozenset[_Warning]()
    with _engine(backend, address, n_jobs, timeout) as engine:
        while left := [number for number in range(len(arguments)) if number not in results]:
            jobs = [joblib.delayed(_numbered)(function, n, arguments[n]) for n in left]
            try:
                for number, result, heard in _in_parallel(jobs, engine):
                    said = _pass_on(heard, said)
                    results[number] = result
                    deaths = 0
                    if on_result is not None:
                        on_result(number, result)
            except engine.died as error:
                deaths += 1
                if deaths > retries:
                    raise ResourceError(
                        f"run_jobs: workers died {deaths} times in a row without finishing a job "
                        f"({type(error).__name__}). Free memory or lower the number of jobs; what "
                        "has finished is kept."
                    ) from error
    return [results[number] for number in range(len(arguments))]


def _numbered(function: Callable[..., Any], number: int, arguments: tuple[Any, ...]) -> _Done:
    """Return number and result, and what was warned of, which a worker has nobody to say to."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("default")
        for kind in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
            warnings.simplefilter("ignore", kind)
        result = function(*arguments)
    return number, result, frozenset((_known(one.category), str(one.message)) for one in heard)


def _known(kind: type[Warning]) -> type[Warning]:
    """Return the nearest kind of Python's own: another may be of a package that is not here."""
    return next(base for base in kind.__mro__ if base.__module__ == "builtins")


def _pass_on(heard: frozenset[_Warning], said: frozenset[_Warning]) -> frozenset[_Warning]:
    """Warn here of what workers were warned of, of each thing once."""
    for kind, text in sorted(heard - said, key=str):
        warnings.warn(text, kind, stacklevel=3)
    return said | heard


def _in_parallel(jobs: list[Any], engine: _Engine) -> Iterator[_Done]:
    if engine.stream is not None:
        yield from engine.stream(jobs)
        return
    if engine.wave is None:
        parallel = joblib.Parallel(
            n_jobs=engine.n_jobs, batch_size=1, return_as="generator_unordered"
        )
        stream: Generator[_Done] = parallel(jobs)
        with closing(stream):
            yield from stream
        return
    # this backend hands results over all at once: so few at a time that little can be lost
    # by the same workers: each wave would wait for new ones to start
    with joblib.Parallel(n_jobs=engine.n_jobs, batch_size=1) as parallel:
        for start in range(0, len(jobs), engine.wave):
            yield from parallel(jobs[start : start + engine.wave])


@contextmanager
def _engine(
    backend: Backend, address: str | None, n_jobs: int, timeout: float
) -> Iterator[_Engine]:
    """Enter joblib's backend."""
    with ExitStack() as stack:
        stack.enter_context(_environment_kept())
        if backend == "loky" and joblib.effective_n_jobs(2) == 1:
            # a machine without shared memory has no worker processes: one job after the other, here
            engine = _Engine(1, ())
            stack.enter_context(joblib.parallel_config("sequential"))
        elif backend == "loky":
            engine = _Engine(n_jobs, (_loky_death(),))
            stack.enter_context(joblib.parallel_config("loky", inner_max_num_threads=1))
        elif backend == "dask":
            distributed = import_extra("distributed", "dask")
            client = stack.enter_context(dask_client(distributed, address, n_jobs, timeout))
            engine = _Engine(-1, (distributed.KilledWorker, distributed.comm.CommClosedError))
            stack.enter_context(
                joblib.parallel_config("dask", client=client, wait_for_workers_timeout=timeout)
            )
        elif backend == "submitit":
            stream, died = slurm_jobs(address, n_jobs)
            engine = _Engine(n_jobs, (died,), stream=stream)
        else:
            ray = import_extra("ray", "ray")
            import_extra("ray.util.joblib", "ray").register_ray()
            workers = stack.enter_context(ray_cluster(ray, address, n_jobs, timeout))
            engine = _Engine(workers, (ray.exceptions.RayError,), wave=4 * workers)
            stack.enter_context(joblib.parallel_config("ray"))
        yield engine


@contextmanager
def _environment_kept() -> Iterator[None]:
    """Put the environment back afterwards.

    Dask and Ray leave their workers' variables in this process' own (MKL_NUM_THREADS=1 among them):
    a program started later would compute on fewer threads, and so get other bits. Inside, workers are
    told to print no warnings.
    """
    before = dict(os.environ)
    # what modules warn of while a worker imports them, this process has said or kept to itself
    os.environ["PYTHONWARNINGS"] = "ignore"
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
