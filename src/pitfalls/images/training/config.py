"""What image training is told; needs nothing heavy, so that a command can offer it as options."""

import math
import operator
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_type_hints

from pitfalls.errors import InputError
from pitfalls.images.training.schedules import schedule

__all__ = ["Scheme", "TrainConfig"]

Scheme = Literal["constant", "annealed", "special", "one_cycle", "linear", "cosine"]

COUNTS = ("epochs", "batch_size", "micro_batches", "checkpoint_every")
POSITIVE = ("muon_rate", "bias_rate", "other_rate")
CHOICES = ("optimizer", "loss", "precision", "padding_mode", "flip")
SHARES = ("label_smoothing", "momentum", "muon_momentum", "averaging")


@dataclass(frozen=True)
class TrainConfig:
    """How to train; the defaults are the homework's.

    Parameters
    ----------
    epochs : int
        Passes over the training set.
    batch_size : int
        Images a step of the optimiser, over all processes and micro-batches. Where the last batch
        would hold less than a quarter of that, or one image, they join the one before.
    scheme : str
        Learning-rate scheme.
    rate : float, optional
        The scheme's rate, annealing factor or peak (default: the scheme's own).
    optimizer : {"sgd", "muon"}
        With muon the scheme is a factor on the three rates below: give rate 1.
    momentum : float
        Of SGD.
    nesterov : bool
        Nesterov's form of momentum.
    weight_decay : float
        Of SGD.
    muon_rate : float
        Rate of convolutions under muon.
    muon_momentum : float
        Momentum of convolutions under muon.
    bias_rate : float
        Rate of biases under muon.
    other_rate : float
        Rate of all other weights under muon.
    label_smoothing : float
        Share of each target that is spread over all classes.
    loss : {"mean", "sum"}
        Whether the loss of a batch is the mean or the sum of its images' losses.
    averaging : float, optional
        Decay a step of a moving average of weights and buffers, 0.99 say; the average is what is
        tested and kept. It is warmed up: min(averaging, (1 + t)/(10 + t)) at step t.
    precision : {"float32", "bfloat16", "auto"}
        bfloat16 keeps weights, statistics and loss in float32; auto takes it where the processor
        has units for it.
    channels_last : bool
        Memory format of images and weights; faster on processors and on GPUs with tensor cores.
    micro_batches : int
        Split each process' share of a batch to save memory; the step stays the same but for batch
        normalisation, which sees one micro-batch at a time.
    crop_padding : int, optional
        Border for random crops (default: an eighth of the image; 0: no crops).
    padding_mode : {"constant", "edge", "reflect", "symmetric"}
        What the border shows.
    flip : {"random", "alternating", "none", "auto"}
        Mirror images at random, or at random once and then in every other epoch; auto mirrors at
        random where a mirrored picture keeps its class, and asks where that is neither known nor to
        be measured.
    image_sizes : tuple of int
        Side in pixels to which the images of the first, second, ... epoch are scaled; the last one
        holds from there on (default: as they are).
    checkpoint_every : int
        Steps between checkpoints; the end of an epoch always makes one.
    seed : int
        Of order and augmentation.
    """

    epochs: int = 1
    batch_size: int = 128
    scheme: Scheme = "special"
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
    precision: Literal["float32", "bfloat16", "auto"] = "float32"
    channels_last: bool = True
    micro_batches: int = 1
    crop_padding: int | None = None
    padding_mode: Literal["constant", "edge", "reflect", "symmetric"] = "constant"
    flip: Literal["random", "alternating", "none", "auto"] = "random"
    image_sizes: tuple[int, ...] = ()
    checkpoint_every: int = field(default=50, metadata={"identity": False})
    seed: int = 123

    def __post_init__(self) -> None:
        for name in COUNTS:
            if _whole(getattr(self, name)) < 1:
                self._refuse(name, "at least 1")
        if self.crop_padding is not None and _whole(self.crop_padding) < 0:
            self._refuse("crop_padding", "a whole number of pixels, not negative")
        if any(_whole(size) < 1 for size in self.image_sizes):
            self._refuse("image_sizes", "positive")
        hints = get_type_hints(TrainConfig)
        for name in CHOICES:
            if getattr(self, name) not in get_args(hints[name]):
                self._refuse(name, " or ".join(get_args(hints[name])))
        for name in SHARES:
            value = getattr(self, name)
            if value is not None and not 0 <= value < 1:
                self._refuse(name, "in [0, 1)")
        if self.nesterov and self.momentum == 0:
            raise InputError(
                "TrainConfig: Nesterov's momentum must be positive. Got 0; leave nesterov out."
            )
        if not 0 <= self.weight_decay < math.inf:
            self._refuse("weight_decay", "finite and not negative")
        for name in POSITIVE:
            if not 0 < getattr(self, name) < math.inf:
                self._refuse(name, "positive and finite")
        schedule(self.scheme, self.epochs, self.rate)  # refuses what is no scheme, or no rate of it

    def _refuse(self, name: str, what: str) -> None:
        raise InputError(
            f"TrainConfig: {name} must be {what}. Got {getattr(self, name)!r} instead."
        )


def _whole(value: Any) -> float:
    """Return a whole number, and below every bound what is none."""
    try:
        return operator.index(value)
    except TypeError:
        return -math.inf
