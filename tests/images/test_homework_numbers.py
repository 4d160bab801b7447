"""The homework's linear numbers on all of CIFAR-10, against plain NumPy on the normalised pixels."""

import numpy as np
import pytest
import scipy.linalg

from pitfalls.images import fit_linear_methods, load_dataset, predict_labels


def plain_numpy(data):
    """Sums over [1 x] and the labels in float64, then the textbook formulas with the intercept."""
    labels = data.train_labels
    d = data.n_features
    sums, cross = np.zeros((d + 1, d + 1)), np.zeros((d + 1, 10))
    for start in range(0, len(labels), 5000):
        pixels = data.train_images[start : start + 5000].astype(float) / 255
        for channel in range(3):
            pixels[:, channel] -= (0.4914, 0.4822, 0.4465)[channel]
            pixels[:, channel] /= (63 / 255, 62.1 / 255, 66.7 / 255)[channel]
        rows = np.hstack([np.ones((len(pixels), 1)), pixels.reshape(len(pixels), -1)])
        sums += rows.T @ rows
        cross += rows.T @ np.eye(10)[labels[start : start + 5000]]
    weights = np.linalg.solve(sums, cross)
    n = len(labels)
    covariance = sums[1:, 1:] / n - np.outer(sums[0, 1:], sums[0, 1:]) / n**2
    two = scipy.linalg.eigvalsh(covariance, subset_by_index=(d - 2, d - 1))
    ratios = two[::-1] / np.trace(covariance)
    # explained sums of squares of y against its total: their eigenvalues are the squared correlations
    counts = cross[0]
    explained = cross.T @ weights - np.outer(counts, counts) / n
    total = np.diag(counts) - np.outer(counts, counts) / n
    squared = np.sort(np.linalg.eigvals(np.linalg.pinv(total) @ explained).real)[::-1]
    return weights, ratios, np.sqrt(squared[:9])


@pytest.mark.cifar10
def test_least_squares_pca_and_cca_on_all_images_equal_plain_numpy(cifar10_path):
    data = load_dataset(cifar10_path)
    methods = fit_linear_methods(data, n_components=9)
    weights, ratios, correlations = plain_numpy(data)

    np.testing.assert_allclose(methods.pca.explained_variance_ratio_[:2], ratios, rtol=1e-9)
    np.testing.assert_allclose(methods.cca.canonical_correlations_, correlations, rtol=1e-8)
    np.testing.assert_allclose(methods.classifier.coef_.T, weights[1:], atol=1e-8)
    assert methods.cca.whitening_error_ < 1e-9
    assert methods.cca.rank_ == methods.classifier.rank_ == 3072
    accuracies = {}
    for part in ("train", "test"):
        outputs = np.concatenate(
            [x.astype(float) @ weights[1:] + weights[0] for x, _ in data.flat_batches(part)]
        )
        predicted = predict_labels(methods.classifier, data, part)
        assert np.sum(predicted != outputs.argmax(axis=1)) <= 2  # ties to within rounding
        accuracies[part] = np.mean(predicted == data.labels(part))
    # from the development copy of the data, 92 of whose 60,000 images are not exact
    assert accuracies["train"] == pytest.approx(0.510, abs=0.001)
    assert accuracies["test"] == pytest.approx(0.365, abs=0.002)
    assert ratios == pytest.approx([0.289, 0.113], abs=0.001)
    assert correlations[:2] == pytest.approx([0.684, 0.547], abs=0.001)
