"""How to train, and what a run hands out: plain frozen records."""

from dataclasses import dataclass, field
from typing import Any, Literal

from torch import Tensor

__all__ = ["EpochRecord", "StepRecord", "TrainConfig", "TrainResult", "TrainState"]


@dataclass(frozen=True)
class TrainConfig:
    """How to train; the defaults are the homework's.

    Attributes
    ----------
    epochs, batch_size : int
        A batch is what one step of the optimiser sees, over all processes and micro-batches.
        Where the last one would hold less than a quarter of that, or one image, they join the
        one before.
    scheme : str
        Learning-rate scheme: ``constant``, ``annealed``, ``special``, ``one_cycle``, ``linear``,
        ``cosine``.
    rate : float, optional
        The scheme's rate, factor or peak; its own default if None.
    optimizer : {"sgd", "muon"}
        With Muon the scheme is a factor on the three rates below, so give it ``rate=1``.
    momentum, nesterov, weight_decay
        Of SGD.
    muon_rate, muon_momentum, bias_rate, other_rate : float
        Rates of convolutions, biases and the rest under Muon.
    label_smoothing : float
        Share of the target spread evenly over all classes.
    loss : {"mean", "sum"}
        Whether the loss of a batch is the mean or the sum of its images' losses.
    averaging : float, optional
        Decay, a step, of an exponential moving average of weights and buffers; evaluated and
        returned in place of the last weights. It is warmed up: min(averaging, (1 + t)/(10 + t)) at
        step t.
    precision : {"float32", "bfloat16"}
        bfloat16 is mixed precision: weights, statistics and loss stay in float32.
    channels_last : bool
        Memory format of images and weights; faster on CPUs and on GPUs with tensor cores.
    micro_batches : int
        Split each process' share of a batch to save memory; gradients add up to the same step.
        Batch normalisation sees one micro-batch at a time.
    crop_padding : int, optional
        Border for random crops: an eighth of the image if None; 0 for none.
    padding_mode : {"constant", "edge", "reflect", "symmetric"}
        What the border shows, as in `pitfalls.images.RandomCrop`.
    flip : {"random", "alternating", "none"}
        Mirror images at random, or at random once and then in every other epoch.
    image_sizes : tuple of int
        Side in pixels to which the images of epoch 0, 1, ... are scaled; the last one holds from
        there on. Empty: as they are.
    checkpoint_every : int
        Steps between states handed to ``on_checkpoint``; the end of an epoch always hands one.
    seed : int
        Of order and augmentation.
    """

    epochs: int = 1
    batch_size: int = 128
    scheme: str = "special"
    rate: float | None = None
    optimizer: Literal["sgd", "muon"] = "sgd"
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 0.0
    muon_rate: float = 0.24
    muon_momentum: float = 0.6
    bias_rate: float = 0.053
    other_rate: float = 0.67
    label_smoothing: float = 0.0
    loss: Literal["mean", "sum"] = "mean"
    averaging: float | None = None
    precision: Literal["float32", "bfloat16"] = "float32"
    channels_last: bool = True
    micro_batches: int = 1
    crop_padding: int | None = None
    padding_mode: str = "constant"
    flip: Literal["random", "alternating", "none"] = "random"
    image_sizes: tuple[int, ...] = ()
    checkpoint_every: int = field(default=50, metadata={"identity": False})
    seed: int = 123


@dataclass(frozen=True)
class StepRecord:
    """One step: what it saw and did. Loss and accuracy are those before the update."""

    step: int
    epoch: int
    batch: int
    rate: float
    loss: float
    accuracy: float


@dataclass(frozen=True)
class EpochRecord:
    """One epoch: means over its steps, in training mode, and the validation set's after it.

    The validation values are None where the data have no validation set.
    """

    epoch: int
    step: int
    train_loss: float
    train_accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None


@dataclass(frozen=True)
class TrainState:
    """All that a run needs to go on: tensors by name, and plain JSON values."""

    tensors: dict[str, Tensor]
    meta: dict[str, Any]

    @property
    def step(self) -> int:
        """Steps done."""
        return int(self.meta["step"])


@dataclass(frozen=True)
class TrainResult:
    """A finished run; the model holds the final (or averaged) weights.

    Attributes
    ----------
    epochs : tuple of EpochRecord
    steps : int
    seconds, cpu_seconds : float
        Wall time and this process' processor time of the training steps: everything from picking
        a batch's indices to the update, without evaluation and checkpoints.
    """

    epochs: tuple[EpochRecord, ...]
    steps: int
    seconds: float
    cpu_seconds: float
