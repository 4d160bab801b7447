"""A network that leaves its run predicts what it predicted there, from bytes to probabilities."""

import json
from functools import cache

import numpy as np
import pytest
import torch
from safetensors import safe_open

from pitfalls.cli import main
from pitfalls.errors import InputError, RunError
from pitfalls.experiments import image_export
from pitfalls.experiments.image_export import export_network
from pitfalls.experiments.image_source import find_images
from pitfalls.experiments.image_trained import load_trained
from pitfalls.images import DataConfig
from pitfalls.runs import RunStore
from tests.experiments.image_evaluate.made import keep_some

FORMS = ("onnx", "torch", "safetensors")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    store = RunStore(tmp_path_factory.mktemp("runs"))
    source = find_images(DataConfig("digits", subset_train=200, subset_val=120, validation=40))
    return keep_some(store, source, n=2)


@pytest.fixture(scope="module")
def exported(trained, tmp_path_factory):
    """The second network as a file of each form, which takes seconds: written when first asked for."""
    folder = tmp_path_factory.mktemp("exported")
    return cache(lambda to: export_network(trained, to, folder, member=1))


@pytest.mark.parametrize("to", FORMS)
def test_the_file_predicts_what_the_run_predicts_on_a_hundred_pictures(to, trained, exported):
    made = exported(to)
    assert (made.n, made.pictures) == (100, "100 test images of digits")
    assert made.difference < 1e-5
    assert made.path.is_file()
    with pytest.raises(InputError, match="exists"):
        export_network(trained, to, made.path.parent, member=1)


@pytest.mark.filterwarnings("ignore")
def test_an_onnx_file_takes_any_number_of_pictures_as_bytes_and_names_the_classes(
    trained, exported
):
    import onnxruntime

    path = exported("onnx").path
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    network = load_trained(trained, 1)
    images = network.kept.source.load().test_images
    for n in (1, 7):
        (found,) = session.run(["probabilities"], {"images": images[:n]})
        np.testing.assert_allclose(found, network.predict(images[:n]), atol=1e-5)
    facts = session.get_modelmeta().custom_metadata_map
    assert json.loads(facts["class_names"]) == list(network.kept.class_names)
    assert json.loads(facts["temperature"]) == network.kept.temperature != 1


@pytest.mark.filterwarnings("ignore")
def test_a_torch_program_needs_none_of_our_code_to_be_loaded(trained, exported):
    path = exported("torch").path
    extra = {"facts.json": ""}
    program = torch.export.load(path, extra_files=extra).module()
    images = np.random.default_rng(0).integers(0, 256, (3, 1, 8, 8), dtype=np.uint8)
    expected = load_trained(trained, 1).predict(images)
    np.testing.assert_allclose(program(torch.tensor(images)).detach(), expected, atol=1e-5)
    assert "class_names" in json.loads(extra["facts.json"])


def test_safetensors_hold_the_weights_and_the_preprocessing(trained, tmp_path):
    path = export_network(trained, "safetensors", tmp_path).path
    kept = load_trained(trained).kept
    with safe_open(path, framework="pt") as file:
        assert set(file.keys()) == set(load_trained(trained).network.state_dict())
        facts = file.metadata()
    assert tuple(json.loads(facts["mean"])) == kept.mean
    assert tuple(json.loads(facts["std"])) == kept.std


def test_a_file_that_predicts_otherwise_is_removed(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(image_export, "AGREE", -1.0)
    with pytest.raises(RunError, match="differ from the run's"):
        export_network(trained, "safetensors", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_where_its_data_are_gone_noise_is_compared_and_that_is_said(tmp_path, monkeypatch):
    from pitfalls.experiments import image_source

    images = np.random.default_rng(0).integers(0, 256, (60, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "some.npz", images=images, labels=np.arange(60) % 3)
    run = keep_some(
        RunStore(tmp_path / "runs"), find_images(DataConfig(str(tmp_path / "some.npz")))
    )
    (tmp_path / "some.npz").unlink()
    image_source._loaded.clear()
    made = export_network(run, "safetensors", tmp_path / "out")
    assert "noise" in made.pictures
    assert made.difference < 1e-5


def test_runs_export_writes_networks(trained, tmp_path, capsys):
    runs = ["--runs", str(trained.path.parents[1]), "runs", "export", trained.id]
    line = [*runs, "--folder", str(tmp_path / "out"), "--member", "1", "--to"]
    assert main([*line, "safetensors"]) == 0
    assert "100 test images of digits" in capsys.readouterr().out
    assert [f.name for f in (tmp_path / "out").iterdir()] == [f"{trained.path.name}-1.safetensors"]
    assert main([*line, "csv"]) == 2
    assert "--member goes with" in capsys.readouterr().err
