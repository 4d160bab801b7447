"""The data set that is always there: scikit-learn's bundled digits."""

import numpy as np

from pitfalls.images.data.content import Content, LabelledImages
from pitfalls.images.data.reading import Reading

__all__ = ["read_digits"]

TEST_FRACTION = 0.2


def read_digits() -> Content:
    """Read scikit-learn's digits; the last fifth, in file order, is the test set."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.round(bunch.images * (255 / 16)).astype(np.uint8)[:, None]  # stored as 0..16
    labels = bunch.target.astype(np.int64)
    n_train = len(labels) - int(TEST_FRACTION * len(labels))
    return Content(
        name="digits",
        source="scikit-learn's bundled digits",
        class_names=tuple("0123456789"),
        mirror=False,
        reading=Reading("scikit-learn's digits"),
        train=LabelledImages(images[:n_train], labels[:n_train]),
        test=LabelledImages(images[n_train:], labels[n_train:]),
    )
