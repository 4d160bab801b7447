"""What is asked, and what was found."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from pitfalls.errors import InputError
from pitfalls.experiments.image_confusion import Confusion
from pitfalls.experiments.image_sheets import Sheet
from pitfalls.experiments.image_source import Pictures
from pitfalls.frame import HIDDEN, Result
from pitfalls.runs import NOT_IDENTITY

__all__ = ["Answers", "Calibration", "EvaluateConfig", "EvaluateResult", "Views"]

Views = Literal["plain", "mirror", "six"]

FEWEST = 30
"""Images from which on a mean is said to lean to one side."""


@dataclass(frozen=True)
class EvaluateConfig:
    """A trained network, and the part of its data to look at.

    Parameters
    ----------
    trained_run : str
        Id of the run that trained it.
    weights_sha256 : str
        Which weights it must have; empty: whatever that run holds.
    trained_folder : str
        The run's folder; empty: beside this one.
    member : int
        Which of the run's trainings, counted from 0.
    part : {"validation", "test"}
        Which images.
    views : {"plain", "mirror", "six"}
        Average the answers over an image and its mirror image, or over six views.
    model : str, optional
        A network of your own must be named again, as file.py:Name or package.module:Name, whose code
        is run: a run's folder alone never says what is run.
    device : str
        Where the network runs.
    """

    trained_run: Annotated[str, HIDDEN] = ""
    weights_sha256: Annotated[str, HIDDEN] = ""
    trained_folder: Annotated[str, HIDDEN] = field(default="", metadata=NOT_IDENTITY)
    member: int = 0
    part: Literal["validation", "test"] = "test"
    views: Views = "plain"
    model: str | None = field(default=None, metadata=NOT_IDENTITY)
    device: str = field(default="cpu", metadata=NOT_IDENTITY)

    def __post_init__(self) -> None:
        if self.member < 0:
            raise InputError(
                f"EvaluateConfig: member must be at least 0. Got {self.member} instead."
            )


@dataclass(frozen=True)
class Calibration:
    """How sure a network is, against how often it is right.

    Attributes
    ----------
    error : float
        Expected calibration error: the mean distance of confidence from accuracy over the bins.
    mean_confidence : float
    excess : float
        Mean over the images of confidence less 1 for a right answer and 0 for a wrong one.
    excess_error : float
        Its standard error; NaN for one image.
    bin_confidence, bin_accuracy, bin_count : array of shape (n_bins,)
        Bins of equal width; NaN in empty ones.
    """

    error: float
    mean_confidence: float
    excess: float
    excess_error: float
    bin_confidence: NDArray[np.float64]
    bin_accuracy: NDArray[np.float64]
    bin_count: NDArray[np.int64]

    @property
    def n_bins(self) -> int:
        """How many bins there are, empty ones too."""
        return len(self.bin_count)

    @property
    def leaning(self) -> Literal["too sure", "not sure enough", "neither"]:
        """To which side confidence lies on the mean, by more than chance; neither for few images."""
        if self.bin_count.sum() < FEWEST or not abs(self.excess) > 1.96 * self.excess_error:
            return "neither"
        return "too sure" if self.excess > 0 else "not sure enough"


@dataclass(frozen=True)
class Answers:
    """Image by image, in the order of the part.

    Attributes
    ----------
    labels, predictions : array of shape (n,), int
    confidences : array of shape (n,)
        Probability of the predicted class.
    indices : array of shape (n,), int
        Where each image stood in its source.
    mistakes : array of int
        Places of the wrong ones, the most confident first.
    """

    labels: NDArray[np.int64]
    predictions: NDArray[np.int64]
    confidences: NDArray[np.float64]
    indices: NDArray[np.int64]
    mistakes: NDArray[np.int64]


@dataclass(frozen=True, repr=False)
class EvaluateResult(Result):
    """A trained network on images that it was not fitted to.

    Attributes
    ----------
    pictures : Pictures
    part : {"validation", "test"}
    views : {"plain", "mirror", "six"}
    trained_run : str
    member : int
    loss : float
        Mean cross-entropy in nats.
    confusion : Confusion
    calibration : Calibration
    answers : Answers
    worst : array of shape (m, C, H, W), uint8
        The images of the first mistakes.
    shown : array of int
        Places of the images whose thumbnails the sheet has, in its order.
    sheet : Sheet
        The most confident images of every cell of the confusion matrix.
    """

    TABLE = "answers"

    pictures: Pictures
    part: Literal["validation", "test"]
    views: Views
    trained_run: str
    member: int
    loss: float
    confusion: Confusion
    calibration: Calibration
    answers: Answers
    worst: NDArray[np.uint8]
    shown: NDArray[np.int64]
    sheet: Sheet
