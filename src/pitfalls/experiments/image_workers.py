"""Where trainings run: one after another here, or side by side on workers."""

from dataclasses import dataclass
from typing import Literal

from pitfalls.errors import InputError

__all__ = ["Workers"]


@dataclass(frozen=True)
class Workers:
    """Where the trainings of a comparison run.

    Parameters
    ----------
    backend : {"here", "loky", "dask", "ray", "submitit"}
        here trains one after another and goes on in the middle of each; the others train side by
        side, and a training whose worker died starts anew: processes on this machine, a Dask or Ray
        cluster, or SLURM through submitit.
    address : str
        Of a Dask or Ray cluster, host:port (default: a local one); local lets submitit start
        processes here.
    n_jobs : int
        Trainings at a time (default: --threads, else one a core; all under SLURM). A cluster at an
        address decides for itself.
    """

    backend: Literal["here", "loky", "dask", "ray", "submitit"] = "here"
    address: str | None = None
    n_jobs: int | None = None

    def __post_init__(self) -> None:
        if self.n_jobs is not None and self.n_jobs < 1:
            raise InputError(f"Workers: n_jobs must be at least 1. Got {self.n_jobs} instead.")
        given = [name for name in ("address", "n_jobs") if getattr(self, name) is not None]
        if self.backend == "here" and given:
            raise InputError(
                f"Workers: {given[0]} is of workers, and without a backend one training follows the "
                "other here. Give --backend loky, dask, ray or submitit as well."
            )
