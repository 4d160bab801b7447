"""Joining a Dask or Ray cluster, refused at once where nothing answers."""

import importlib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import joblib

from pitfalls.errors import DataError, InputError, needs_extra
from pitfalls.escaping import first_line

__all__ = ["dask_client", "import_extra", "ray_cluster"]


def import_extra(module: str, extra: str) -> Any:
    """Import a package of an optional extra, or say how to install it."""
    with needs_extra(extra, f"run_jobs: backend {extra!r}"):
        return importlib.import_module(module)


def _knock(kind: str, address: str, timeout: float) -> None:
    """Refuse an address at which nothing listens, before an engine waits for minutes."""
    parts = urlsplit(address if "://" in address else f"tcp://{address}")
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or port is None:
        raise InputError(f"run_jobs: address must be host:port. Got {address!r} instead.")
    try:
        socket.create_connection((host, port), timeout).close()
    except OSError as error:
        raise InputError(
            f"run_jobs: no {kind} answers at {address} ({error.strerror or error}). "
            "Start it there, or leave the address out for a local one."
        ) from error


@contextmanager
def dask_client(
    distributed: Any, address: str | None, n_jobs: int, timeout: float
) -> Iterator[Any]:
    """Join the scheduler at the address, or start a cluster here; yields the client."""
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
            f"run_jobs: {address} does not speak as a Dask scheduler within {timeout:g} s "
            f"({type(error).__name__}). Check the address."
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=timeout)
        except TimeoutError as error:
            raise DataError(
                f"run_jobs: the Dask scheduler at {address} has no worker after {timeout:g} s. "
                f"Start one: dask worker {address}"
            ) from error
        yield client


@contextmanager
def ray_cluster(ray: Any, address: str | None, n_jobs: int, timeout: float) -> Iterator[int]:
    """Join the Ray cluster at the address, or start one here; yields its number of processors."""
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
                f"run_jobs: cannot join a Ray cluster at {address or 'this machine'} "
                f"({first_line(error)}). Check the address."
            ) from error
    try:
        yield int(ray.cluster_resources().get("CPU", 1))
    finally:
        if ours:
            ray.shutdown()
