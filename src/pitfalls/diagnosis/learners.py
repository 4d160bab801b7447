"""Two simple learners, ridge regression and the nearest neighbour, and whether they see the labels.

Both are fitted on one half of the examples and scored on the other. If labels are independent of
inputs, the labels of the held-out half are exchangeable given everything else, so the rank of the
true score among scores with those labels permuted gives an exact p-value; the fits stay as they are.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from torch import Tensor

from pitfalls.diagnosis.evidence.data import LearnerScore
from pitfalls.diagnosis.nested import Nest, leaves

__all__ = [
    "Task",
    "encode_inputs",
    "encode_labels",
    "see_labels",
    "split_halves",
    "without_copies",
]

Floats = NDArray[np.float64]

MOST_FEATURES = 4096
MOST_CLASSES = 100
_MOST_TARGETS = 64
_MOST_FITTED = 1024
_RIDGES = 10.0 ** np.arange(-6, 4)


@dataclass(frozen=True, eq=False)
class Task:
    """Labels as numbers that a linear method can aim at.

    Parameters
    ----------
    targets : ndarray of shape (n, q)
        One-hot for classes (random mixtures of them where there are many, and their numbers, which may
        mean something), standardised otherwise.
    classes : ndarray of shape (n,) or None
        Class of each example, counted from 0, where each has one.
    n_classes : int
        0 where labels are real numbers.
    """

    targets: Floats
    classes: NDArray[np.int64] | None
    n_classes: int


def split_halves(n: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw two halves of at most 1,024 examples each."""
    order = rng.permutation(n)
    half = min(n // 2, _MOST_FITTED)
    return order[:half], order[half : 2 * half]


def encode_inputs(x: Nest, rng: np.random.Generator) -> Floats:
    """Give each example a row of standardised features; whole numbers of few kinds become one-hot.

    More than 4,096 features are mixed down to that many by random signs, which keeps distances.
    """
    columns = []
    for tensor in leaves(x):
        flat = tensor.reshape(len(tensor), -1)
        if not flat.is_floating_point() and flat.dtype != torch.bool and flat.numel():
            kinds = int(flat.max()) - int(flat.min()) + 1
            if 2 < kinds <= MOST_FEATURES // 4:
                columns.append(_mixed_one_hot(flat.long() - flat.min(), kinds, rng))
                continue
        columns.append(_mix(flat.double().cpu().numpy(), rng))
    features = np.concatenate(columns, axis=1)
    spread = features.std(0)
    spread[spread == 0] = 1
    standard: Floats = (features - features.mean(0)) / spread
    return standard


def _mix(columns: Floats, rng: np.random.Generator) -> Floats:
    if columns.shape[1] <= MOST_FEATURES:
        return columns
    spread = columns.std(0)
    spread[spread == 0] = 1
    signs = rng.choice([-1.0, 1.0], size=(columns.shape[1], MOST_FEATURES // 4))
    mixed: Floats = ((columns - columns.mean(0)) / spread) @ signs
    return mixed


def _mixed_one_hot(
    values: Tensor, kinds: int, rng: np.random.Generator, width: int = MOST_FEATURES // 8
) -> Floats:
    n, length = values.shape
    numbers = values.cpu().numpy()
    if kinds * length <= MOST_FEATURES:
        hot = np.zeros((n, kinds * length))
        np.put_along_axis(hot, numbers + kinds * np.arange(length), 1.0, axis=1)
        return hot
    # a random direction for each symbol at each place stands in for its own column
    total = np.zeros((n, width))
    for column in numbers.T:
        there, symbol = np.unique(column, return_inverse=True)  # numbers may be as large as prices
        total += rng.standard_normal((len(there), width))[symbol]
    return total


def without_copies(x: Nest, y: Nest) -> Nest:
    """Leave out labels that stand among the inputs at another place, as the next symbols do.

    To copy them is no sight: whether the network may look there is not known. Where all are copies, or
    none, the labels stay as they are.
    """
    if not isinstance(x, Tensor) or not isinstance(y, Tensor) or y.ndim != 2 or x.ndim != 2:
        return y
    if x.is_floating_point() != y.is_floating_point():
        return y
    places: dict[bytes, set[int]] = {}
    for place, column in enumerate(x.T.double().cpu().numpy()):
        places.setdefault(column.tobytes(), set()).add(place)
    kept = [
        place
        for place, column in enumerate(y.T.double().cpu().numpy())
        if not places.get(column.tobytes(), {place}) - {place} or np.ptp(column) == 0
    ]
    return y[:, kept] if 0 < len(kept) < y.shape[1] else y


def encode_labels(y: Nest, rng: np.random.Generator) -> Task:
    """Turn labels into targets: one column a class, or standardised numbers."""
    tensors = [t.reshape(len(t), -1) for t in leaves(y)]
    whole = all(not t.is_floating_point() for t in tensors)
    one = len(tensors) == 1 and tensors[0].shape[1] == 1
    if not whole and one:
        # classes written as floats, 0. and 1. or -1. and 1. say
        values = torch.unique(tensors[0])
        whole = len(values) == 2
    if whole and one:
        kinds, classes = np.unique(tensors[0].cpu().numpy().ravel(), return_inverse=True)
        if len(kinds) <= MOST_CLASSES:
            return Task(np.eye(len(kinds))[classes], classes.astype(np.int64), len(kinds))
        number = _standard(kinds.astype(np.float64)[classes][:, None])
        if 2 * len(kinds) > len(classes):
            return Task(number, None, 0)  # hardly two are alike: what is told is a number
        hot = _standard(rng.standard_normal((len(kinds), _MOST_TARGETS))[classes])
        both = np.concatenate([hot, _MOST_TARGETS**0.5 * number], axis=1)
        return Task(both, classes.astype(np.int64), len(kinds))
    columns = []
    for tensor in tensors:
        if tensor.is_floating_point():
            values64 = tensor.double().cpu().numpy()
            if values64.shape[1] > _MOST_TARGETS:
                values64 = values64 @ rng.standard_normal((values64.shape[1], _MOST_TARGETS))
            columns.append(_standard(values64))
        else:
            shifted = tensor.long() - tensor.min()
            hot = _mixed_one_hot(shifted, int(shifted.max()) + 1, rng, _MOST_TARGETS)
            if hot.shape[1] > _MOST_TARGETS:
                hot = hot @ rng.standard_normal((hot.shape[1], _MOST_TARGETS))
            columns.append(_standard(hot))
    return Task(np.concatenate(columns, axis=1), None, 0)


def _standard(values: Floats) -> Floats:
    spread = values.std(0)
    spread[spread == 0] = 1
    standard: Floats = (values - values.mean(0)) / spread
    return standard


def see_labels(
    features: Floats, task: Task, rng: np.random.Generator, n_permutations: int = 999
) -> tuple[LearnerScore, ...]:
    """Score both learners on a held-out half, against permuted labels.

    Parameters
    ----------
    features : ndarray of shape (n, d)
    task : Task
    rng : Generator
        Draws halves and permutations.
    n_permutations : int
        p-values are multiples of 1 / (n_permutations + 1).
    """
    fitted, held = split_halves(len(features), rng)
    if len(fitted) < 2:
        return ()
    predictions = {
        "ridge": _ridge(features[fitted], task.targets[fitted], features[held]),
        "nearest neighbour": task.targets[fitted][_nearest(features[fitted], features[held])],
    }
    truth = task.targets[held] - task.targets[held].mean(0)
    scores = []
    for name, predicted in predictions.items():
        centred = predicted - predicted.mean(0)
        true = float((centred * truth).sum())
        permuted = np.array(
            [(centred * truth[rng.permutation(len(held))]).sum() for _ in range(n_permutations)]
        )
        tie = 1e-9 * float(np.abs(centred).sum() + 1e-300)
        p = (1 + int((permuted >= true - tie).sum())) / (n_permutations + 1)
        kind, score, chance = _score(predicted, task, fitted, held)
        scores.append(LearnerScore(name, p, kind, score, chance, len(fitted), len(held)))
    return tuple(scores)


def _score(
    predicted: Floats, task: Task, fitted: NDArray[np.int64], held: NDArray[np.int64]
) -> tuple[str, float, float]:
    if task.classes is not None and task.targets.shape[1] == task.n_classes:
        right = predicted.argmax(1) == task.classes[held]
        common = np.bincount(task.classes[fitted], minlength=task.n_classes).argmax()
        return "accuracy", float(right.mean()), float((task.classes[held] == common).mean())
    truth = task.targets[held]
    about = float(((truth - truth.mean(0)) ** 2).sum())
    return "R2", (1 - float(((truth - predicted) ** 2).sum()) / about if about > 0 else 0.0), 0.0


def _ridge(x: Floats, y: Floats, new: Floats) -> Floats:
    """Ridge regression with the penalty of the least generalised cross-validation error."""
    mean, centre = y.mean(0), x.mean(0)
    x, new, y = x - centre, new - centre, y - mean
    gram = x @ x.T
    values, vectors = np.linalg.eigh(gram)
    values = values.clip(0)
    turned = vectors.T @ y
    scale = max(values.mean(), 1e-300)
    best, found = np.inf, scale
    for ridge in _RIDGES * scale:
        left = ridge / (values + ridge)
        # the mean costs one degree of freedom more
        freedom = (left.sum() - 1) / len(x)
        error = float(((left[:, None] * turned) ** 2).sum()) / max(freedom, 1e-12) ** 2
        if error < best:
            best, found = error, ridge
    weights = vectors @ (turned / (values + found)[:, None])
    predicted: Floats = new @ (x.T @ weights) + mean
    return predicted


def _nearest(x: Floats, new: Floats) -> NDArray[np.int64]:
    nearest: NDArray[np.int64] = cdist(new, x).argmin(1)
    return nearest
