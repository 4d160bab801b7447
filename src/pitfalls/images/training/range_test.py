"""Learning-rate range test: raise the rate step by step and see where the loss falls and bursts."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from pitfalls.display import Displayed
from pitfalls.errors import DivergenceError, InputError
from pitfalls.images.data import ImageDataset
from pitfalls.images.training.config import TrainConfig
from pitfalls.images.training.loop import train
from pitfalls.images.training.records import StepRecord
from pitfalls.images.training.state import unwrapped

if TYPE_CHECKING:
    from pitfalls.plots import Axes

__all__ = ["RangeTest", "learning_rate_range"]

MEMORY = 0.9  # of the moving average over steps
WARM_UP = 10  # steps before the average means something
MARGIN = 3.0  # standard deviations that a fall or a rise must exceed to be more than noise
BURST = 3.0  # times the lowest smoothed loss, or as far above one below 0: the rate is too high


@dataclass(frozen=True, repr=False)
class RangeTest(Displayed):
    """The loss at every rate tried.

    Attributes
    ----------
    rates, losses, smoothed : ndarray of shape (n,)
        The rate of each step, the loss before it, and its bias-corrected moving average.
    steepest : float or None
        The rate at which the smoothed loss falls fastest per factor of rate: a good peak rate.
    lowest : float or None
        The rate of the lowest smoothed loss; beyond it training gets worse.
    undecided : str
        Why there are no such rates, in a sentence; empty where there are. A range that ends before
        the loss has turned does not show them, and neither does a loss that falls by less than its
        noise.
    diverged : bool
        Whether the test ended early because the loss burst.
    """

    rates: npt.NDArray[np.float64]
    losses: npt.NDArray[np.float64]
    smoothed: npt.NDArray[np.float64]
    steepest: float | None
    lowest: float | None
    undecided: str
    diverged: bool

    TABLE = ("rates", "losses", "smoothed")

    def plot(self, ax: "Axes | None" = None) -> "list[Axes]":
        """Draw the loss against the rate, with the rates that it shows and return the axes.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw (default: a new figure).
        """
        from pitfalls.plots import draw_range, drawing_on

        with drawing_on(ax) as axis:
            draw_range(axis, self.rates, self.losses, self.smoothed, self.steepest, self.lowest)
        return [axis]


class _BurstError(Exception):
    """The loss has left the useful range."""


def learning_rate_range(
    model: nn.Module,
    data: ImageDataset | Dataset[Any] | DataLoader[Any],
    config: TrainConfig,
    *,
    start: float = 1e-5,
    stop: float = 10.0,
    steps: int = 100,
    device: torch.device | str = "cpu",
    on_progress: Callable[[int, int], None] | None = None,
) -> RangeTest:
    """Train a copy of a model for some steps while the rate grows geometrically.

    Parameters
    ----------
    model : Module
        Left as it is.
    data, config
        As of `train`; the config's scheme and epochs do not matter.
    start, stop : float
        First and last rate.
    steps : int, default=100
        Number of rates, at least 3.
    on_progress : callable, optional
        Called with (steps done, steps in all).

    Returns
    -------
    RangeTest

    References
    ----------
    Smith. Cyclical learning rates for training neural networks. WACV 2017.

    Examples
    --------
    The loss falls, and rises again where the rate is too high:

    .. plot::
       :include-source:

       import torch
       from torch import nn
       from pitfalls.images import DataConfig, TrainConfig, learning_rate_range, load_dataset

       torch.manual_seed(0)
       digits = load_dataset(DataConfig("digits", subset_train=500))
       linear = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
       config = TrainConfig(batch_size=50, flip="none")
       learning_rate_range(linear, digits, config, start=1e-4, stop=100.0).plot()
    """
    if not 0 < start < stop < float("inf") or steps < 3:
        raise InputError(
            "learning_rate_range: needs 0 < start < stop and at least 3 steps. Got "
            f"start={start}, stop={stop}, steps={steps} instead."
        )
    records: list[StepRecord] = []
    smoothed: list[float] = []
    average = 0.0

    def rate(previous: float, epoch: int, batch: int, n_batches: int) -> float:
        step = min(epoch * n_batches + batch, steps - 1)
        return float(start * (stop / start) ** (step / (steps - 1)))

    def keep(record: StepRecord) -> None:
        nonlocal average
        records.append(record)
        average = MEMORY * average + (1 - MEMORY) * record.loss
        smoothed.append(average / (1 - MEMORY ** len(records)))
        if on_progress is not None:
            on_progress(len(records), steps)
        low = min(smoothed)
        if len(records) >= steps or smoothed[-1] - low > (BURST - 1) * abs(low):
            raise _BurstError

    # An epoch may be a single step: as many epochs as steps are always enough.
    endless = replace(config, epochs=steps, averaging=None, warmup=0.0, patience=None, keep="last")
    unseen = _without_validation(data) if isinstance(data, ImageDataset) else data
    diverged = True
    trained = _copied(model)
    try:
        train(trained, unseen, endless, rate=rate, device=device, on_step=keep)
    except _BurstError:
        diverged = len(records) < steps
    except DivergenceError:
        pass
    if len(records) < 3:
        raise DivergenceError(
            f"learning_rate_range: the loss bursts within {len(records)} steps of rate {start:g}. "
            "Start lower."
        )
    return _read(
        np.array([record.rate for record in records]),
        np.array([record.loss for record in records]),
        np.array(smoothed),
        diverged=diverged,
    )


def _copied(model: nn.Module) -> nn.Module:
    """Copy a model, and tell the copy its first epoch alone: the passes that a test takes are no epochs."""
    try:
        trained = copy.deepcopy(model)
    except ValueError as error:  # of torch's lazy batch normalisation there is no copy
        raise InputError(
            "learning_rate_range: the model cannot be copied before its lazy layers have their sizes. "
            "Call it on two images first."
        ) from error
    inner: Any = unwrapped(trained)
    if (told := getattr(inner, "set_epoch", None)) is not None:
        inner.set_epoch = lambda epoch: told(0) if epoch == 0 else None
    return trained


def _read(
    rates: npt.NDArray[np.float64],
    losses: npt.NDArray[np.float64],
    smoothed: npt.NDArray[np.float64],
    *,
    diverged: bool,
) -> RangeTest:
    """Find the rates that a curve shows, or say why it shows none."""
    # The average of the first few losses is still their noise; beyond the lowest it is no descent.
    first, last = min(WARM_UP, len(rates) // 2), len(rates) - 1
    lowest = first + int(smoothed[first:].argmin())
    level = losses[: first + 1].mean()
    # Before the burst neighbouring losses differ by little but noise; medians, because a burst
    # announces itself by single steps. A mean of n keeps 1/n of its variance, the average (1−m)/(1+m).
    spread = float(np.median(np.abs(np.diff(losses[: lowest + 2])))) / (0.6745 * 2**0.5)
    noise = spread * (1 / (first + 1) + (1 - MEMORY) / (1 + MEMORY)) ** 0.5
    fall = float(level - smoothed[lowest])
    # The descent is what follows the last look back at the first level: before, slopes are noise.
    begin = max((k for k in range(first, lowest + 1) if smoothed[k] >= level), default=first)
    slope = np.gradient(smoothed, np.log(rates))
    steepest = begin + int(slope[begin : lowest + 1].argmin())
    undecided = ""
    if fall <= MARGIN * noise:
        undecided = "the loss falls by no more than its noise"
    elif not diverged and smoothed[last] - smoothed[lowest] <= MARGIN * noise:
        at = np.format_float_positional(rates[-1], precision=3, fractional=False, trim="-")
        undecided = f"the loss still falls at the last rate, {at}: try higher ones"
    elif steepest in (first, last):
        undecided = "the loss falls fastest at an end of the range: try a wider one"
    return RangeTest(
        rates=rates,
        losses=losses,
        smoothed=smoothed,
        steepest=None if undecided else float(rates[steepest]),
        lowest=None if undecided else float(rates[lowest]),
        undecided=undecided,
        diverged=diverged,
    )


def _without_validation(data: ImageDataset) -> ImageDataset:
    """Return the data without their validation set, which a range test has no use for."""
    return replace(
        data,
        validation_images=data.validation_images[:0],
        validation_labels=data.validation_labels[:0],
        validation_indices=data.validation_indices[:0],
    )
