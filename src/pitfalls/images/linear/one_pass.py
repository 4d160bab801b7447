"""PCA, CCA and least squares on one data set from one pass over it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from pitfalls.display import Displayed
from pitfalls.images.data import ImageDataset, Part
from pitfalls.images.linear.cca import CCA
from pitfalls.images.linear.least_squares import LeastSquaresClassifier
from pitfalls.images.linear.moment_estimator import one_hot
from pitfalls.images.linear.pca import PCA
from pitfalls.moments import SecondMoments, Whitening, whiten_inputs

__all__ = [
    "LinearMethods",
    "TrainingImages",
    "collect_moments",
    "embed",
    "fit_linear_methods",
    "predict_labels",
    "read_training_images",
]

Progress = Callable[[int, int], None]
Estimator = TypeVar("Estimator", PCA, CCA, LeastSquaresClassifier)
ROWS = 8192  # images a step
SQUARE_UP_TO = 8192  # pixels an image whose (d, d) matrices, of 512 MB, are made for few images too


@dataclass(frozen=True, eq=False, repr=False)
class TrainingImages(Displayed):
    """A training set as an estimator takes it: as moments, or as rows where those are few and long.

    Attributes
    ----------
    moments : SecondMoments or None
    rows : ndarray of shape (n, d), float32, or None
        The one that is not None is what is fitted.
    labels : ndarray of shape (n,)
    classes : ndarray of shape (n_classes,)
        The labels that occur, sorted.
    """

    moments: SecondMoments | None
    rows: npt.NDArray[np.float32] | None
    labels: npt.NDArray[np.int64]
    classes: npt.NDArray[np.int64]
    _white: dict[float, Whitening] = field(default_factory=dict)

    def fit(self, estimator: Estimator) -> Estimator:
        """Fit one of the three; those with one ridge share a whitening."""
        if self.rows is not None:
            estimator.fit(self.rows, self.labels)
            return estimator
        assert self.moments is not None
        if isinstance(estimator, PCA):
            estimator.fit_moments(self.moments)
        else:
            ridge = estimator.ridge
            if ridge not in self._white:
                self._white[ridge] = whiten_inputs(self.moments, ridge)
            estimator.fit_moments(self.moments, self.classes, inputs=self._white[ridge])
        return estimator


def read_training_images(
    data: ImageDataset, *, on_progress: Progress | None = None
) -> TrainingImages:
    """Read the normalised training images once, for any of the three estimators.

    Parameters
    ----------
    data : ImageDataset
    on_progress : callable, optional
        Called with (images read, images in all).
    """
    n, labels = len(data.train_labels), data.train_labels
    if data.n_features > max(SQUARE_UP_TO, n):
        rows = np.concatenate([x for x, _ in data.flat_batches("train")])
        if on_progress is not None:
            on_progress(n, n)
        return TrainingImages(None, rows, labels, np.unique(labels))
    moments, classes = collect_moments(data, on_progress=on_progress)
    return TrainingImages(moments, None, labels, classes)


@dataclass(frozen=True, eq=False, repr=False)
class LinearMethods(Displayed):
    """The three fitted estimators."""

    pca: PCA
    cca: CCA
    classifier: LeastSquaresClassifier


def collect_moments(
    data: ImageDataset, *, on_progress: Progress | None = None
) -> tuple[SecondMoments, npt.NDArray[np.int64]]:
    """Collect the moments of normalised training images against one-hot labels.

    The pass reads the pixels as they are; normalisation is a change of scale of the moments, so
    nothing is rounded to float32 on the way.

    Returns
    -------
    moments : SecondMoments
        Centred; y has one column a class that occurs.
    classes : ndarray of shape (n_classes,)
        The labels of those columns.
    """
    classes = np.unique(data.train_labels)

    def batches() -> Iterator[tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]]:
        n = len(data.train_labels)
        for start in range(0, n, ROWS):
            chunk = slice(start, start + ROWS)
            yield data.train_images[chunk], one_hot(data.train_labels[chunk], classes)
            if on_progress is not None:
                on_progress(min(start + ROWS, n), n)

    moments = SecondMoments.from_batches(batches(), center=True)
    scale, shift = data.normalization()
    return moments.rescaled(scale, shift), classes


def fit_linear_methods(
    data: ImageDataset,
    *,
    n_components: int = 2,
    ridge: float = 0.0,
    on_progress: Progress | None = None,
) -> LinearMethods:
    """Fit PCA, CCA and least squares on the training set in one pass.

    Parameters
    ----------
    data : ImageDataset
        Its training images, normalised and flattened, are x; its labels, one-hot, are y.
    n_components : int, default=2
        Directions of PCA, and of CCA as far as there are as many.
    ridge : float, default=0.0
        Added to the diagonal of S_xx for CCA and least squares.
    on_progress : callable, optional
        Called with (images read, images in all).

    Examples
    --------
    >>> from pitfalls.images import load_dataset
    >>> methods = fit_linear_methods(load_dataset("digits"))
    >>> methods.cca.canonical_correlations_.round(3).tolist()
    [0.946, 0.917]
    """
    training = read_training_images(data, on_progress=on_progress)
    pairs = min(n_components, max(len(training.classes) - 1, 1))
    return LinearMethods(
        training.fit(PCA(n_components)),
        training.fit(CCA(pairs, ridge)),
        training.fit(LeastSquaresClassifier(ridge)),
    )


def embed(estimator: PCA | CCA, data: ImageDataset, part: Part) -> npt.NDArray[np.float64]:
    """Return the scores of one part's images, shape (n, n_components), without a copy of it all."""
    scores = [np.asarray(estimator.transform(x)) for x, _ in data.flat_batches(part)]
    return np.concatenate(scores) if scores else np.zeros((0, estimator.n_components_))


def predict_labels(
    classifier: LeastSquaresClassifier, data: ImageDataset, part: Part
) -> npt.NDArray[np.int64]:
    """Return the predicted labels of one part's images, shape (n,)."""
    labels = [classifier.predict(x) for x, _ in data.flat_batches(part)]
    return np.concatenate(labels) if labels else np.zeros(0, dtype=np.int64)
