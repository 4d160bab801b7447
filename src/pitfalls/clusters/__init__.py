"""Jobs side by side: processes on this machine, an existing Dask or Ray cluster, or SLURM."""

from pitfalls.clusters.jobs import Backend, run_jobs

__all__ = ["Backend", "run_jobs"]
