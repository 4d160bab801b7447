"""How well outputs hit labels, where their shapes say what hitting means."""

import numpy as np
import torch
from torch import Tensor

from pitfalls.diagnosis.evidence.capacity import Score
from pitfalls.diagnosis.nested import Nest

__all__ = ["score_outputs"]


@torch.no_grad()
def score_outputs(outputs: Nest, labels: Nest) -> Score:
    """Score classes by the largest output, two classes by the best threshold, numbers by R^2."""
    if not isinstance(outputs, Tensor) or not isinstance(labels, Tensor):
        return Score("none", float("nan"), float("nan"))
    if not labels.is_floating_point() and outputs.ndim == labels.ndim + 1:
        axis = _class_axis(outputs, labels)
        if axis is not None:
            return _accuracy(outputs.argmax(axis), labels)
    flat_places = outputs.ndim == labels.ndim == 2 and outputs.shape[0] == labels.numel()
    if not labels.is_floating_point() and flat_places and outputs.shape[1] > 1:
        return _accuracy(outputs.argmax(1), labels.flatten())  # (n T, C) against (n, T)
    if outputs.numel() == labels.numel() and outputs.is_floating_point():
        kinds = torch.unique(labels)
        flat, truth = outputs.double().flatten(), labels.double().flatten()
        if len(kinds) == 2 and not bool((flat == flat[0]).all()):
            upper = (truth == kinds[1].double()).cpu().numpy()
            return Score("accuracy", _best_threshold(flat.cpu().numpy(), upper), _commonest(labels))
        truth = labels.double().reshape(len(labels), -1)
        about = float((truth - truth.mean(0)).square().sum())
        missed = float((outputs.double().reshape(truth.shape) - truth).square().sum())
        return Score("R2", 1 - missed / about if about > 0 else float("nan"), 0.0)
    return Score("none", float("nan"), float("nan"))


def _accuracy(predicted: Tensor, labels: Tensor) -> Score:
    counts = labels >= 0  # negative classes are places to leave out
    right = (predicted == labels)[counts]
    return Score("accuracy", float(right.double().mean()), _commonest(labels[counts]))


def _class_axis(outputs: Tensor, labels: Tensor) -> int | None:
    """Find the axis whose removal gives the labels' shape: (n, C, ...) first, then (n, ..., C)."""
    for axis in (1, outputs.ndim - 1):
        rest = [s for i, s in enumerate(outputs.shape) if i != axis]
        if rest == list(labels.shape) and outputs.shape[axis] > 1:
            return axis
    return None


def _commonest(labels: Tensor) -> float:
    counts = torch.unique(labels, return_counts=True)[1]
    return float(counts.max()) / labels.numel()


def _best_threshold(values: "np.ndarray[tuple[int], np.dtype[np.float64]]", upper: object) -> float:
    """Largest accuracy of "above the threshold is the upper class" over thresholds."""
    order = np.argsort(values, kind="stable")
    sorted_values, truth = values[order], np.asarray(upper)[order]
    # a threshold after place k calls the first k low and the rest high
    right = np.concatenate([[0], np.cumsum(~truth)]) + truth.sum()
    right = right - np.concatenate([[0], np.cumsum(truth)])
    splits = np.concatenate([[True], np.diff(sorted_values) > 0, [True]])
    return float(right[splits].max() / len(values))
