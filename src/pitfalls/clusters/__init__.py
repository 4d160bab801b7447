"""Jobs side by side: processes on this machine, or an existing Dask or Ray cluster."""

from pitfalls.clusters.jobs import Backend, run_jobs

__all__ = ["Backend", "run_jobs"]
