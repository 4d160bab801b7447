import dataclasses
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from pitfalls.errors import DataError, DivergenceError, InputError, RunError
from pitfalls.experiments import perform
from pitfalls.experiments.image_networks import NetworkConfig
from pitfalls.experiments.image_source import find_images
from pitfalls.experiments.image_trained import load_trained
from pitfalls.experiments.image_training import (
    CompareConfig,
    FastConfig,
    TrainRunConfig,
    fast_config,
)
from pitfalls.images import DataConfig
from pitfalls.images.training.config import TrainConfig
from pitfalls.images.training.evaluation import predict_logits
from pitfalls.report.figures import draw_run, figure_names
from pitfalls.runs import RunStore
from tests.experiments import killed_training
from tests.runs.forged import rewrite

ROOT = Path(__file__).parents[2]
SMALL = NetworkConfig("fastnet", (8, 8, 8))


@pytest.fixture(scope="module")
def source():
    return find_images(DataConfig("digits", subset_train=200, subset_val=60, validation=40))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return RunStore(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def trained(store, source):
    # as the fast recipe trains this network: thirty steps of plain SGD teach it little
    training = TrainConfig(
        epochs=3,
        batch_size=16,
        scheme="linear",
        rate=1.0,
        optimizer="muon",
        loss="sum",
        flip="none",
    )
    return perform(TrainRunConfig(source, SMALL, training), store)


@pytest.fixture(scope="module")
def fast(store, source):
    training = TrainConfig(
        epochs=2, batch_size=16, scheme="linear", rate=1.0, optimizer="muon", image_sizes=(6, 8)
    )
    return perform(FastConfig(source, 90, SMALL, training, seeds=(0, 1)), store)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return killed_training.run(str(tmp_path_factory.mktemp("undisturbed")))


def assert_same_run(one, other):
    assert (one.path / "metrics.jsonl").read_bytes() == (other.path / "metrics.jsonl").read_bytes()
    for k in range(3):
        first, second = (load_file(r.path / f"weights-{k}.safetensors") for r in (one, other))
        for name in first:
            assert torch.equal(first[name], second[name]), name

    def without_clock(run):
        rows = run.results()["rows"]
        return [{k: v for k, v in row.items() if "seconds" not in k} for row in rows]

    assert without_clock(one) == without_clock(other)


def test_a_run_killed_at_random_moments_ends_with_the_same_bits(undisturbed, tmp_path):
    generator = random.Random(0)
    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    command = [sys.executable, killed_training.__file__, str(tmp_path)]
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    kills = 0
    for _ in range(100):
        process = subprocess.Popen(command, env=environment)
        # Start-up is most of such a short run: wait for its first new line, then a moment more.
        logs = list(tmp_path.glob("*/*/metrics.jsonl"))
        size = logs[0].stat().st_size if logs else 0
        while process.poll() is None:
            logs = list(tmp_path.glob("*/*/metrics.jsonl"))
            if kills < 3 and logs and logs[0].stat().st_size > size:
                time.sleep(generator.random() * 0.2)
                process.send_signal(signal.SIGKILL)
                kills += process.wait() == -signal.SIGKILL
            time.sleep(0.002)
        if process.returncode == 0:
            break
    assert process.returncode == 0
    assert kills > 0
    assert_same_run(undisturbed, killed_training.run(str(tmp_path)))


def interrupt(root, at):
    """Run `killed_training`'s config and stop before step ``at``, as Ctrl-C does."""
    count = 0

    @contextmanager
    def stopping(label, unit="steps"):
        def advance(done, total):
            nonlocal count
            count += unit == "steps"
            if count == at:
                count += 1
                raise KeyboardInterrupt

        yield advance

    with pytest.raises(KeyboardInterrupt):
        killed_training.run(str(root), progress=stopping)


@pytest.mark.parametrize("at", [1, 2, 3, 26, 27, 50])
def test_a_run_interrupted_between_steps_ends_with_the_same_bits(undisturbed, tmp_path, at):
    interrupt(tmp_path, at)
    again = killed_training.run(str(tmp_path))
    assert_same_run(undisturbed, again)
    assert again.manifest.warnings == undisturbed.manifest.warnings


def test_a_run_continued_with_other_threads_says_so(tmp_path):
    interrupt(tmp_path, 26)
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    try:
        run = killed_training.run(str(tmp_path))
    finally:
        torch.set_num_threads(threads)
    (warning,) = run.manifest.warnings
    assert warning.startswith(f"Begun with {threads} threads and continued with {threads + 1}")


def test_ctrl_c_waits_for_the_end_of_the_step(source, tmp_path):
    @contextmanager
    def pressing(label, unit="steps"):
        def advance(done, total):
            if done == 3:
                signal.raise_signal(signal.SIGINT)

        yield advance

    before = signal.getsignal(signal.SIGINT)  # a shell without a terminal may have it ignored
    config = TrainRunConfig(source, SMALL, TrainConfig(batch_size=16, checkpoint_every=1000))
    with pytest.raises(KeyboardInterrupt):
        perform(config, RunStore(tmp_path), progress=pressing)
    (checkpoint,) = tmp_path.glob("*/*/checkpoints/*.json")
    assert json.loads(checkpoint.read_text())["step"] == 3
    assert signal.getsignal(signal.SIGINT) is before


def test_schemes_start_from_the_same_weights_and_see_the_same_images(undisturbed):
    steps = [m for m in undisturbed.metrics() if m["step"] == 1 and "loss" in m]
    assert [m["scheme"] for m in steps] == ["constant", "annealed", "special"]
    assert len({m["loss"] for m in steps}) == 1
    results = undisturbed.results()
    assert [row["scheme"] for row in results["rows"]] == ["constant", "annealed", "special"]
    assert (results["n_train"], results["n_validation"], results["n_test"]) == (100, 20, 40)


def test_a_scheme_that_diverges_is_said_and_the_others_go_on(source, tmp_path):
    # As a factor a step, ten leaves the finite numbers; as a constant rate it is bearable.
    training = TrainConfig(batch_size=16, epochs=6, rate=10.0)
    config = CompareConfig(source, SMALL, training, schemes=("annealed", "constant"))
    run = perform(config, RunStore(tmp_path))
    results = run.results()
    assert [row["scheme"] for row in results["rows"]] == ["constant"]
    assert "annealed" in run.manifest.warnings[-1]
    assert "Lower the learning rate" in run.manifest.warnings[-1]
    assert draw_run(run)
    with pytest.raises(DivergenceError, match="every scheme diverged"):
        perform(dataclasses.replace(config, schemes=("annealed",)), RunStore(tmp_path))


def test_a_network_whose_test_outputs_are_not_finite_has_diverged(source, tmp_path, monkeypatch):
    asked = []

    def overflow_first(*args, **kwargs):
        asked.append(1)
        logits = predict_logits(*args, **kwargs)
        return logits * float("inf") if len(asked) == 1 else logits

    monkeypatch.setattr("pitfalls.experiments.image_cells.predict_logits", overflow_first)
    config = CompareConfig(
        source, SMALL, TrainConfig(batch_size=100), schemes=("annealed", "constant")
    )
    run = perform(config, RunStore(tmp_path))
    assert [row["scheme"] for row in run.results()["rows"]] == ["constant"]
    assert "outputs on the test images are not finite" in run.manifest.warnings[-1]


def test_a_trained_run_learns_and_says_what_it_was(trained):
    results = trained.results()
    assert results["test_accuracy"] > 0.25
    assert results["data"] == "digits"
    assert results["steps"] == 30
    metrics = trained.metrics()
    assert sum("loss" in m for m in metrics) == 30
    assert not any("seconds" in key for m in metrics for key in m)


def test_the_loaded_network_gives_the_logits_of_the_run(trained, source):
    data = source.load()
    network = load_trained(trained)
    assert network.kept.class_names == data.class_names
    assert network.kept.source == source
    logits = predict_logits(network.network, data.test_images, network.kept.mean, network.kept.std)
    np.testing.assert_array_equal(logits.numpy(), trained.arrays("test-0")["logits"])
    shares = network.predict(data.test_images)
    assert shares.argmax(1).tolist() == logits.argmax(1).tolist()


def test_the_fast_recipe_reports_every_seed(fast):
    results = fast.results()
    assert results["n"] == 2
    assert [row["seed"] for row in results["rows"]] == [0, 1]
    assert results["mean_accuracy"] == pytest.approx(
        np.mean([row["test_accuracy"] for row in results["rows"]])
    )
    assert results["rows"][0]["test_accuracy"] != results["rows"][1]["test_accuracy"]


@pytest.mark.parametrize("name", ["trained", "undisturbed", "fast"])
def test_figures_are_drawn_with_their_words(name, request):
    run = request.getfixturevalue(name)
    paths = draw_run(run)
    assert len(paths) == len(figure_names(run.manifest.experiment)) > 0
    for path in paths:
        assert path.stat().st_size > 1000
        words = json.loads(path.with_suffix(".json").read_text())
        assert "digits" in words["alt"]


def test_other_pictures_are_another_run_and_the_same_at_another_place_are_not(source, tmp_path):
    elsewhere = dataclasses.replace(source.config, data="elsewhere")
    again = dataclasses.replace(source, config=elsewhere)
    from pitfalls.runs.config import config_hash

    one, two = TrainRunConfig(source), TrainRunConfig(again)
    assert config_hash(one) == config_hash(two)
    other = find_images(DataConfig("digits", subset_train=201, subset_val=60, validation=40))
    assert config_hash(TrainRunConfig(other)) != config_hash(one)


def test_changed_pictures_are_refused(source):
    with pytest.raises(DataError, match="not those this run was asked for"):
        dataclasses.replace(source, fingerprint="0" * 64).load()


def test_a_run_without_such_a_network_is_refused(trained):
    with pytest.raises(InputError, match="number 3"):
        load_trained(trained, member=3)


def test_weights_that_other_code_trained_are_not_looked_at(trained, store):
    older = store.find(trained.path)
    older.manifest.code = "0" * 12
    with pytest.raises(RunError, match=r"other code than the present .* Train it anew"):
        load_trained(older)


def test_a_network_that_a_run_folder_names_is_never_code(trained, tmp_path):
    shutil.copytree(trained.path, tmp_path / "images-train" / trained.path.name)
    forged = RunStore(tmp_path).find("images-train")
    name = "results/KeptNetwork.0.json"
    rewrite(forged, name, forged.read_file(name).replace(b"fastnet", b"os:system"))
    with pytest.raises(RunError, match="os:system"):
        load_trained(RunStore(tmp_path).find("images-train"))


@pytest.mark.cifar10
def test_the_fast_recipe_learns_cifar10_from_a_few_images(cifar10_path, tmp_path):
    source = find_images(DataConfig(str(cifar10_path), subset_train=1500, subset_val=500))
    config = fast_config(source, 90, seeds=(0,))
    training = dataclasses.replace(config.training, epochs=3, image_sizes=(12, 16, 20))
    run = perform(dataclasses.replace(config, training=training), RunStore(tmp_path))
    assert run.results()["data"] == "CIFAR-10"
    assert run.results()["mean_accuracy"] > 0.25
