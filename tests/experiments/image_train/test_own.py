"""A network of one's own from training to prediction, earlier weights to start from, and a tracker."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from pitfalls.cli import main
from pitfalls.errors import DataError, InputError, RunError
from pitfalls.experiments.image_architectures import EXPERIMENT as ARCHITECTURES
from pitfalls.experiments.image_architectures import ArchitecturesConfig
from pitfalls.experiments.image_compare import EXPERIMENT as COMPARISON
from pitfalls.experiments.image_compare import CompareConfig
from pitfalls.experiments.image_export import export_network
from pitfalls.experiments.image_networks import NetworkConfig
from pitfalls.experiments.image_source import find_images
from pitfalls.experiments.image_start import Start, StartOptions, start_from
from pitfalls.experiments.image_train import EXPERIMENT, TrainRunConfig
from pitfalls.experiments.image_trained import KeptNetwork, load_trained, weights_digest
from pitfalls.experiments.image_workers import Workers
from pitfalls.frame import session
from pitfalls.frame.experiment import run_experiment
from pitfalls.images import DataConfig
from pitfalls.images.training.config import TrainConfig
from pitfalls.named import named_digest
from pitfalls.runs import Run, RunStore, config_hash
from tests.kinds import of_kind

NET = """
from torch import nn
from layers import hidden

def Net(width=4, *, n_classes, in_channels):
    return nn.Sequential(nn.Flatten(), *hidden(width), nn.LazyLinear(n_classes))

def tell(step, values):
    with open(__file__ + ".log", "a") as log:
        print(step, sorted(values), file=log)
"""
LAYERS = """
from torch import nn

def hidden(width):
    return nn.LazyLinear(width), nn.ReLU()
"""


@pytest.fixture(scope="module", autouse=True)
def settings_are_put_back():
    kept = session._settings, session._tokens
    yield
    session._settings, session._tokens = kept


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    (folder / "net.py").write_text(NET)
    (folder / "layers.py").write_text(LAYERS)
    return folder


@pytest.fixture(scope="module")
def line(project):
    """Return the words of a command on the digits with the project's network."""
    data = ["--data", "digits", "--subset-train", "120", "--subset-val", "40"]
    own = ["--model", f"{project / 'net.py'}:Net", "--model-args", "width=6"]
    runs = ["--runs", str(project / "runs")]
    brief = ["--batch-size", "20", "--flip", "none"]
    return lambda command, *more: [*runs, "images", command, *data, *own, *brief, *more]


@pytest.fixture(scope="module")
def trained(project, line):
    track = ["--track", f"{project / 'net.py'}:tell"]
    assert main([*line("train"), *track]) == 0
    return RunStore(project / "runs").find("images-train/")


def test_a_network_of_ones_own_is_trained_with_its_arguments_and_told_to_a_tracker(
    trained, project
):
    result = trained.load(EXPERIMENT.result)
    assert result.network.title == "Net"
    network = of_kind(nn.Sequential, load_trained(trained, model=result.network.model).network)
    assert of_kind(nn.Linear, network[1]).out_features == 6
    told = (project / "net.py.log").read_text().splitlines()
    assert told[0] == "1 ['accuracy', 'loss', 'rate']"
    assert told[-1] == f"{result.trained.n_steps} ['test_accuracy', 'test_loss']"


def test_the_other_commands_take_it_too(line, capsys):
    assert main([*line("lr-find"), "--steps", "4"]) == 0
    assert main([*line("compare"), "--schemes", "constant", "cosine"]) == 0
    assert "cosine" in capsys.readouterr().out


def test_what_a_run_folder_names_is_run_only_if_it_is_named_again(trained, project, capsys):
    own = ["--model", f"{project / 'net.py'}:Net"]
    runs = ["--runs", str(project / "runs"), "images"]
    assert main([*runs, "evaluate", trained.id]) == 2 or "--model" in capsys.readouterr().err
    assert main([*runs, "evaluate", trained.id, *own]) == 0
    capsys.readouterr()
    assert main([*runs, "evaluate", trained.id]) == 1  # nor is its evaluation shown again
    assert "Name it again, which runs its code: --model" in capsys.readouterr().err
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(project / "black.png")
    assert main([*runs, "predict", str(project / "black.png"), "--run", trained.id, *own]) == 0
    with pytest.raises(RunError, match="Name it again, which runs its code"):
        load_trained(trained)


def test_an_edit_in_a_file_that_is_imported_is_another_run_and_refuses_the_old_weights(
    trained, project, capsys
):
    runs = ["--runs", str(project / "runs"), "images", "evaluate", trained.id]
    assert main([*runs, "--model", f"{project / 'net.py'}:Net"]) == 0  # which is not shown again
    source = find_images(DataConfig("digits", subset_train=120, subset_val=40))
    name = f"{project / 'net.py'}:Net"
    config = TrainRunConfig(source, NetworkConfig(name))
    before = config_hash(config)
    (project / "layers.py").write_text(LAYERS.replace("ReLU", "Tanh"))
    try:
        assert config_hash(replace(config)) != before
        with pytest.raises(RunError, match="is not the code that it has trained"):
            load_trained(trained, model=name)
        assert main([*runs, "--model", name]) == 1
        assert "is not the code that it has trained" in capsys.readouterr().err
    finally:
        (project / "layers.py").write_text(LAYERS)
    assert config_hash(replace(config)) == before


def test_a_training_starts_from_earlier_weights_but_for_a_layer_of_another_shape(tmp_path):
    source = find_images(DataConfig("digits", subset_train=120, subset_val=40))
    linear, still = NetworkConfig("linear"), TrainConfig(batch_size=20, flip="none")
    store = RunStore(tmp_path)
    first = run_experiment(EXPERIMENT, TrainRunConfig(source, linear, still), store)
    start = Start(weights_digest(first.run), str(first.run.path))
    again = TrainRunConfig(source, linear, still, start=start)
    assert config_hash(again) != config_hash(TrainRunConfig(source, linear, still))
    second = run_experiment(EXPERIMENT, again, store)
    assert second.result.trained.loss[0] < first.result.trained.loss[0]
    from torch import nn

    other = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    with pytest.raises(InputError, match="none of the weights"):
        start_from(start, other)
    deeper = nn.Sequential(nn.Flatten(), nn.Linear(64, 10), nn.Linear(10, 3))
    assert start_from(start, deeper) == ("2.weight", "2.bias")
    changed = replace(start, weights_sha256="0" * 64)
    with pytest.raises(InputError, match="trained anew since"):
        start_from(changed, deeper)


TIED = """
from torch import nn

class Net(nn.Module):
    def __init__(self, n_classes):
        super().__init__()
        self.first, self.second = nn.Linear(64, 64), nn.Linear(64, 64)
        self.second.weight = self.first.weight
        self.last = nn.Linear(64, n_classes)

    def forward(self, x):
        return self.last(self.second(self.first(x.flatten(1)).relu()).relu())
"""


def test_a_network_whose_layers_share_weights_is_kept_and_exported(tmp_path, capsys):
    (tmp_path / "tied.py").write_text(TIED)
    own = ["--model", f"{tmp_path / 'tied.py'}:Net"]
    runs = ["--runs", str(tmp_path / "runs")]
    small = ["--data", "digits", "--subset-train", "100", "--subset-val", "40", "--flip", "none"]
    assert main([*runs, "images", "train", *small, *own]) == 0
    run = RunStore(tmp_path / "runs").find("images-train/")
    weights = load_trained(run, model=own[1]).network.state_dict()
    assert torch.equal(weights["first.weight"], weights["second.weight"])
    folder = ["--folder", str(tmp_path / "out")]
    assert main([*runs, "runs", "export", run.id, "--to", "safetensors", *folder, *own]) == 0


def test_of_more_outputs_than_classes_the_first_count_everywhere(tmp_path, capsys):
    (tmp_path / "wide.py").write_text(
        "from torch import nn\n\n\ndef Wide():\n    return nn.Sequential(nn.Flatten(), nn.Linear(64, 14))\n"
    )
    own = ["--model", f"{tmp_path / 'wide.py'}:Wide"]
    runs = ["--runs", str(tmp_path / "runs"), "images"]
    # so short and slow a training that the other outputs would be answers as often as any
    brief = ["--data", "digits", "--subset-train", "120", "--epochs", "1", "--rate", "1e-6"]
    assert main([*runs, "train", *brief, "--scheme", "constant", "--flip", "none", *own]) == 0
    run = RunStore(tmp_path / "runs").find("images-train/")
    logits = run.arrays("test-0")["logits"]
    assert logits.shape[1] == 10
    result = run.load(EXPERIMENT.result).trained
    labels = run.arrays("test-0")["labels"]
    assert result.test_accuracy == pytest.approx((logits.argmax(1) == labels).mean())
    assert main([*runs, "evaluate", run.id, *own]) == 0
    assert f"accuracy {100 * result.test_accuracy:.2f} %" in capsys.readouterr().out
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "black.png")
    to = tmp_path / "out.json"
    line = [*runs, "predict", str(tmp_path / "black.png"), "--run", run.id, *own, "--to", str(to)]
    assert main(line) == 0
    (found,) = json.loads(to.read_text())
    assert list(found["probabilities"]) == [str(k) for k in range(10)]
    assert sum(found["probabilities"].values()) == pytest.approx(1)
    kept = load_trained(run, model=own[1])
    exported = export_network(run, "torch", tmp_path, model=own[1])
    program = torch.export.load(exported.path).module()
    image = np.zeros((1, 1, 8, 8), np.uint8)
    np.testing.assert_allclose(
        program(torch.from_numpy(image)).detach().numpy(), kept.predict(image), atol=1e-6
    )


WIDER = "LazyLinear(n_classes), nn.LazyLinear(n_classes)"


@pytest.mark.parametrize("backend", ["here", "loky"])
def test_code_that_is_edited_while_a_comparison_runs_trains_no_part_of_it(
    tmp_path, monkeypatch, backend
):
    """Neither may later trainings be of other code, nor weights count as those of the edited file."""
    net = tmp_path / "net.py"
    whole = "from torch import nn\n\ndef Net(n_classes):\n    return nn.Sequential(nn.Flatten(), nn.X)\n"
    net.write_text(whole.replace("X", "LazyLinear(n_classes)"))
    own = f"{net}:Net"
    config = CompareConfig(
        find_images(DataConfig("digits", subset_train=100, subset_val=40)),
        network=NetworkConfig(own),
        training=TrainConfig(epochs=1, flip="none", batch_size=50),
        schemes=("constant", "one_cycle"),
        workers=Workers(backend=backend, n_jobs=None if backend == "here" else 1),
    )
    store = RunStore(tmp_path / "runs")
    saved = Run.save_arrays

    def edit(run, name, **arrays):
        net.write_text(whole.replace("X", WIDER))
        saved(run, name, **arrays)

    monkeypatch.setattr(Run, "save_arrays", edit)  # when the first training has been tested
    with pytest.raises(DataError, match="the code was edited"):
        run_experiment(COMPARISON, config, store)
    monkeypatch.undo()
    (run,) = store.list()
    assert run.load(KeptNetwork, part="0").code != named_digest(own)
    net.write_text(whole.replace("X", "LazyLinear(n_classes)"))
    done = run_experiment(COMPARISON, config, store).run
    assert done.id == run.id
    for member in (0, 1):
        assert len(of_kind(nn.Sequential, load_trained(done, member, own).network)) == 2


def test_networks_are_counted_as_they_were_trained(tmp_path, monkeypatch):
    net = tmp_path / "net.py"
    whole = "from torch import nn\n\ndef Net(n_classes):\n    return nn.Sequential(nn.Flatten(), nn.X)\n"
    net.write_text(whole.replace("X", "LazyLinear(n_classes)"))
    config = ArchitecturesConfig(
        find_images(DataConfig("digits", subset_train=100, subset_val=40)),
        networks=(f"{net}:Net",),
        training=TrainConfig(epochs=1, flip="none", batch_size=50),
    )
    saved = Run.save_arrays

    def edit(run, name, **arrays):
        net.write_text(whole.replace("X", WIDER))
        saved(run, name, **arrays)

    monkeypatch.setattr(Run, "save_arrays", edit)
    found = run_experiment(ARCHITECTURES, config, RunStore(tmp_path / "runs")).result
    assert found.candidates[0].n_parameters == 64 * 10 + 10


def test_a_number_of_a_run_s_training_without_that_run_is_refused():
    with pytest.raises(InputError, match="give --start-from as well"):
        StartOptions(start_member=3)
