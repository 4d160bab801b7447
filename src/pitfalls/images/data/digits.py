"""The data set that is always there: scikit-learn's bundled digits."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pitfalls.images.data.content import Content, LabelledImages
from pitfalls.images.data.reading import Reading

__all__ = ["read_digits"]

TEST_FRACTION = 0.2


def read_digits() -> Content:
    """Read scikit-learn's digits; the last fifth, in file order, is the test set."""
    rows = _read_rows()
    values, labels = rows[:, :-1].reshape(-1, 1, 8, 8), rows[:, -1].astype(np.int64)
    images = np.round(values * (255 / 16)).astype(np.uint8)  # stored as 0..16
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


def _read_rows() -> NDArray[np.float64]:
    """Return (n, 65): the pixels of each digit, and which it is."""
    found = find_spec("sklearn")
    folders = [] if found is None else found.submodule_search_locations or []
    for folder in folders:
        path = Path(folder) / "datasets" / "data" / "digits.csv.gz"
        if path.is_file():
            return np.loadtxt(path, delimiter=",")
    # its reader knows where it keeps them now; to import it takes longer than what most commands do
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return np.column_stack([bunch.data, bunch.target]).astype(np.float64)
