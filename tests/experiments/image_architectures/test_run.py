"""Networks on the same data and schedule, one after another and side by side."""

import os
import signal
from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch
from torch import nn

from pitfalls.errors import InputError, RunError
from pitfalls.experiments import image_side_by_side
from pitfalls.experiments.image_architectures import EXPERIMENT, ArchitecturesConfig
from pitfalls.experiments.image_architectures.run import convolves
from pitfalls.experiments.image_networks import NETWORKS, NetworkConfig, empty_network
from pitfalls.experiments.image_source import find_images
from pitfalls.experiments.image_trained import load_trained
from pitfalls.experiments.image_workers import Workers
from pitfalls.frame import Homework
from pitfalls.frame.experiment import run_experiment
from pitfalls.images import DataConfig, load_dataset, train
from pitfalls.images.networks import PatchTransformer
from pitfalls.images.training.config import TrainConfig
from pitfalls.runs import RunStore
from pitfalls.runs.export import _scalars
from tests.clusters.killed_submitit import kill_first_job
from tests.experiments.interruption import assert_equal

NAMES = ("fastnet", "linear", "mlp")
TRAINING = TrainConfig(
    epochs=4, batch_size=20, scheme="one_cycle", rate=0.01, optimizer="adamw", flip="none"
)


@pytest.fixture(scope="module")
def config():
    source = find_images(DataConfig("digits", subset_train=200, subset_val=60))
    return ArchitecturesConfig(source, NAMES, NetworkConfig(widths=(8, 8, 8)), TRAINING)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """As on workers: where trainings run changes nothing at the same number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def compared(config, one_thread, tmp_path_factory):
    return run_experiment(EXPERIMENT, config, RunStore(tmp_path_factory.mktemp("runs")))


def test_each_network_learns_the_digits_and_says_how_large_it_is(compared):
    result = compared.result
    assert [row.candidate.model for row in result.rows] == list(NAMES)
    assert result.guessing == ()
    linear = result.row("linear").candidate
    assert (linear.n_parameters, linear.convolves) == (650, False)
    assert [c.convolves for c in result.candidates] == [True, False, False]
    # the same order of images: the first batch is the same, whatever the network
    assert {t.n_steps for t in result.trainings} == {40}


def test_every_network_can_be_loaded_again(compared, config):
    data = config.source.load()
    for k, training in enumerate(compared.result.trainings):
        shares = load_trained(compared.run, k).predict(data.test_images)
        assert (shares.argmax(1) == data.test_labels).mean() == pytest.approx(
            training.test_accuracy
        )


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32), (3, 7, 10)])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_built_in_network_takes_every_shape(name, shape):
    network = empty_network(NetworkConfig(name, (4, 4, 4)), 5, shape).eval()
    logits = network(torch.zeros(2, *shape))
    assert logits.shape == (2, 5)
    assert convolves(network) == (name in ("resnet18", "fastnet"))


def test_a_small_patch_transformer_learns_the_digits():
    torch.manual_seed(0)
    data = load_dataset(DataConfig("digits", subset_train=200))
    network = PatchTransformer(10, (1, 8, 8), patch=2, width=16, depth=1)
    config = replace(TRAINING, epochs=12, crop_padding=0)
    epochs = train(network, data, config).epochs
    assert epochs[-1].train_loss < 0.8 * epochs[0].train_loss


def test_patches_side_by_side_are_no_convolution():
    assert not convolves(nn.Conv2d(3, 8, 4, stride=4))
    assert not convolves(nn.Conv2d(3, 8, 1))
    assert convolves(nn.Sequential(nn.Conv2d(3, 8, 3)))


def assert_same_run(one, other):
    assert one.run.id == other.run.id  # where it runs is no part of what it is
    assert one.run.metrics() == other.run.metrics()
    for a, b in zip(one.result.trainings, other.result.trainings, strict=True):
        assert_equal(a, b)


def test_trainings_that_arrive_in_another_order_are_kept_as_those_of_one_process(
    config, compared, tmp_path, monkeypatch
):
    def backwards(function, arguments, *, on_result, **told):
        assert told["backend"] == "dask"
        torch.set_num_threads(2)  # a worker takes one, whatever it has
        for place in reversed(range(len(arguments))):
            on_result(place, function(*arguments[place]))
        assert torch.get_num_threads() == 2
        torch.set_num_threads(1)

    monkeypatch.setattr("pitfalls.experiments.image_side_by_side.run_jobs", backwards)
    beside = replace(config, workers=Workers("dask"))
    assert_same_run(run_experiment(EXPERIMENT, beside, RunStore(tmp_path)), compared)


def test_an_interrupted_comparison_on_workers_trains_only_what_is_not_kept(
    config, compared, tmp_path, monkeypatch
):
    begun = []

    def stopping(function, arguments, *, on_result, **told):
        for place, given in enumerate(arguments):
            begun.append(given[0].network.model)
            on_result(place, function(*given))
            if len(begun) == 2:
                raise KeyboardInterrupt

    monkeypatch.setattr("pitfalls.experiments.image_side_by_side.run_jobs", stopping)
    beside = replace(config, workers=Workers("ray"))
    with pytest.raises(KeyboardInterrupt):
        run_experiment(EXPERIMENT, beside, RunStore(tmp_path))
    assert_same_run(run_experiment(EXPERIMENT, beside, RunStore(tmp_path)), compared)
    assert begun == list(NAMES)


def test_a_killed_worker_loses_no_training(config, compared, tmp_path, monkeypatch):
    from joblib.externals.loky import get_reusable_executor

    killed: list[int] = []
    keep = image_side_by_side._keep_outcome

    def kill_once(*arguments, **keywords):
        keep(*arguments, **keywords)
        if not killed:
            killed.extend(get_reusable_executor(reuse=True)._processes)
            os.kill(killed[0], signal.SIGKILL)

    monkeypatch.setattr(image_side_by_side, "_keep_outcome", kill_once)
    workers = Workers("loky", n_jobs=2)
    small = replace(config, networks=("linear", "mlp"), network=NetworkConfig(), workers=workers)
    finished = run_experiment(EXPERIMENT, small, RunStore(tmp_path))
    assert killed
    for name in ("linear", "mlp"):
        (one,), (other,) = finished.result.of(name), compared.result.of(name)
        assert_equal(one, other)


@pytest.mark.filterwarnings("ignore")
def test_a_killed_job_under_submitit_loses_no_training(config, compared, tmp_path, monkeypatch):
    killed = kill_first_job(monkeypatch, tmp_path)
    workers = Workers("submitit", "local", n_jobs=1)
    finished = run_experiment(
        EXPERIMENT,
        replace(config, networks=("mlp",), network=NetworkConfig(), workers=workers),
        RunStore(tmp_path),
    )
    assert killed
    (one,), (other,) = finished.result.of("mlp"), compared.result.of("mlp")
    assert_equal(one, other)


def test_a_run_begun_one_after_another_is_not_gone_on_with_side_by_side(config, tmp_path):
    @contextmanager
    def stopping(label, unit="steps"):
        def advance(done, total):
            if done == 2:
                raise KeyboardInterrupt

        yield advance

    with pytest.raises(KeyboardInterrupt):
        run_experiment(EXPERIMENT, config, RunStore(tmp_path), progress=stopping)
    with pytest.raises(RunError, match="begun one training after another"):
        run_experiment(EXPERIMENT, replace(config, workers=Workers("loky")), RunStore(tmp_path))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"networks": ()}, "at least one"),
        ({"networks": ("mlp", "mlp")}, "each named once"),
        ({"networks": ("lenet",)}, "model must be resnet18"),
        ({"n_seeds": 0}, "n_seeds"),
    ],
)
def test_what_cannot_be_compared_is_refused(config, wrong, says):
    with pytest.raises(InputError, match=says):
        replace(config, **wrong)


@pytest.mark.parametrize(("scale", "first"), [("quick", "fastnet"), ("full", "resnet18")])
def test_the_homework_asks_what_a_convolution_buys(scale, first):
    (config,) = EXPERIMENT.homework(Homework(scale, "digits", seed=7))
    assert config.networks[0] == first
    assert set(config.networks) >= {"fastnet", "mlp", "linear"}
    assert config.training.seed == 7


def test_networks_of_the_same_name_from_two_files_are_told_apart(config, tmp_path):
    pytest.importorskip("tensorboard", reason="needs the extra 'tracking'")
    names = []
    for file, name in (("a", "Net"), ("b", "Net"), ("c", "Other")):
        (tmp_path / f"{file}.py").write_text(
            f"from torch import nn\n\n\nclass {name}(nn.Sequential):\n"
            "    def __init__(self, n_classes):\n"
            "        super().__init__(nn.Flatten(), nn.Linear(64, n_classes))\n"
        )
        names.append(f"{tmp_path / file}.py:{name}")
    asked = replace(
        config, networks=("linear", *names), network=NetworkConfig(), track="tensorboard",
        training=replace(TRAINING, epochs=1),
    )  # fmt: skip
    found = run_experiment(EXPERIMENT, asked, RunStore(tmp_path / "runs"))
    titles = [one.title for one in found.result.candidates]
    assert titles == ["linear network", names[0], names[1], "Other"]
    folders = {path.parent for path in (tmp_path / "runs" / "tracking").rglob("events.*")}
    assert len(folders) == 4
    series = {name.rpartition("/")[0] for name, *_ in _scalars(found.run)}
    assert len([one for one in series if one.startswith("network ")]) == 4
