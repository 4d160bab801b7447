"""Jobs under SLURM, each a batch job of its own through submitit; or its processes here."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import joblib

from pitfalls.clusters.joining import import_extra
from pitfalls.errors import InputError, ResourceError

__all__ = ["slurm_jobs"]

Stream = Callable[[list[Any]], Iterator[Any]]

POLL_S = 0.1, 5.0
"""Between looks at the jobs: here, and of SLURM."""
MOST_AT_A_TIME = 1000
"""Jobs in SLURM's queue where no number is given."""
MINUTES = {"local": 7 * 24 * 60, "slurm": 60}
"""What a job may take; under SLURM ``SBATCH_TIMELIMIT`` comes before it."""


def slurm_jobs(address: str | None, n_jobs: int) -> tuple[Stream, type[BaseException]]:
    """Return what runs jobs, and what a job raises whose process died.

    Parameters
    ----------
    address : {"local", None}
        ``local`` starts processes on this machine.
    n_jobs : int
        At a time; -1 for one a core here, and all under SLURM.

    Raises
    ------
    InputError
        If submitit is not installed, there is no SLURM here, or the address is another.
    """
    submitit = import_extra("submitit", "submitit")
    if address not in (None, "local"):
        raise InputError(
            f"run_jobs: submitit takes the address 'local' or none, for SLURM. Got {address!r}."
        )
    if address is None and shutil.which("sbatch") is None:
        raise InputError(
            "run_jobs: there is no SLURM here (no sbatch on the PATH). Start on its login node, or give "
            "the address 'local' for processes here."
        )
    cluster = address or "slurm"
    here = joblib.cpu_count() if address else MOST_AT_A_TIME
    most = here if n_jobs < 0 else n_jobs
    died: type[BaseException] = submitit.core.utils.UncompletedJobError
    return partial(_stream, submitit, cluster, most), died


def _stream(submitit: Any, cluster: str, most: int, jobs: list[Any]) -> Iterator[Any]:
    # beside the work, because every machine of the cluster must see it
    folder = Path(tempfile.mkdtemp(prefix="submitit-", dir=Path.cwd()))
    executor = submitit.AutoExecutor(folder=folder, cluster=cluster)
    executor.update_parameters(name="pitfalls", timeout_min=MINUTES[cluster])
    waiting = list(reversed(jobs))
    running: list[Any] = []
    pause = POLL_S[cluster == "slurm"]
    try:
        while waiting or running:
            while waiting and len(running) < most:
                function, arguments, keywords = waiting.pop()
                running.append(executor.submit(_caught, function, arguments, keywords))
            ended = [job for job in running if job.done()]
            running = [job for job in running if job not in ended]
            for job in ended:
                fault, found = _ended(submitit, job)
                if fault is not None:
                    raise fault
                yield found
            if not ended:
                time.sleep(pause)
    finally:
        for job in running:
            job.cancel(check=False)
        shutil.rmtree(folder, ignore_errors=True)


def _ended(submitit: Any, job: Any) -> tuple[Any, Any]:
    """Return what a job left; one that could not be read where it ran is a fault, no dead process."""
    try:
        left: tuple[Any, Any] = job.result()
    except submitit.core.utils.FailedJobError as error:
        reason = next((s for s in str(error).splitlines() if "Error: " in s), "no reason")
        raise ResourceError(
            f"run_jobs: a job could not be read where it was to run ({reason.strip()}). Let its machine "
            "have the same packages, and PYTHONPATH, as this one."
        ) from error
    return left


def _caught(function: Callable[..., Any], arguments: Any, keywords: Any) -> tuple[Any, Any]:
    """Return (fault, result): submitit hands a fault on as text, and as a dead process' error."""
    try:
        return None, function(*arguments, **keywords)
    except Exception as error:
        return error, None
