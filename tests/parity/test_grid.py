import dataclasses
import os
import signal
import socket
import sys

import numpy as np
import pytest

from pitfalls.errors import InputError, ResourceError
from pitfalls.parity import (
    CellResult,
    ParityTask,
    SweepCell,
    TrainingConfig,
    run_cell,
    sweep,
    sweep_cells,
    train,
)
from pitfalls.parity.grid import _engine, _environment_kept

SHORT = TrainingConfig(n_iterations=500, record_every=200, seed=3)


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


def test_a_grid_leaves_out_weights_above_the_dimension():
    cells = sweep_cells([2, 5], [1, 3], [10, 20], [0.1])
    assert cells == [
        SweepCell(2, 1, 10, 0.1),
        SweepCell(2, 1, 20, 0.1),
        SweepCell(5, 1, 10, 0.1),
        SweepCell(5, 1, 20, 0.1),
        SweepCell(5, 3, 10, 0.1),
        SweepCell(5, 3, 20, 0.1),
    ]
    assert len({cell.name for cell in cells}) == len(cells)


def test_a_cell_named_twice_is_trained_once_and_given_twice():
    cell, other = SweepCell(4, 1, 10, 0.01), SweepCell(4, 2, 10, 0.01)
    seen, progress = [], []
    results = sweep(
        [cell, other, cell],
        1,
        SHORT,
        n_jobs=1,
        on_cell=seen.append,
        on_progress=lambda *at: progress.append(at),
    )
    assert [result.cell for result in results] == [cell, other, cell]
    assert same(results[:1], results[2:])
    assert len(seen) == 2
    assert progress == [(1, 2), (2, 2)]


def test_cells_whose_rates_differ_in_the_last_digit_have_names_of_their_own():
    rates = [0.001, 0.0010000001, float(np.nextafter(0.001, 1)), 1.0, 1e-7, np.float32(0.1), 0.1]
    cells = sweep_cells([4], [1], rates=rates)
    assert len({cell.name for cell in cells}) == len(rates)
    assert cells[0].name == "d4-m1-k40-r0.001"


@pytest.mark.parametrize("rate", [0.0, -1.0, np.nan, np.inf])
def test_a_rate_that_is_no_positive_number_is_refused(rate):
    # NaN is no key: a sweep would wait for it for ever
    with pytest.raises(InputError, match="learning_rate must be a positive number"):
        SweepCell(4, 1, 10, rate)


def test_cells_of_numpy_numbers_equal_those_of_pythons():
    cells = sweep_cells(np.array([3, 4]), np.array([1]), np.array([7]), np.array([0.5]))
    assert cells == [SweepCell(3, 1, 7, 0.5), SweepCell(4, 1, 7, 0.5)]
    assert [cell.name for cell in cells] == ["d3-m1-k7-r0.5", "d4-m1-k7-r0.5"]
    for wrong in (2.5, True, "3"):
        with pytest.raises(InputError, match="must be an integer"):
            SweepCell(wrong, 1, 10, 0.1)


def test_a_width_of_zero_is_refused_and_not_taken_for_the_default():
    with pytest.raises(InputError, match="n_hidden must be at least 1"):
        sweep_cells([3], [1], [0])


def test_a_cell_is_its_replicas_trained_alone():
    cell = SweepCell(6, 2, 30, 0.01)
    result = run_cell(cell, 2, SHORT)
    assert result.step.tolist() == [200, 400, 500]
    for i in range(2):
        config = dataclasses.replace(SHORT, n_hidden=30, learning_rate=0.01, seed=3 + i)
        alone = train(ParityTask.random(6, 3 + i, weight=2), config)
        assert result.loss_curve[i].tolist() == alone.curve.loss.tolist()
        assert result.accuracy[i] == alone.evaluation.accuracy
        assert result.iterations[i] == (alone.curve.iterations_to(0.99) or -1)


def test_a_diverged_replica_is_no_success_and_its_curve_ends():
    config = dataclasses.replace(SHORT, loss="square")
    result = run_cell(SweepCell(6, 2, 30, 1e6), 2, config)
    assert result.diverged.all()
    assert result.success == 0
    assert np.isnan(result.loss_curve).all()


def test_processes_give_the_bits_of_one_process_and_report_each_cell():
    cells, truth = cells_and_truth()
    seen, progress = [], []
    results = sweep(
        cells,
        2,
        SHORT,
        n_jobs=2,
        on_cell=seen.append,
        on_progress=lambda *at: progress.append(at),
    )
    assert same(results, truth)
    assert sorted(r.cell for r in seen) == sorted(cells)
    assert progress == [(i + 1, len(cells)) for i in range(len(cells))]
    assert same(sweep(cells, 2, SHORT, n_jobs=1), truth)


def test_a_worker_killed_in_the_middle_loses_nothing():
    from joblib.externals.loky import get_reusable_executor

    cells, truth = cells_and_truth()
    killed, seen = [], []

    def kill_once(result):
        seen.append(result.cell)
        if not killed:
            killed.extend(get_reusable_executor(reuse=True)._processes)
            os.kill(killed[0], signal.SIGKILL)

    assert same(sweep(cells, 2, SHORT, n_jobs=2, on_cell=kill_once), truth)
    assert killed
    assert sorted(seen) == sorted(cells)


def test_workers_that_keep_dying_end_the_sweep_in_one_line(monkeypatch):
    module = sys.modules["pitfalls.parity.grid"]

    class DeathError(Exception):
        pass

    def dying(*arguments):
        raise DeathError
        yield

    monkeypatch.setattr(module, "_loky_death", lambda: DeathError)
    monkeypatch.setattr(module, "_in_parallel", dying)
    with pytest.raises(ResourceError, match="died 3 times") as caught:
        sweep(sweep_cells([4], [1]), 1, SHORT, retries=2)
    assert "\n" not in str(caught.value)


def test_an_interruption_keeps_what_was_reported():
    cells, _ = cells_and_truth()
    seen = []

    def stop(result):
        seen.append(result)
        if len(seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(cells, 2, SHORT, n_jobs=1, on_cell=stop)
    assert len(seen) == 2


@pytest.mark.filterwarnings("ignore")
def test_dask_gives_the_same_bits_even_when_a_worker_is_killed():
    distributed = pytest.importorskip("distributed", reason="needs the extra: pitfalls[dask]")
    cells, truth = cells_and_truth()
    killed = []
    with (
        _environment_kept(),  # this cluster is the test's own, and so is what it leaves behind
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs="CRITICAL"
        ) as cluster,
    ):

        def kill_once(result):
            if not killed:
                worker = next(iter(cluster.workers.values()))
                killed.append(worker.process.process.pid)
                os.kill(killed[0], signal.SIGKILL)

        results = sweep(
            cells, 2, SHORT, backend="dask", address=cluster.scheduler_address, on_cell=kill_once
        )
    assert killed
    assert same(results, truth)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("backend", ["dask", "ray"])
def test_a_local_cluster_leaves_the_environment_as_it_was(backend):
    pytest.importorskip({"dask": "distributed", "ray": "ray"}[backend])
    before = dict(os.environ)
    sweep(sweep_cells([4], [1]), 1, SHORT, backend=backend, n_jobs=1)
    assert dict(os.environ) == before


@pytest.mark.filterwarnings("ignore")
def test_ray_gives_the_same_bits():
    pytest.importorskip("ray", reason="needs the extra: pitfalls[ray]")
    cells, truth = cells_and_truth()
    assert same(sweep(cells, 2, SHORT, backend="ray", n_jobs=2), truth)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"n_seeds": 0}, "n_seeds"),
        ({"backend": "slurm"}, "loky, dask, ray"),
        ({"address": "127.0.0.1:1"}, "loky works here"),
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
        sweep(sweep_cells([4], [1]), **{"n_seeds": 1, "config": SHORT, "timeout": 2.0, **arguments})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("backend", ["dask", "ray"])
def test_a_missing_extra_is_named(monkeypatch, backend):
    module = {"dask": "distributed", "ray": "ray"}[backend]
    monkeypatch.setitem(sys.modules, module, None)
    with (
        pytest.raises(InputError, match=rf"pip install 'pitfalls\[{backend}\]'"),
        _engine(backend, None, 1, 1.0),
    ):
        pass


@pytest.mark.parametrize(
    ("grid", "said"),
    [
        (([3], [4]), "no cell is left"),
        (([], [1]), "no cell is left"),
        (([0], [0]), "at least 1"),
        (([3], [-1]), "at least 0"),
        (([3], [1], [-5]), "at least 1"),
    ],
)
def test_bad_grids_are_refused(grid, said):
    with pytest.raises(InputError, match=said):
        sweep_cells(*grid)
