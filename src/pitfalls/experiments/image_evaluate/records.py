"""What is asked, and what was found."""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray

from pitfalls.display import Displayed
from pitfalls.errors import InputError, PitfallsError
from pitfalls.experiments.image_confusion import Confusion
from pitfalls.experiments.image_shares import Share
from pitfalls.experiments.image_sheets import Sheet
from pitfalls.experiments.image_source import EvaluatedPart, ImageSource, Pictures, called
from pitfalls.experiments.image_start import weights_recorded
from pitfalls.frame import HIDDEN, Result
from pitfalls.runs import NOT_IDENTITY, RunStore

__all__ = [
    "Answers",
    "Calibration",
    "Confidence",
    "EvaluateConfig",
    "EvaluateResult",
    "Looks",
    "Views",
]

Views = Literal["plain", "mirror", "six"]

FEWEST = 30
"""Images from which on a mean is said to lean to one side."""


@dataclass(frozen=True)
class EvaluateConfig:
    """A trained network, and the images to look at.

    Parameters
    ----------
    trained_run : str
        Id of the run that trained it.
    weights_sha256 : str
        Which weights it must have; empty: whatever that run holds.
    trained_folder : str
        The run's folder; empty: beside this one.
    source : ImageSource or None
        Data other than those of that run, or the same ones where they lie now.
    member : int
        Which of the run's trainings, counted from 0.
    part : {"validation", "test", "all"}
        Which images; all only of other data.
    views : {"plain", "mirror", "six"}
        Average the answers over an image and its mirror image, or over six views.
    model : str, optional
        A network of your own must be named again, as file.py:Name or package.module:Name, whose code
        is run: a run's folder alone never says what is run.
    attribution : bool
        Show what the network looks at in its worst mistakes (integrated gradients); needs pip install
        'pitfalls[attribution]'.
    device : str
        Where the network runs.
    """

    trained_run: Annotated[str, HIDDEN] = ""
    weights_sha256: Annotated[str, HIDDEN] = ""
    trained_folder: Annotated[str, HIDDEN] = field(default="", metadata=NOT_IDENTITY)
    source: Annotated[ImageSource | None, HIDDEN] = None
    member: int = 0
    part: EvaluatedPart = "test"
    views: Views = "plain"
    model: str | None = field(default=None, metadata=NOT_IDENTITY)
    attribution: bool = False
    device: str = field(default="cpu", metadata=NOT_IDENTITY)

    def __post_init__(self) -> None:
        if self.member < 0:
            raise InputError(
                f"EvaluateConfig: member must be at least 0. Got {self.member} instead."
            )

    def still_holds(self, result: "EvaluateResult", store: RunStore) -> bool:
        """Whether a result is of the weights that the run holds now; True where none are there."""
        if self.weights_sha256:
            return True
        try:
            trained = store.find(self.trained_folder or self.trained_run)
        except PitfallsError:
            return True
        return weights_recorded(trained, self.member) in (None, result.weights_sha256)


@dataclass(frozen=True, repr=False)
class Calibration(Displayed):
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
class Confidence:
    """How well a network's probabilities fit its answers.

    Attributes
    ----------
    temperature : float
        What its logits are divided by.
    loss : float
        Mean cross-entropy in nats.
    calibration : Calibration
    """

    temperature: float
    loss: float
    calibration: Calibration


@dataclass(frozen=True, repr=False)
class Looks(Displayed):
    """What the network looks at in its first mistakes.

    Attributes
    ----------
    maps : array of shape (m, H, W), float32
        How much each pixel speaks for the answer, in units of its logit.
    logits : array of shape (m,)
        What each map should add up to: the answer's logit less that of a picture of the mean colour.
    gaps : array of shape (m,)
        By how much it does not.
    """

    maps: NDArray[np.float32]
    logits: NDArray[np.float64]
    gaps: NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class Answers(Displayed):
    """Image by image, in the order of the part.

    Attributes
    ----------
    labels, predictions : array of shape (n,), int
    confidences : array of shape (n,)
        Probability of the predicted class, calibrated if that is known how.
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
    is_other : bool
        Whether they are other data than those it was trained on.
    part : {"validation", "test", "all"}
    views : {"plain", "mirror", "six"}
    trained_run : str
    member : int
    weights_sha256 : str
        Of the network.
    confusion : Confusion
    top5 : Share or None
        How often the class was among the five likeliest; None with at most five classes.
    as_trained : Confidence
    calibrated : Confidence or None
        With the temperature that fits the validation images; None if there is none for these views.
    answers : Answers
    worst : array of shape (m, C, H, W), uint8
        The images of the first mistakes.
    looks : Looks or None
        If it was asked for.
    shown : array of int
        Places of the images whose thumbnails the sheet has, in its order.
    sheet : Sheet
        The most confident images of every cell of the confusion matrix.
    """

    pictures: Pictures
    is_other: bool
    part: EvaluatedPart
    views: Views
    trained_run: str
    member: int
    weights_sha256: str
    confusion: Confusion
    top5: Share | None
    as_trained: Confidence
    calibrated: Confidence | None
    answers: Answers
    worst: NDArray[np.uint8]
    looks: Looks | None
    shown: NDArray[np.int64]
    sheet: Sheet

    def table(self, field: str | None = None) -> dict[str, list[Any]]:
        """Return the columns of a table; those of ``confusion`` are called by the classes."""
        if field in ("confusion", "confusion.counts"):
            return self.confusion.by_name(self.pictures.class_names)
        return super().table(field)

    @property
    def confidence(self) -> Confidence:
        """The calibrated one, if there is one."""
        return self.as_trained if self.calibrated is None else self.calibrated

    @property
    def loss(self) -> float:
        """Mean cross-entropy in nats, calibrated if that is known how."""
        return self.confidence.loss

    @property
    def calibration(self) -> Calibration:
        """Of `confidence`."""
        return self.confidence.calibration

    @property
    def noun(self) -> str:
        """What one of the images is called."""
        return "image" if self.part == "all" else f"{called(self.part)} image"

    @property
    def constant(self) -> float:
        """The share that always naming one class gets right.

        Of the data that it was trained on the training set's commonest class, of others their own.
        """
        return self.pictures.constant("test" if self.part == "all" else self.part)
