"""Least squares on real pictures, against the estimator itself, and separability with its witness."""

from fractions import Fraction

import numpy as np
import pytest

from pitfalls.errors import InputError
from pitfalls.experiments.image_regress import EXPERIMENT, RegressConfig
from pitfalls.experiments.image_regress.figures import FIGURES
from pitfalls.experiments.image_regress.records import RuledOut
from pitfalls.experiments.image_source import describe_pictures, find_images
from pitfalls.frame import Homework
from pitfalls.frame.experiment import run_experiment
from pitfalls.images import DataConfig, LeastSquaresClassifier
from pitfalls.plots import draw
from pitfalls.runs import RunStore
from tests.experiments.image_embed.test_run import flat
from tests.kinds import of_kind, there


@pytest.fixture(scope="module")
def source():
    return find_images(DataConfig("digits", validation=0.1))


@pytest.fixture(scope="module")
def regressed(tmp_path_factory, source):
    store = RunStore(tmp_path_factory.mktemp("runs"))
    return run_experiment(EXPERIMENT, RegressConfig(source), store).result


def test_regression_states_the_accuracy_of_every_part(regressed, source):
    data = source.load()
    classifier = LeastSquaresClassifier().fit(flat(data, "train"), data.train_labels)
    assert [score.part for score in regressed.scores] == ["train", "validation", "test"]
    for score in regressed.scores:
        expected = classifier.score(flat(data, score.part), data.labels(score.part))
        right = score.confusion.right
        assert right.value == pytest.approx(expected, abs=0.004)
        assert right.n == len(data.labels(score.part))
        assert right.count == (score.predictions == data.labels(score.part)).sum()
    assert (
        regressed.rank < regressed.pictures.n_features
    )  # some pixels of the digits are always empty


def test_the_digits_that_least_squares_misses_are_separated_by_a_map_that_is_checked(
    regressed, source
):
    data = source.load()
    assert not regressed.all_right
    witness = regressed.separation.witness
    assert regressed.separation.verdict == "separable"
    pixels = data.train_images.reshape(len(data.train_labels), -1)
    weights = [[Fraction(w) for w in row] for row in witness.weights.tolist()]
    offset = [Fraction(b) for b in witness.intercept.tolist()]
    for row in np.random.default_rng(0).choice(len(pixels), 25, replace=False):
        x = pixels[row].tolist()
        scores = [
            sum(map(lambda w, v: w * v, ws, x)) + b for ws, b in zip(weights, offset, strict=True)
        ]
        own = scores.pop(int(data.train_labels[row]))
        assert own - max(scores) >= witness.margin > 0


def test_equal_pictures_of_two_classes_are_not_separable(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (12, 4, 4)).astype(np.uint8)
    images[7] = images[2]
    np.savez(
        tmp_path / "x.npz", train_images=images[:8], train_labels=np.arange(8) % 2,
        test_images=images[8:], test_labels=[0, 1, 0, 1],
    )  # fmt: skip
    source = find_images(DataConfig(str(tmp_path / "x.npz")))
    found = run_experiment(EXPERIMENT, RegressConfig(source), RunStore(tmp_path / "runs")).result
    separation = there(found.separation)
    assert separation.verdict == "not separable"
    witness = of_kind(RuledOut, separation.witness)
    assert sorted(witness.samples) == [2, 7]
    assert witness.multipliers == ("1", "1")


def test_separability_is_measured_where_it_is_asked_for_or_quick(source, tmp_path):
    small = describe_pictures(source.load())
    large = type(small)(
        small.name,
        "",
        small.class_names,
        (3, 32, 32),
        (type(small.parts[0])("train", 50_000, 5000),),
    )
    for asked, expected in ((None, (True, False)), (True, (True, True)), (False, (False, False))):
        config = RegressConfig(source, separability=asked)
        assert tuple(map(config.measures_separability, (small, large))) == expected
    config = RegressConfig(source, separability=False)
    assert run_experiment(EXPERIMENT, config, RunStore(tmp_path)).result.separation is None


@pytest.mark.parametrize("n_classes", [2, 13])
def test_few_and_many_classes_with_names_that_look_like_mathematics(tmp_path, n_classes):
    rng = np.random.default_rng(0)
    labels = np.arange(26 * n_classes) % n_classes
    images = rng.integers(0, 200, (len(labels), 6, 10, 3)) + 4 * labels[:, None, None, None]
    names = np.array([f"$x_{k} $" for k in labels])
    np.savez(tmp_path / "x.npz", images=images.astype(np.uint8), labels=names)
    source = find_images(DataConfig(str(tmp_path / "x.npz")))
    store = RunStore(tmp_path / "runs")
    result = run_experiment(EXPERIMENT, RegressConfig(source, separability=False), store).result
    for figure in FIGURES:
        assert draw(figure, result, ("svg",)).files
    assert result.all_right


def test_bad_configs_are_refused(source):
    for ridge in (-1.0, float("inf"), float("nan")):
        with pytest.raises(InputError, match="ridge must be finite and not negative"):
            RegressConfig(source, ridge=ridge)


def test_the_homework_takes_all_images_at_either_scale():
    for scale in ("quick", "full"):
        (config,) = EXPERIMENT.homework(Homework(scale, "digits", 7))
        assert config.source.config == DataConfig("digits", seed=7)
        assert config.separability is (True if scale == "full" else None)
