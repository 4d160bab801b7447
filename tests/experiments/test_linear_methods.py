"""Embeddings, least squares and diagrams in run folders, and their figures."""

import json
import sys
from io import BytesIO
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from pitfalls.errors import InputError
from pitfalls.experiments import perform
from pitfalls.experiments.image_source import find_images
from pitfalls.experiments.linear_methods import (
    DiagramConfig,
    EmbedConfig,
    RegressConfig,
    homework_runs,
)
from pitfalls.experiments.named_networks import build_model, describe_model
from pitfalls.images import CCA, PCA, DataConfig, LeastSquaresClassifier
from pitfalls.report.figures import draw_run, figure_names
from pitfalls.runs import RunStore


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return RunStore(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def embedded(store):
    return perform(EmbedConfig(find_images(DataConfig("digits")), thumbnails=100), store)


@pytest.fixture(scope="module")
def regressed(store):
    return perform(RegressConfig(find_images(DataConfig("digits", validation=0.1))), store)


@pytest.fixture(scope="module")
def drawn(store):
    return perform(DiagramConfig(), store)


def flat(data, part):
    return data.normalized(part).reshape(len(data.labels(part)), -1).astype(float)


def test_embedding_holds_the_scores_of_both_methods_for_every_image(embedded):
    data = find_images(DataConfig("digits")).load()
    arrays = embedded.arrays("embedding")
    rows = np.concatenate([flat(data, "train"), flat(data, "test")])
    pca = PCA(2).fit(flat(data, "train"))
    cca = CCA(2).fit(flat(data, "train"), data.train_labels)
    np.testing.assert_allclose(arrays["pca"], pca.transform(rows), atol=1e-3)
    np.testing.assert_allclose(arrays["cca"], cca.transform(rows), atol=1e-3)
    labels = np.concatenate([data.train_labels, data.test_labels])
    np.testing.assert_array_equal(arrays["labels"], labels)
    np.testing.assert_array_equal(arrays["part"], np.repeat([0, 2], [1438, 359]))
    np.testing.assert_array_equal(arrays["index"], np.r_[:1438, :359])
    results = embedded.results()
    assert results["fingerprint"] == data.fingerprint
    np.testing.assert_allclose(
        results["canonical_correlations"][:2], cca.canonical_correlations_, atol=1e-6
    )
    assert len(results["canonical_correlations"]) == 9
    train = results["centre_accuracy"]["cca"]["train"]
    assert train > results["centre_accuracy"]["pca"]["train"] > 0.3


def test_each_thumbnail_is_the_picture_of_its_point(embedded):
    data = find_images(DataConfig("digits")).load()
    sheet = embedded.results()["thumbnails"]
    picture = np.asarray(Image.open(embedded.path / sheet["file"]).convert("L"), dtype=float)
    tile = embedded.arrays("embedding")["tile"]
    shown = np.flatnonzero(tile >= 0)
    assert len(shown) == sheet["count"] == 100
    images = np.concatenate([data.train_images, data.test_images])
    for at in shown[::9]:
        row, column = divmod(int(tile[at]), sheet["columns"])
        size = sheet["size"]
        seen = picture[row * size : (row + 1) * size, column * size : (column + 1) * size]
        assert np.abs(seen - images[at, 0]).mean() < 25  # the sheet is compressed with loss


def test_regression_states_the_accuracy_of_every_part(regressed):
    data = find_images(DataConfig("digits", validation=0.1)).load()
    classifier = LeastSquaresClassifier().fit(flat(data, "train"), data.train_labels)
    results, arrays = regressed.results(), regressed.arrays("regression")
    for part in ("train", "validation", "test"):
        expected = classifier.score(flat(data, part), data.labels(part))
        assert results[f"{part}_accuracy"] == pytest.approx(expected, abs=0.004)
        confusion = arrays[f"confusion_{part}"]
        assert confusion.sum() == len(data.labels(part))
        assert np.trace(confusion) / confusion.sum() == pytest.approx(results[f"{part}_accuracy"])
    assert results["rank"] < results["n_features"]  # some pixels of the digits are always empty
    assert results["projected"]


def test_diagram_run_holds_summary_and_picture_of_the_homework_network(drawn):
    results = drawn.results()
    assert results["n_parameters"] == 5_205_962
    assert "Total params: 5,205,962" in (drawn.path / "summary.txt").read_text()
    ElementTree.parse(drawn.path / "figures/diagram.svg")
    words = json.loads((drawn.path / "figures/diagram.json").read_text())
    assert "20 convolutions" in words["alt"]


def test_every_figure_is_drawn_with_its_words(embedded, regressed):
    for run, names in ((embedded, ["embedding", "directions"]), (regressed, ["regression"])):
        assert list(figure_names(run.manifest.experiment)) == names
        for path in draw_run(run):
            words = json.loads(path.with_suffix(".json").read_text())
            assert len(words["alt"]) > 60
            assert "digits" in words["alt"]
            ElementTree.parse(path)
            assert path.stat().st_size < 2_000_000
            Image.open(BytesIO(path.with_suffix(".png").read_bytes())).verify()


@pytest.mark.parametrize("n_classes", [2, 13])
def test_embedding_and_figures_for_few_and_many_classes(tmp_path, n_classes):
    rng = np.random.default_rng(0)
    labels = np.arange(26 * n_classes) % n_classes
    images = rng.integers(0, 200, (len(labels), 6, 10, 3)) + 4 * labels[:, None, None, None]
    np.savez(tmp_path / "x.npz", images=images.astype(np.uint8), labels=labels)
    store = RunStore(tmp_path / "runs")
    source = find_images(DataConfig(str(tmp_path / "x.npz")))
    for config in (EmbedConfig(source, ridge=1.0, thumbnails=10), RegressConfig(source)):
        run = perform(config, store)
        draw_run(run)
    assert run.results()["train_accuracy"] == 1.0


def test_large_data_are_shaded_by_density(tmp_path, monkeypatch, embedded):
    monkeypatch.setattr("pitfalls.report.figures.embedding.MOST_POINTS", 100)
    from pitfalls.report.figures.embedding import embedding

    figure = embedding(embedded).figure
    assert all(len(ax.images) == 1 for ax in figure.axes)


def test_too_few_images_to_embed_are_refused(tmp_path):
    images = np.random.default_rng(0).integers(0, 255, (4, 5, 5)).astype(np.uint8)
    np.savez(
        tmp_path / "x.npz", train_images=images[:2], train_labels=[0, 1],
        test_images=images[2:], test_labels=[0, 1],
    )  # fmt: skip
    with pytest.raises(InputError, match="no two directions"):
        perform(
            EmbedConfig(find_images(DataConfig(str(tmp_path / "x.npz")))),
            RunStore(tmp_path / "runs"),
        )


NET = """
from dataclasses import dataclass
from torch import nn
from blocks import W

@dataclass
class Size:
    kernel: "int" = {kernel}

def Net():
    return nn.Conv2d(3, W, Size().kernel)
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "net2.py").write_text(NET.format(kernel=1))
    (tmp_path / "blocks.py").write_text("W = 4")
    return tmp_path


@pytest.fixture(params=["file", "current folder", "PYTHONPATH"])
def own(request, project, monkeypatch):
    """Name the project's network in each of the ways to reach it."""
    if request.param == "file":
        return f"{project / 'net2.py'}:Net"
    if request.param == "PYTHONPATH":
        monkeypatch.syspath_prepend(project)
    else:
        monkeypatch.chdir(project)
    return "net2:Net"


def test_users_own_network_finds_what_it_imports_and_leaves_no_trace(own, project):
    path, modules = list(sys.path), set(sys.modules)
    assert build_model(own).out_channels == 4
    assert sys.path == path
    assert not {"net2", "blocks", "_network_of_the_user"} & set(sys.modules)
    assert set(sys.modules) >= modules
    assert not (project / "__pycache__").exists()


def test_edit_anywhere_gives_another_run(own, project, tmp_path):
    store = RunStore(tmp_path / "runs")

    def draw():
        return perform(DiagramConfig(own, (3, 8, 8), 10, describe_model(own, (3, 8, 8))), store)

    first = draw()
    assert draw().path == first.path
    (project / "net2.py").write_text(NET.format(kernel=3))
    second = draw()
    (project / "blocks.py").write_text("W = 5")
    third = draw()
    assert len({first.path, second.path, third.path}) == 3
    pictures = [(run.path / "figures/diagram.svg").read_text() for run in (first, second, third)]
    for picture, label in zip(pictures, ("1×1, 4", "3×3, 4", "3×3, 5"), strict=True):
        assert f"conv {label}" in picture


def test_files_of_the_same_name_in_two_projects_are_told_apart(project):
    other = project / "other"
    other.mkdir()
    (other / "net2.py").write_text(NET.format(kernel=1))
    (other / "blocks.py").write_text("W = 6")
    assert build_model(f"{project / 'net2.py'}:Net").out_channels == 4
    assert build_model(f"{other / 'net2.py'}:Net").out_channels == 6


def test_network_of_an_installed_package_is_built_and_stays_imported():
    assert build_model("torch.nn:Identity") is not None
    assert "torch.nn" in sys.modules
    assert describe_model("resnet18") == ""


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("resnet19", "must be resnet18"),
        ("no_such_module:Net", "could not be built"),
        ("missing.py:Net", "could not be built"),
        ("torch.nn:Linear", "could not be built"),
        ("builtins:dict", "not a torch nn.Module"),
    ],
)
def test_wrong_network_is_refused_in_one_line(model, message):
    with pytest.raises(InputError, match=message) as raised:
        build_model(model)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("scale", ["quick", "full"])
def test_homework_runs_are_4a_to_4c(scale):
    configs = homework_runs(scale, "digits", 123)
    assert [type(config) for config in configs] == [EmbedConfig, RegressConfig, DiagramConfig]
