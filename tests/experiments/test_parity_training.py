import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pitfalls.errors import InputError
from pitfalls.experiments import perform
from pitfalls.experiments.parity_depth import DepthConfig
from pitfalls.experiments.parity_sweep import SweepConfig
from pitfalls.experiments.parity_training import (
    AlongConfig,
    TrainRunConfig,
    homework_runs,
)
from pitfalls.parity import (
    ParityTask,
    TrainingConfig,
    TwoLayerReLU,
    gradient_signal,
    target_signal,
    train,
)
from pitfalls.report.figures import draw_run, figure_names
from pitfalls.runs import RunStore
from tests.experiments import killed_parity

ROOT = Path(__file__).parents[2]
SHORT = TrainingConfig(n_iterations=600, record_every=200, seed=3)
CONFIGS = [
    TrainRunConfig((1, 0, 1, 0), SHORT),
    AlongConfig(cases=((4, 2), (6, 5)), n_probes=2, training=SHORT),
    DepthConfig(width=8, depths=(1, 2), shown=3, n_seeds=2, training=SHORT),
    SweepConfig((3, 5), (1, 4), rates=(0.001, 0.01), n_seeds=2, training=SHORT, jobs=1),
]
NAMES = [type(config).__name__ for config in CONFIGS]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return RunStore(tmp_path_factory.mktemp("runs"))


@pytest.mark.parametrize("config", CONFIGS, ids=NAMES)
def test_every_experiment_draws_its_figures(config, store):
    run = perform(config, store)
    assert run.complete
    drawn = draw_run(run)
    assert [path.stem for path in drawn] == list(figure_names(run.manifest.experiment))
    for path in drawn:
        words = json.loads(path.with_suffix(".json").read_text())
        assert words["alt"]
        assert words["caption"]
        assert "nan" not in words["alt"]


@pytest.mark.parametrize("config", CONFIGS, ids=NAMES)
def test_an_experiment_interrupted_after_its_first_piece_goes_on_to_the_same_numbers(
    config, store, tmp_path, monkeypatch
):
    whole = perform(config, store)
    elsewhere = RunStore(tmp_path)
    run_class = type(whole)
    saved = []
    original = run_class.save_arrays

    def interrupt(self, name, **arrays):
        original(self, name, **arrays)
        saved.append(name)
        raise KeyboardInterrupt

    monkeypatch.setattr(run_class, "save_arrays", interrupt)
    with pytest.raises(KeyboardInterrupt):
        perform(config, elsewhere)
    monkeypatch.undo()
    resumed = perform(config, elsewhere)
    assert resumed.results() == whole.results()
    assert resumed.metrics() == whole.metrics()
    for path in (whole.path / "arrays").glob("*.npz"):
        one, other = whole.arrays(path.stem), resumed.arrays(path.stem)
        assert one.keys() == other.keys()
        assert all(np.array_equal(one[k], other[k], equal_nan=True) for k in one), path.stem


def test_a_training_killed_at_any_moment_ends_with_the_undisturbed_bits(tmp_path):
    undisturbed = killed_parity.run(str(tmp_path / "undisturbed"))
    root = tmp_path / "killed"
    command = [sys.executable, "-m", "tests.experiments.killed_parity", str(root)]
    kills = 0
    for checkpoint in (1, 3):
        process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"})
        while process.poll() is None:
            steps = [int(p.stem.split("-")[-1]) for p in root.rglob("*.safetensors")]
            if max(steps, default=0) >= 500 * checkpoint:
                process.send_signal(signal.SIGKILL)
                kills += 1
                break
            time.sleep(0.002)
        process.wait()
    assert kills
    finished = killed_parity.run(str(root))
    assert finished.results() == undisturbed.results()
    assert (finished.path / "metrics.jsonl").read_bytes() == (
        undisturbed.path / "metrics.jsonl"
    ).read_bytes()
    for name in ("network", "curve"):
        one, other = undisturbed.arrays(name), finished.arrays(name)
        assert all(np.array_equal(one[k], other[k]) for k in one)


def test_the_signal_along_training_is_that_of_the_recorded_networks(store):
    run = perform(CONFIGS[1], store)
    arrays = run.arrays("case-0")
    task = ParityTask.random(4, 3, 2)
    result = train(task, SHORT)
    assert arrays["step"].tolist() == [0, 400, 600]
    assert arrays["own"][-1] == pytest.approx(target_signal(result.network, task))
    assert arrays["mean"][-1] == pytest.approx(gradient_signal(result.network).signal)


def test_the_trained_network_is_kept(store):
    run = perform(CONFIGS[0], store)
    arrays = run.arrays("network")
    network = TwoLayerReLU(4, 40).load_flat(torch.from_numpy(arrays["parameters"]))
    assert network.n_hidden == run.results()["n_hidden"]


def test_where_cells_run_is_no_part_of_the_runs_name(store):
    run = perform(CONFIGS[-1], store)
    assert perform(replace(CONFIGS[-1], jobs=2, backend="dask"), store).path == run.path
    assert len(list((run.path / "arrays").glob("cell-*.npz"))) == 6


@pytest.mark.parametrize("scale", ["quick", "full"])
def test_the_homework_takes_every_training_experiment(scale):
    assert [type(config).__name__ for config in homework_runs(scale)] == [
        "AlongConfig",
        "DepthConfig",
        "SweepConfig",
    ]


@pytest.mark.parametrize(
    "bad",
    [
        lambda: AlongConfig(n_probes=0),
        lambda: DepthConfig(activations=("softplus",)),
        lambda: DepthConfig(depths=(0,)),
        lambda: SweepConfig(n_seeds=0),
        lambda: SweepConfig(dimensions=(3,), weights=(4,)),
    ],
)
def test_bad_configs_are_refused(bad):
    with pytest.raises(InputError):
        bad()
