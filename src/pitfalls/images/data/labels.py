"""From stored labels to 0..k-1 with names: no phantom class, nothing truncated."""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pitfalls.errors import DataError

__all__ = ["composed", "encode_labels"]

LARGEST = 10_000  # a number without a name that is no class any more

Labels = dict[str, npt.NDArray[np.int64]]


def composed(name: str) -> str:
    r"""Return a name in Unicode's composed form: file systems and programs write é in one way or two.

    Examples
    --------
    >>> composed("e\u0301") == "\u00e9"
    True
    """
    return unicodedata.normalize("NFC", name)


def encode_labels(
    parts: Mapping[str, npt.ArrayLike], where: str, class_names: Sequence[str] | None = None
) -> tuple[Labels, tuple[str, ...], tuple[str, ...]]:
    """Give the classes of all parts together their numbers.

    Parameters
    ----------
    parts : mapping of str to array-like
        The labels of each part: whole numbers (integers, or floats without fractions), text,
        booleans, or one-hot rows; of shape (n,) or (n, 1) or (n, n_classes).
    where : str
        What messages call the source.
    class_names : sequence of str, optional
        Names of the labels 0, 1, ...; without them the labels that occur are the classes.

    Returns
    -------
    labels : dict of ndarray of shape (n,), int64
        From 0 to ``len(names) - 1``.
    names : tuple of str
    words : tuple of str
        What was inferred.

    Raises
    ------
    DataError
        If labels are none of these, or do not fit the names.
    """
    if class_names is not None:
        class_names = tuple(composed(str(name)) for name in class_names)
    if class_names is not None and len(set(class_names)) < len(class_names):
        raise DataError(
            f"{where}: class names must differ, got {', '.join(map(str, class_names))[:80]}."
        )
    flat = {
        part: _flatten(np.asarray(labels), f"{where}: {part}") for part, labels in parts.items()
    }
    kinds = {labels.dtype.kind for labels in flat.values()}
    if len(kinds) > 1:
        raise DataError(f"{where}: labels are text in one part and numbers in another.")
    if kinds == {"U"}:
        return _by_text(flat, where, class_names)
    if class_names is not None:
        return dict(flat), tuple(class_names), ()
    return _by_number(flat, where)


def _flatten(labels: npt.NDArray[Any], where: str) -> npt.NDArray[Any]:
    """Return labels of shape (n,), as int64 or as text."""
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim == 2 and labels.dtype.kind in "iufb":
        if not (np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) == 1).all()):
            raise DataError(f"{where} has shape {labels.shape} but is not one-hot.")
        labels = labels.argmax(axis=1)
    if labels.dtype.kind == "S":
        try:
            labels = np.char.decode(labels, "utf-8")
        except UnicodeDecodeError:  # two of them could become the same class
            raise DataError(f"{where} has labels that are no UTF-8; store them as text.") from None
    if labels.dtype.kind == "f" and _whole(labels):
        labels = labels.astype(np.int64)
    if labels.dtype.kind == "u" and labels.size and labels.max() > np.iinfo(np.int64).max:
        raise DataError(f"{where}: label {labels.max()} is out of range; labels count from 0.")
    if labels.ndim != 1 or labels.dtype.kind not in "iubU":
        raise DataError(
            f"{where} must be integers or text of shape (n,), got {labels.dtype} of shape "
            f"{labels.shape}."
        )
    if labels.dtype.kind != "U":
        return labels.astype(np.int64)
    return np.array([composed(label) for label in labels.tolist()], dtype=np.str_)


def _whole(labels: npt.NDArray[Any]) -> bool:
    return bool(np.isfinite(labels).all() and (labels == np.rint(labels)).all()) and bool(
        (np.abs(labels) < 2**53).all()
    )


def _by_text(
    parts: Mapping[str, npt.NDArray[Any]], where: str, class_names: Sequence[str] | None
) -> tuple[Labels, tuple[str, ...], tuple[str, ...]]:
    found = np.unique(np.concatenate(list(parts.values())))
    names = tuple(found.tolist()) if class_names is None else tuple(class_names)
    strangers = sorted(set(found.tolist()) - set(names))
    if strangers:
        raise DataError(f"{where}: {strangers[0]!r} is a label but not one of the class names.")
    number = {name: at for at, name in enumerate(names)}
    labels = {
        part: np.array([number[name] for name in given.tolist()], dtype=np.int64)
        for part, given in parts.items()
    }
    return labels, names, ()


def _by_number(
    parts: Mapping[str, npt.NDArray[np.int64]], where: str
) -> tuple[Labels, tuple[str, ...], tuple[str, ...]]:
    found = np.unique(np.concatenate(list(parts.values())))
    if not len(found):
        return dict(parts), (), ()
    if found[0] < 0:
        part, at = next(
            (p, int(np.argmax(labels < 0))) for p, labels in parts.items() if (labels < 0).any()
        )
        raise DataError(
            f"{where}: {part}: label {parts[part][at]} at index {at} is out of range; labels must "
            "not be negative."
        )
    if found[-1] >= LARGEST:
        raise DataError(
            f"{where}: the largest label is {found[-1]}; labels must count from 0, or be text."
        )
    names = tuple(str(label) for label in found)
    if len(found) == found[-1] + 1:
        return dict(parts), names, ()
    labels = {part: np.searchsorted(found, given) for part, given in parts.items()}
    missing = found[-1] + 1 - len(found)
    words = (
        f"{where}: labels from {found[0]} to {found[-1]} of which {missing:,} from 0 on do not "
        f"occur: the {len(found):,} that do are the classes.",
    )
    return labels, names, words
