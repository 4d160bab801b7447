"""The three estimators on image data sets, from one reading."""

import numpy as np
import pytest

from pitfalls.errors import InputError
from pitfalls.images import (
    CCA,
    PCA,
    ImageDataset,
    LeastSquaresClassifier,
    fit_linear_methods,
    load_dataset,
)
from pitfalls.images.linear import embed, one_hot, predict_labels, read_training_images
from pitfalls.images.linear.one_pass import collect_moments
from tests.kinds import there


def photographs(n=24, side=64):
    """Few images of many pixels."""
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 3
    images = rng.integers(0, 200, (n, 3, side, side), dtype=np.uint8)
    images[:, 0] += (15 * labels[:, None, None]).astype(np.uint8)
    return ImageDataset.from_arrays(images, labels, images[:6], labels[:6])


def test_few_images_of_many_pixels_form_no_square_of_them():
    data = photographs()
    training = read_training_images(data)
    assert training.moments is None
    rows = there(training.rows)
    assert rows.shape == (24, 12_288)
    methods = fit_linear_methods(data, ridge=1e5)
    x, y = rows.astype(np.float64), data.train_labels
    for ours, theirs in (
        (methods.pca, PCA(2).fit(x)),
        (methods.cca, CCA(2, 1e5).fit(x, y)),
    ):
        np.testing.assert_allclose(
            np.abs(embed(ours, data, "test")), np.abs(theirs.transform(x[:6])), rtol=1e-3, atol=1e-3
        )
    due = LeastSquaresClassifier(1e5).fit(x, y).predict(x[:6])
    np.testing.assert_array_equal(predict_labels(methods.classifier, data, "test"), due)


def test_two_classes_have_one_pair_of_directions_and_no_warning():
    data = photographs(side=8)
    two = ImageDataset.from_arrays(
        data.train_images, data.train_labels % 2, data.test_images, data.test_labels % 2
    )
    assert read_training_images(two).rows is None
    assert fit_linear_methods(two).cca.n_components_ == 1


def test_progress_of_the_pass_counts_images_up_to_all_of_them(monkeypatch):
    seen = []
    data = photographs(side=8)
    monkeypatch.setattr("pitfalls.images.linear.one_pass.ROWS", 10)
    collect_moments(data, on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(10, 24), (20, 24), (24, 24)]


def test_a_training_set_fits_without_an_intercept_as_its_images_do():
    data = load_dataset("digits")
    rows = data.normalized("train").reshape(len(data.train_labels), -1)
    found = read_training_images(data).fit(LeastSquaresClassifier(fit_intercept=False))
    wanted = LeastSquaresClassifier(fit_intercept=False).fit(rows, data.train_labels)
    assert found.normal_residual_ < 1e-10
    assert found.score(rows, data.train_labels) == wanted.score(rows, data.train_labels)


def test_labels_get_their_own_column_or_are_refused():
    assert one_hot(np.array(["b", "a"]), np.array(["a", "b"])).tolist() == [[0, 1], [1, 0]]
    for labels, classes in (([0, 1], [0, 2]), ([3], [0, 2]), ([0], []), ([0, 1], [1, 0])):
        with pytest.raises(InputError, match="sorted, differ and hold every label"):
            one_hot(np.array(labels), np.array(classes))
