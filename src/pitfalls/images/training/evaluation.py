"""What a trained network gets right and wrong: accuracy, confusion, calibration, worst mistakes."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from pitfalls.display import Displayed
from pitfalls.errors import InputError
from pitfalls.images.networks import normalize
from pitfalls.images.networks.outputs import input_dtype, logits_of
from pitfalls.images.training.foreign import each_batch

if TYPE_CHECKING:
    from pitfalls.plots import Axes

__all__ = ["Evaluation", "Views", "evaluate", "predict_dataset", "predict_logits"]

Views = Literal["plain", "mirror", "six"]


@dataclass(frozen=True, repr=False)
class Evaluation(Displayed):
    """How a classifier does on labelled images.

    Attributes
    ----------
    accuracy, loss : float
        Share of images classified right; mean cross-entropy in nats.
    confusion : ndarray of shape (n_classes, n_classes), int
        Row: the true class; column: the predicted one.
    class_accuracy : ndarray of shape (n_classes,)
        Accuracy within each true class; NaN where there are no images.
    calibration_error : float
        Expected calibration error: the mean distance of confidence from accuracy over the bins.
    bin_confidence, bin_accuracy, bin_count : ndarray of shape (n_bins,)
        The reliability diagram; NaN in empty bins.
    predictions : ndarray of shape (n,), int
        The predicted classes.
    confidences : ndarray of shape (n,)
        Probability given to the predicted class.
    mistakes : ndarray of int
        Indices of the wrong images, the most confident mistake first.
    """

    accuracy: float
    loss: float
    confusion: npt.NDArray[np.int64]
    class_accuracy: npt.NDArray[np.float64]
    calibration_error: float
    bin_confidence: npt.NDArray[np.float64]
    bin_accuracy: npt.NDArray[np.float64]
    bin_count: npt.NDArray[np.int64]
    predictions: npt.NDArray[np.int64]
    confidences: npt.NDArray[np.float64]
    mistakes: npt.NDArray[np.int64]

    TABLE = ("predictions", "confidences")

    def plot(
        self, ax: "Axes | None" = None, class_names: Sequence[str] | None = None
    ) -> "list[Axes]":
        """Draw the confusion matrix, its mistakes in colour, and return the axes.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw (default: a new figure).
        class_names : sequence of str, optional
            Default: the classes' numbers.
        """
        from pitfalls.plots import draw_confusion, drawing_on, verbatim

        names = class_names or [str(k) for k in range(len(self.confusion))]
        with drawing_on(ax) as axis:
            draw_confusion(axis, self.confusion, [verbatim(name) for name in names])
        return [axis]


@torch.no_grad()
def predict_logits(
    model: nn.Module,
    images: Tensor | npt.NDArray[np.uint8],
    mean: Sequence[float],
    std: Sequence[float],
    *,
    views: Views = "plain",
    batch_size: int = 512,
    device: torch.device | str = "cpu",
    on_progress: Callable[[int, int], None] | None = None,
) -> Tensor:
    """Run a network over images in evaluation mode, without gradients, in its own precision.

    Parameters
    ----------
    model : Module
        Maps normalised images (B, C, H, W) to logits (B, n_classes). Its mode is put back.
    images : Tensor or ndarray of shape (n, C, H, W), uint8
        Raw bytes.
    mean, std : sequence of float
        Normalisation, one value a channel.
    views : {"plain", "mirror", "six"}, default="plain"
        ``"mirror"`` averages the logits of each image and its mirror image; ``"six"`` averages that
        with the same for the image shifted one pixel along each end of the diagonal.
    batch_size : int, default=512
        Images at a time; the answer does not depend on it.
    device : device, default="cpu"
        Where the model is.
    on_progress : callable, optional
        Called with (images done, images in all).

    Returns
    -------
    Tensor of shape (n, n_classes)
        On the CPU.
    """
    tensor = torch.as_tensor(images)
    if tensor.ndim != 4 or tensor.dtype != torch.uint8:
        raise InputError(
            "predict_logits: images must be uint8 of shape (n, C, H, W). Got "
            f"{tensor.dtype} of shape {tuple(tensor.shape)} instead."
        )
    if batch_size < 1:
        raise InputError(
            f"predict_logits: batch_size must be at least 1. Got {batch_size} instead."
        )
    answers, dtype = [], input_dtype(model)
    with _evaluating(model):
        for start in range(0, len(tensor), batch_size):
            batch = normalize(tensor[start : start + batch_size].to(device), mean, std)
            answers.append(_answer(_averaged(model, batch.to(dtype), views)))
            if on_progress is not None:
                on_progress(min(start + batch_size, len(tensor)), len(tensor))
    if not answers:
        raise InputError("predict_logits: there are no images.")
    return torch.cat(answers)


@torch.no_grad()
def predict_dataset(
    model: nn.Module,
    data: Dataset[Any] | DataLoader[Any],
    *,
    batch_size: int = 512,
    device: torch.device | str = "cpu",
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[Tensor, Tensor]:
    """Run a network over a Dataset of (image, label), or a DataLoader, once through.

    Parameters
    ----------
    model : Module
        In evaluation mode, without gradients; its mode is put back.
    data : Dataset or DataLoader
        Its bytes are scaled to [0, 1], its floats are taken as they are.
    batch_size : int, default=512
        Images of a Dataset at a time.
    device : device, default="cpu"
        Where the model is.
    on_progress : callable, optional
        Called with (images done, images in all).

    Returns
    -------
    logits : Tensor of shape (n, n_classes)
    labels : Tensor of shape (n,)
        Both on the CPU.
    """
    answers, truth, dtype = [], [], input_dtype(model)
    with _evaluating(model):
        for images, labels in each_batch(data, batch_size, on_progress):
            answers.append(_answer(logits_of(model(images.to(device, dtype)), 1, "evaluate")))
            truth.append(labels if labels.ndim == 1 else labels.argmax(1))
    if not answers:
        raise InputError("evaluate: the data set is empty.")
    return torch.cat(answers), torch.cat(truth)


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Put a model into evaluation mode; a part that was frozen by .eval() stays frozen afterwards."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def _answer(logits: Tensor) -> Tensor:
    """Bring logits to the CPU, in float64 where the network computes in it, else in float32."""
    return (logits if logits.dtype == torch.float64 else logits.float()).cpu()


def _averaged(model: nn.Module, batch: Tensor, views: Views) -> Tensor:
    if views == "plain":
        return logits_of(model(batch), 1, "predict_logits")
    if views == "mirror":
        return (_averaged(model, batch, "plain") + _averaged(model, batch.flip(3), "plain")) / 2
    if views != "six":
        raise InputError(f"predict_logits: views must be plain, mirror or six. Got {views!r}.")
    height, width = batch.shape[2:]
    padded = functional.pad(batch, (1, 1, 1, 1), mode="reflect")
    shifted = [padded[:, :, i : i + height, i : i + width] for i in (0, 2)]
    moved = [_averaged(model, view, "mirror") for view in shifted]
    return (_averaged(model, batch, "mirror") + (moved[0] + moved[1]) / 2) / 2


def _checked(
    logits: Tensor | npt.NDArray[np.floating[Any]], labels: npt.ArrayLike
) -> tuple[Tensor, Tensor]:
    """Return logits in float64 and labels in int64, after a look at both."""
    scores = torch.as_tensor(logits).detach().cpu()
    truth = np.asarray(labels.detach().cpu() if isinstance(labels, Tensor) else labels)
    if scores.ndim != 2 or truth.shape != scores.shape[:1] or 0 in scores.shape:
        raise InputError(
            "evaluate: logits must have shape (n, n_classes) and labels (n,), n ≥ 1. Got "
            f"{tuple(scores.shape)} and {truth.shape} instead."
        )
    if scores.is_complex() or not bool(scores.isfinite().all()):
        bad = int((~scores.isfinite()).any(dim=1).sum())
        raise InputError(
            "evaluate: logits must be finite real numbers. Got "
            + (
                "complex ones"
                if scores.is_complex()
                else f"{bad} of {len(scores)} rows with others"
            )
            + "; a network that gives them has no accuracy."
        )
    if truth.dtype.kind not in "biuf" or not np.array_equal(truth, np.floor(truth)):
        raise InputError(
            f"evaluate: labels must be whole numbers, the columns of the logits. Got {truth.dtype} "
            "ones that are not; number the classes from 0."
        )
    if truth.min() < 0 or truth.max() >= scores.shape[1]:
        raise InputError(
            f"evaluate: labels must be from 0 to {scores.shape[1] - 1}, one column of the logits "
            f"each. Got labels from {truth.min():g} to {truth.max():g} instead."
        )
    return scores.double(), torch.from_numpy(truth.astype(np.int64))


def evaluate(
    logits: Tensor | npt.NDArray[np.floating[Any]] | nn.Module,
    labels: npt.ArrayLike | Dataset[Any] | DataLoader[Any],
    n_bins: int = 15,
) -> Evaluation:
    """Compare logits with labels, or a network's with those of a data set.

    Parameters
    ----------
    logits : Tensor or ndarray of shape (n, n_classes), or Module
        Unnormalised log-probabilities, finite; or the network that gives them, where it is.
    labels : array of shape (n,), int, or Dataset or DataLoader
        The true classes, from 0 to n_classes - 1; floats if they are whole. Beside a network the data
        set of (image, label) that it is asked about, as of `predict_dataset`.
    n_bins : int, default=15
        Bins of equal width for the calibration error.

    Raises
    ------
    InputError
        If shapes do not match, a logit is not finite or a label is none of the classes.

    References
    ----------
    Guo, Pleiss, Sun, Weinberger. On calibration of modern neural networks. ICML 2017.

    Examples
    --------
    >>> result = evaluate(torch.tensor([[2.0, 0.0], [0.0, 1.0], [3.0, 0.0]]), [0, 1, 1])
    >>> round(result.accuracy, 3), result.mistakes.tolist(), result.confusion.tolist()
    (0.667, [2], [[1, 0], [1, 1]])

    The confusion matrix of a linear classifier of digits:

    .. plot::
       :include-source:

       import numpy as np
       from pitfalls.images import DataConfig, LeastSquaresClassifier, evaluate, load_dataset

       digits = load_dataset(DataConfig("digits"))
       x, test = digits.train_images.reshape(-1, 64), digits.test_images.reshape(-1, 64)
       linear = LeastSquaresClassifier(ridge=1e-3).fit(x, digits.train_labels)
       evaluate(linear.decision_function(test), digits.test_labels).plot()
    """
    if isinstance(logits, nn.Module):
        if not isinstance(labels, Dataset | DataLoader):
            raise InputError(
                "evaluate: beside a network there must be a Dataset or a DataLoader. Got a "
                f"{type(labels).__name__} instead; predict_logits takes arrays of images."
            )
        where = next(logits.parameters(), torch.empty(0)).device
        logits, labels = predict_dataset(logits, labels, device=where)
    if isinstance(labels, Dataset | DataLoader):
        raise InputError("evaluate: a data set of images needs the network, not its logits.")
    scores, truth = _checked(logits, labels)
    if n_bins < 1:
        raise InputError(f"evaluate: n_bins must be at least 1. Got {n_bins} instead.")
    n_classes = scores.shape[1]
    probabilities = scores.softmax(1)
    confidence, predicted = probabilities.max(1)
    right = predicted == truth
    cells = truth * n_classes + predicted
    confusion = torch.bincount(cells, minlength=n_classes**2).reshape(n_classes, n_classes)
    per_class = confusion.diagonal() / confusion.sum(1)  # 0/0 is NaN, as promised
    # Bins (0, 1/m], ..., ((m-1)/m, 1]
    place = (confidence * n_bins).ceil().long().sub(1).clamp(0, n_bins - 1)
    count = torch.bincount(place, minlength=n_bins)
    mean_confidence = torch.bincount(place, confidence, n_bins) / count
    mean_accuracy = torch.bincount(place, right.double(), n_bins) / count
    gap = (mean_confidence - mean_accuracy).abs().nan_to_num(0.0)
    wrong = (~right).nonzero().flatten()
    return Evaluation(
        accuracy=float(right.double().mean()),
        loss=float(functional.cross_entropy(scores, truth)),
        confusion=confusion.numpy(),
        class_accuracy=per_class.double().numpy(),
        calibration_error=float((gap * count).sum() / len(truth)),
        bin_confidence=mean_confidence.numpy(),
        bin_accuracy=mean_accuracy.numpy(),
        bin_count=count.numpy(),
        predictions=predicted.numpy(),
        confidences=confidence.numpy(),
        mistakes=wrong[confidence[wrong].argsort(descending=True, stable=True)].numpy(),
    )
