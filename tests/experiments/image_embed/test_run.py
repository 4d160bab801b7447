"""Embeddings of real pictures, against the estimators themselves."""

from io import BytesIO

import numpy as np
import pytest
from matplotlib.figure import Figure as MplFigure
from PIL import Image

from pitfalls.errors import InputError
from pitfalls.experiments.image_embed import EXPERIMENT, EmbedConfig
from pitfalls.experiments.image_embed.figures import FIGURES, neighbour_correlation
from pitfalls.experiments.image_embed.words import account, forced
from pitfalls.experiments.image_source import find_images
from pitfalls.frame import Homework
from pitfalls.frame.experiment import run_experiment
from pitfalls.images import CCA, PCA, DataConfig
from pitfalls.plots import draw
from pitfalls.prose import plain
from pitfalls.runs import RunStore
from tests.kinds import of_kind
from tests.report.forbidden import assert_well_formed, texts_of


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    store = RunStore(tmp_path_factory.mktemp("runs"))
    config = EmbedConfig(find_images(DataConfig("digits")), thumbnails=100)
    return run_experiment(EXPERIMENT, config, store).result


def flat(data, part):
    return data.normalized(part).reshape(len(data.labels(part)), -1).astype(float)


def test_embedding_holds_the_scores_of_both_methods_for_every_image(embedded):
    data = find_images(DataConfig("digits")).load()
    points = embedded.points
    rows = np.concatenate([flat(data, "train"), flat(data, "test")])
    pca = PCA(2).fit(flat(data, "train"))
    cca = CCA(2).fit(flat(data, "train"), data.train_labels)
    np.testing.assert_allclose(points.pca, pca.transform(rows), atol=1e-3)
    np.testing.assert_allclose(points.cca, cca.transform(rows), atol=1e-3)
    labels = np.concatenate([data.train_labels, data.test_labels])
    np.testing.assert_array_equal(points.labels, labels)
    np.testing.assert_array_equal(points.part, np.repeat([0, 2], [1438, 359]))
    np.testing.assert_array_equal(points.index, np.r_[:1438, :359])
    assert embedded.pictures.fingerprint == data.fingerprint
    np.testing.assert_allclose(embedded.correlations[:2], cca.canonical_correlations_, atol=1e-6)
    assert len(embedded.correlations) == 9
    train = embedded.centres[0]
    assert train.cca.value > train.pca.value > 0.3


def test_nearest_centres_are_counted_image_by_image(embedded):
    points, train = embedded.points, embedded.points.part == 0
    right = {}
    for name in ("pca", "cca"):
        at = getattr(points, name).astype(float)
        scale = at[train].std(axis=0)
        centres = [at[train & (points.labels == c)].mean(axis=0) for c in range(10)]
        right[name] = np.array(
            [
                min(range(10), key=lambda c: (((x - centres[c]) / scale) ** 2).sum()) == label
                for x, label in zip(at[~train], points.labels[~train], strict=True)
            ]
        )
    found = embedded.unseen
    assert found.part == "test"
    assert (found.pca.count, found.cca.count) == (right["pca"].sum(), right["cca"].sum())
    assert found.only_cca == (right["cca"] & ~right["pca"]).sum()
    assert found.only_pca == (right["pca"] & ~right["cca"]).sum()


def test_each_thumbnail_is_the_picture_of_its_point(embedded):
    data = find_images(DataConfig("digits")).load()
    sheet, tile = embedded.sheet, embedded.points.tile
    picture = np.asarray(Image.open(BytesIO(sheet.webp.tobytes())).convert("L"), dtype=float)
    shown = np.flatnonzero(tile >= 0)
    assert len(shown) == sheet.count == 100
    images = np.concatenate([data.train_images, data.test_images])
    for at in shown[::9]:
        row, column = divmod(int(tile[at]), sheet.columns)
        size = sheet.size
        seen = picture[row * size : (row + 1) * size, column * size : (column + 1) * size]
        assert np.abs(seen - images[at, 0]).mean() < 25  # the sheet is compressed with loss


@pytest.mark.parametrize("n_classes", [2, 13])
def test_few_and_many_classes_with_names_that_look_like_mathematics(tmp_path, n_classes):
    rng = np.random.default_rng(0)
    labels = np.arange(26 * n_classes) % n_classes
    images = rng.integers(0, 200, (len(labels), 6, 10, 3)) + 4 * labels[:, None, None, None]
    names = np.array([f"$x_{k} $" for k in labels])
    np.savez(tmp_path / "x.npz", images=images.astype(np.uint8), labels=names)
    source = find_images(DataConfig(str(tmp_path / "x.npz")))
    config = EmbedConfig(source, ridge=1.0, thumbnails=0)
    result = run_experiment(EXPERIMENT, config, RunStore(tmp_path / "runs")).result
    assert result.sheet is None
    assert result.n_directions == min(n_classes - 1, 2)
    for figure in FIGURES:
        assert draw(figure, result, ("svg",)).files
    for text in texts_of(account(result)):
        assert_well_formed(text)


def test_fewer_images_than_pixels_correlate_fully_and_it_is_said_that_this_means_nothing(tmp_path):
    source = find_images(DataConfig("digits", subset_train=30))
    result = run_experiment(
        EXPERIMENT, EmbedConfig(source, thumbnails=0), RunStore(tmp_path)
    ).result
    np.testing.assert_allclose(result.correlations, 1, atol=1e-6)
    assert "whatever their labels" in plain(forced(result))


def test_large_data_are_shaded_by_density(monkeypatch, embedded):
    import matplotlib.pyplot as plt

    monkeypatch.setattr("pitfalls.experiments.image_embed.scatter.MOST_POINTS", 100)
    figure = of_kind(MplFigure, FIGURES[0].draw(embedded).figure)
    assert all(len(axis.images) == 1 for axis in figure.axes)
    plt.close(figure)


@pytest.mark.parametrize(
    ("labels", "says"), [([0, 1], "no two directions"), ([0, 0, 0, 0], "one class")]
)
def test_what_cannot_be_embedded_is_refused(tmp_path, labels, says):
    images = np.random.default_rng(0).integers(0, 255, (len(labels) + 2, 5, 5)).astype(np.uint8)
    np.savez(
        tmp_path / "x.npz", train_images=images[:-2], train_labels=labels,
        test_images=images[-2:], test_labels=[0, 1],
    )  # fmt: skip
    source = find_images(DataConfig(str(tmp_path / "x.npz")))
    with pytest.raises(InputError, match=says):
        run_experiment(EXPERIMENT, EmbedConfig(source), RunStore(tmp_path / "runs"))


def test_a_ridge_that_stretches_directions_beyond_all_numbers_is_refused(tmp_path):
    source = find_images(DataConfig("digits", subset_train=100, subset_val=30))
    with pytest.raises(InputError, match="so small that directions without any spread"):
        run_experiment(EXPERIMENT, EmbedConfig(source, ridge=1e-320), RunStore(tmp_path / "runs"))


def test_bad_configs_are_refused():
    source = find_images(DataConfig("digits"))
    for wrong in ({"thumbnails": -1}, {"ridge": -1.0}, {"ridge": float("nan")}):
        with pytest.raises(InputError, match="EmbedConfig"):
            EmbedConfig(source, **wrong)


def test_pixels_without_neighbours_have_no_correlation_with_them():
    assert neighbour_correlation(np.ones((2, 1, 1, 1), np.float32)) is None
    assert neighbour_correlation(np.ones((2, 3, 4, 4), np.float32)) == pytest.approx(1)


def test_the_homework_embeds_all_images_at_either_scale():
    for scale in ("quick", "full"):
        (config,) = EXPERIMENT.homework(Homework(scale, "digits", 7))
        assert config.source.config == DataConfig("digits", seed=7)


@pytest.mark.filterwarnings("ignore:CCA. there are only")
def test_a_component_without_variance_decides_nothing(tmp_path):
    # grey pictures without a pattern: one direction, and rounding beside it
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 300)
    grey = np.clip(60 * labels + rng.integers(-25, 26, 300) + 60, 0, 255)
    images = np.repeat(grey, 64).reshape(300, 1, 8, 8).astype(np.uint8)
    np.savez(
        tmp_path / "x.npz", train_images=images[:200], train_labels=labels[:200],
        test_images=images[200:], test_labels=labels[200:],
    )  # fmt: skip
    source = find_images(DataConfig(str(tmp_path / "x.npz")))
    result = run_experiment(
        EXPERIMENT, EmbedConfig(source, thumbnails=0), RunStore(tmp_path / "runs")
    ).result
    centres = np.array([grey[:200][labels[:200] == c].mean() for c in range(3)])
    nearest = np.abs(grey[:, None] - centres).argmin(axis=1) == labels
    for found, mine in zip(result.centres, (nearest[:200], nearest[200:]), strict=True):
        assert (found.pca.count, found.cca.count) == (mine.sum(), mine.sum())
        assert not found.differ
    assert not result.points.pca[:, 1].any()
