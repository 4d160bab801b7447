"""How well outputs hit labels, where shapes and the loss say what hitting means."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from pitfalls.diagnosis.evidence.capacity import Score
from pitfalls.diagnosis.nested import Nest
from pitfalls.diagnosis.subject import Subject, SubjectError

__all__ = ["Scorer", "score_outputs", "scorer_for"]

Scorer = Callable[[Nest, Nest], Score]

_NONE = Score("none", float("nan"), float("nan"))
_FAR = 3.0


@torch.no_grad()
def scorer_for(subject: Subject, outputs: Nest, labels: Nest) -> Scorer:
    """Return `score_outputs`, or no score where the loss does not reward what it counts.

    Logarithms of rates have the shape of counts, and distances that of classes: there a good fit has
    a bad score. So the loss is asked: at outputs that hit the labels it must be lower than at outputs
    that miss them; and for R^2 one answer for all must be best near the labels' mean.
    """
    kind = score_outputs(outputs, labels).kind
    if kind == "none" or not bool(torch.isfinite(labels).all()):
        return _unscored
    try:
        hit, *missed = (
            float(subject.loss_of(o, labels)) for o in _hit_and_missed(kind, outputs, labels)
        )
    except SubjectError:
        return score_outputs  # a loss of probabilities, say, takes no such outputs
    rewarded = not np.isfinite([hit, *missed]).all() or all(hit < value for value in missed)
    if rewarded and kind == "R2":
        rewarded = _aims_at_the_mean(subject, outputs, labels)
    return score_outputs if rewarded else _unscored


def _aims_at_the_mean(subject: Subject, outputs: Tensor, labels: Tensor) -> bool:
    """Whether one answer for all is best near the labels' mean: of a quantile R^2 says nothing."""
    exact = labels.reshape(outputs.shape).to(outputs.dtype)
    mean = exact.mean(0, keepdim=True).expand_as(exact)
    off = 0.3 * exact.double().std(0, correction=0).to(exact)
    at, *beside = (
        float(subject.loss_of(o.clone(), labels)) for o in (mean, mean + off, mean - off)
    )
    return not np.isfinite([at, *beside]).all() or at <= min(beside)


def _unscored(outputs: Nest, labels: Nest) -> Score:
    return _NONE


def _hit_and_missed(kind: str, outputs: Tensor, labels: Tensor) -> list[Tensor]:
    """Return outputs that are the labels, and ones off to either side, or the other way round."""
    if kind == "R2":
        exact = labels.reshape(outputs.shape).to(outputs.dtype)
        off = 0.3 * exact.double().std(correction=0).to(exact)
        return [exact, exact + off, exact - off]
    if outputs.numel() == labels.numel():
        upper = labels.reshape(outputs.shape) == labels.max()
        signs = torch.where(upper, _FAR, -_FAR).to(outputs.dtype)
        return [signs, -signs]
    flat = outputs.ndim == 2 and outputs.shape[0] == labels.numel()
    axis = 1 if flat else _class_axis(outputs, labels)
    classes = (labels.flatten() if flat else labels).long().clamp(min=0)
    hot = torch.zeros_like(outputs).scatter_(axis or 1, classes.unsqueeze(axis or 1), _FAR)
    return [hot, -hot]


@torch.no_grad()
def score_outputs(outputs: Nest, labels: Nest) -> Score:
    """Score classes by the largest output, two classes by the best threshold, numbers by R^2."""
    if not isinstance(outputs, Tensor) or not isinstance(labels, Tensor):
        return _NONE
    if not labels.is_floating_point() and outputs.ndim == labels.ndim + 1:
        axis = _class_axis(outputs, labels)
        if axis is not None:
            return _accuracy(outputs.argmax(axis), labels)
    flat_places = outputs.ndim == labels.ndim == 2 and outputs.shape[0] == labels.numel()
    if not labels.is_floating_point() and flat_places and _are_columns(labels, outputs.shape[1]):
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
    return _NONE


def _accuracy(predicted: Tensor, labels: Tensor) -> Score:
    counts = labels >= 0  # negative classes are places to leave out
    right = (predicted == labels)[counts]
    return Score("accuracy", float(right.double().mean()), _commonest(labels[counts]))


def _class_axis(outputs: Tensor, labels: Tensor) -> int | None:
    """Find the axis whose removal gives the labels' shape: (n, C, ...) first, then (n, ..., C)."""
    for axis in (1, outputs.ndim - 1):
        rest = [s for i, s in enumerate(outputs.shape) if i != axis]
        if rest == list(labels.shape) and _are_columns(labels, outputs.shape[axis]):
            return axis
    return None


def _are_columns(labels: Tensor, count: int) -> bool:
    """Whether labels may be classes, one of so many outputs each.

    Of levels there is one output less than labels, and places may be left out by a number beyond all.
    """
    return count > 1 and int(labels.max()) < count


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
