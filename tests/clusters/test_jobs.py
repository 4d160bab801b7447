import dataclasses
import os
import signal
import socket
import sys
import warnings

import numpy as np
import pytest

from pitfalls.clusters import run_jobs
from pitfalls.clusters.jobs import _engine, _environment_kept
from pitfalls.errors import InputError, ResourceError
from pitfalls.parity import CellResult, LearningConfig, SweepCell, run_cell, sweep_cells

SHORT = LearningConfig(n_iterations=500, record_every=200, seed=3)


def cells_and_truth():
    cells = sweep_cells([4, 6], [1, 2], rates=[0.001, 0.05])
    return cells, [run_cell(cell, 2, SHORT) for cell in cells]


def same(ones, others):
    return len(ones) == len(others) and all(
        one.cell == other.cell
        and all(
            np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True)
            for name in (field.name for field in dataclasses.fields(CellResult))
            if name not in ("cell", "diverged")
        )
        for one, other in zip(ones, others, strict=True)
    )


def dead_address():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


def asked(cells):
    return [(cell, 2, SHORT) for cell in cells]


def test_processes_give_the_bits_of_one_process_and_report_each_cell():
    cells, truth = cells_and_truth()
    seen: dict[int, CellResult] = {}
    results = run_jobs(run_cell, asked(cells), n_jobs=2, on_result=seen.__setitem__)
    assert same(results, truth)
    assert {number: result.cell for number, result in seen.items()} == dict(enumerate(cells))
    assert same(run_jobs(run_cell, asked(cells), n_jobs=1), truth)


def test_a_worker_killed_in_the_middle_loses_nothing():
    from joblib.externals.loky import get_reusable_executor

    cells, truth = cells_and_truth()
    killed: list[int] = []
    seen: list[SweepCell] = []

    def kill_once(_, result):
        seen.append(result.cell)
        if not killed:
            killed.extend(get_reusable_executor(reuse=True)._processes)
            os.kill(killed[0], signal.SIGKILL)

    assert same(run_jobs(run_cell, asked(cells), n_jobs=2, on_result=kill_once), truth)
    assert killed
    assert sorted(seen) == sorted(cells)


def test_workers_that_keep_dying_end_the_work_in_one_line(monkeypatch):
    module = sys.modules["pitfalls.clusters.jobs"]

    class DeathError(Exception):
        pass

    def dying(*arguments):
        raise DeathError
        yield  # type: ignore[unreachable]

    monkeypatch.setattr(module, "_loky_death", lambda: DeathError)
    monkeypatch.setattr(module, "_in_parallel", dying)
    with pytest.raises(ResourceError, match="died 3 times") as caught:
        run_jobs(divmod, [(7, 2)], retries=2)
    assert "\n" not in str(caught.value)


def test_an_interruption_keeps_what_was_reported():
    cells, _ = cells_and_truth()
    seen = []

    def stop(_, result):
        seen.append(result)
        if len(seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_jobs(run_cell, asked(cells), n_jobs=1, on_result=stop)
    assert len(seen) == 2


@pytest.mark.filterwarnings("ignore")
def test_dask_gives_the_same_bits_even_when_a_worker_is_killed():
    distributed = pytest.importorskip("distributed", reason="needs the extra: pitfalls[dask]")
    cells, truth = cells_and_truth()
    killed: list[int] = []
    with (
        _environment_kept(),  # this cluster is the test's own, and so is what it leaves behind
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs="CRITICAL"
        ) as cluster,
    ):

        def kill_once(*_):
            if not killed:
                worker = next(iter(cluster.workers.values()))
                killed.append(worker.process.process.pid)
                os.kill(killed[0], signal.SIGKILL)

        results = run_jobs(
            run_cell,
            asked(cells),
            backend="dask",
            address=cluster.scheduler_address,
            on_result=kill_once,
        )
    assert killed
    assert same(results, truth)


@pytest.mark.filterwarnings("ignore")
def test_a_local_dask_cluster_leaves_the_environment_as_it_was():
    pytest.importorskip("distributed", reason="needs the extra: pitfalls[dask]")
    before = dict(os.environ)
    assert run_jobs(divmod, [(7, 2)], backend="dask", n_jobs=1) == [(3, 1)]
    assert dict(os.environ) == before


@pytest.mark.filterwarnings("ignore")
def test_ray_gives_the_same_bits_and_leaves_the_environment_as_it_was():
    pytest.importorskip("ray", reason="needs the extra: pitfalls[ray]")
    cells, truth = cells_and_truth()
    before = dict(os.environ)
    assert same(run_jobs(run_cell, asked(cells), backend="ray", n_jobs=2), truth)
    assert dict(os.environ) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"backend": "slurm"}, "loky, dask, ray, submitit"),
        ({"address": "127.0.0.1:1"}, "loky works here"),
        ({"n_jobs": 0}, "n_jobs must be at least 1, or -1"),
        ({"backend": "submitit", "address": "local", "n_jobs": 0}, "n_jobs must be at least 1"),
        ({"backend": "dask", "address": "nowhere"}, "host:port"),
        ({"backend": "dask", "address": "tcp://127.0.0.1:99999"}, "host:port"),
        ({"backend": "dask", "address": f"tcp://{dead_address()}"}, "no Dask scheduler answers"),
        ({"backend": "ray", "address": dead_address()}, "no Ray head answers"),
    ],
)
def test_bad_arguments_and_dead_addresses_are_one_line_at_once(arguments, said):
    if arguments.get("backend") in ("dask", "ray"):
        pytest.importorskip({"dask": "distributed", "ray": "ray"}[arguments["backend"]])
    with pytest.raises(InputError, match=said) as caught:
        run_jobs(divmod, [(7, 2)], **{"timeout": 2.0, **arguments})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("backend", ["dask", "ray", "submitit"])
def test_a_missing_extra_is_named(monkeypatch, backend):
    module = {"dask": "distributed"}.get(backend, backend)
    monkeypatch.setitem(sys.modules, module, None)
    with (
        pytest.raises(InputError, match=rf"pip install 'pitfalls\[{backend}\]'"),
        _engine(backend, None, 1, 1.0),
    ):
        pass


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_the_same_job_asked_for_twice_is_done_twice_and_ends(n_jobs):
    seen = []
    done = run_jobs(
        divmod, [(7, 2), (9, 4), (7, 2)], n_jobs=n_jobs, on_result=lambda n, _: seen.append(n)
    )
    assert done == [(3, 1), (2, 1), (3, 1)]
    assert sorted(seen) == [0, 1, 2]
    assert run_jobs(divmod, [], n_jobs=n_jobs) == []


def test_results_that_equal_nothing_not_even_themselves_end_too():
    assert str(run_jobs(float, [("nan",), ("nan",)], n_jobs=1)) == "[nan, nan]"


def square_but_die_once(folder, number):
    """Kill the worker's own process the first time that job 1 is tried."""
    tried = os.path.join(folder, f"tried-{number}")
    if number == 1 and not os.path.exists(tried):
        open(tried, "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return number**2


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("backend", ["ray", "submitit"])
def test_a_job_whose_worker_was_killed_is_done_again(backend, tmp_path, monkeypatch):
    pytest.importorskip(backend, reason=f"needs the extra: pitfalls[{backend}]")
    address = None
    if backend == "submitit":
        import submitit

        address = "local"
        # how long a result may take to show on a shared file system
        monkeypatch.setattr(submitit.core.core.Job, "_results_timeout_s", 1)
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        monkeypatch.chdir(tmp_path)
    done = run_jobs(
        square_but_die_once,
        [(str(tmp_path), number) for number in range(3)],
        backend=backend,
        address=address,
        n_jobs=2,
    )
    assert done == [0, 1, 4]
    assert (tmp_path / "tried-1").exists()
    assert not list(tmp_path.glob("submitit-*"))


def test_a_fault_of_a_job_under_submitit_is_the_fault_itself(tmp_path, monkeypatch):
    pytest.importorskip("submitit", reason="needs the extra: pitfalls[submitit]")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="could not convert"):
        run_jobs(float, [("nine",)], backend="submitit", address="local")
    with pytest.raises(InputError, match="'local' or none"):
        run_jobs(float, [("9",)], backend="submitit", address="host:1")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="no SLURM here"):
        run_jobs(float, [("9",)], backend="submitit")


def warn_of(number):
    warnings.warn(f"the number {number % 2} is odd", RuntimeWarning, stacklevel=1)
    return number


@pytest.mark.parametrize("backend", ["loky", "dask"])
def test_what_workers_warn_of_is_warned_of_here_once_and_printed_by_none(backend, capfd):
    if backend == "dask":
        pytest.importorskip("distributed", reason="needs the extra: pitfalls[dask]")
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        done = run_jobs(warn_of, [(n,) for n in range(6)], backend=backend, n_jobs=2)
    assert done == list(range(6))
    own = [str(one.message) for one in heard if one.category is RuntimeWarning]
    assert sorted(own) == ["the number 0 is odd", "the number 1 is odd"]
    assert "odd" not in capfd.readouterr().err
