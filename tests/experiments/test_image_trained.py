"""A trained network in the folder of its run."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load, save
from torch import nn

from pitfalls.errors import DataError, InputError, RunError
from pitfalls.experiments.image_networks import NetworkConfig
from pitfalls.experiments.image_source import find_images
from pitfalls.experiments.image_train import EXPERIMENT, TrainRunConfig
from pitfalls.experiments.image_trained import fit_kept_temperature, load_trained
from pitfalls.frame.experiment import run_experiment
from pitfalls.images import DataConfig
from pitfalls.images.training.config import TrainConfig
from pitfalls.images.training.evaluation import predict_logits
from pitfalls.runs import RunStore
from tests.runs.forged import rewrite

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
        reduction="sum",
        flip="none",
    )
    return run_experiment(EXPERIMENT, TrainRunConfig(source, SMALL, training), store).run


def test_the_loaded_network_gives_the_logits_of_the_run(trained, source):
    data = source.load()
    network = load_trained(trained)
    assert network.kept.class_names == data.class_names
    assert network.kept.source == source
    logits = predict_logits(network.network, data.test_images, network.kept.mean, network.kept.std)
    np.testing.assert_array_equal(logits.numpy(), trained.arrays("test-0")["logits"])
    shares = network.predict(data.test_images)
    assert shares.argmax(1).tolist() == logits.argmax(1).tolist()


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


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("widths", [60_000, 60_000, 60_000]),  # 0.4 TB of weights
        ("widths", [10**12, 10**12, 10**12]),
        ("mean", [0.5]),
        ("std", [{"$float": "inf"}]),
        ("shape", [3, 8, 8]),
        ("shape", [1, 0, 8]),
        ("class_names", []),
        ("class_names", ["a", "b", "c"]),
    ],
)
def test_a_network_that_its_weights_do_not_fit_is_refused_in_one_line_and_takes_no_memory(
    trained, tmp_path, field, value
):
    shutil.copytree(trained.path, tmp_path / "images-train" / trained.path.name)
    forged = RunStore(tmp_path).find("images-train")
    name = "results/KeptNetwork.0.json"
    content = json.loads(forged.read_file(name))
    kept = content["value"]
    if field == "mean":
        value = value * (len(kept["mean"]) + 1)
    (kept["network"] if field == "widths" else kept)[field] = value
    rewrite(forged, name, json.dumps(content).encode())
    with pytest.raises(RunError, match=rf"^run {forged.id}: ") as caught:
        load_trained(RunStore(tmp_path).find("images-train"))
    assert "\n" not in str(caught.value)


def test_weights_of_another_type_are_refused(trained, tmp_path):
    shutil.copytree(trained.path, tmp_path / "images-train" / trained.path.name)
    forged = RunStore(tmp_path).find("images-train")
    name = "weights-0.safetensors"
    halves = {key: value.half() for key, value in load(forged.read_file(name)).items()}
    rewrite(forged, name, save(halves))
    with pytest.raises(RunError, match="its weights fit no such network"):
        load_trained(RunStore(tmp_path).find("images-train"))


@pytest.mark.parametrize(("wrong", "calibrated"), [(0, False), (4, True)])
def test_a_network_that_is_right_everywhere_is_not_called_calibrated(source, wrong, calibrated):
    data = source.load()
    labels = torch.from_numpy(data.validation_labels)
    given = torch.where(torch.arange(len(labels)) < wrong, (labels + 1) % 10, labels)

    class Told(nn.Module):
        def forward(self, x):
            return 3.0 * nn.functional.one_hot(given[: len(x)], 10).float()

    found = fit_kept_temperature(Told(), data)
    assert (found is not None) == calibrated
    if found is not None:  # of the 40 images 36 are right: softmax(3 / T) is to be their share
        assert np.exp(3 / found) / (np.exp(3 / found) + 9) == pytest.approx(0.9)
