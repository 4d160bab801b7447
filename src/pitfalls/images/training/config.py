"""What image training is told; needs nothing heavy, so that a command can offer it as options."""

import math
import operator
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args, get_type_hints

from pitfalls.errors import InputError
from pitfalls.images.training.schedules import SCHEMES, schedule
from pitfalls.named import is_named

__all__ = ["LOSSES", "OPTIMIZERS", "TRANSFORMS", "TrainConfig"]

OPTIMIZERS = ("sgd", "adamw", "muon")
LOSSES = ("cross_entropy",)
TRANSFORMS = ("crop", "flip")

COUNTS = ("epochs", "batch_size", "micro_batches", "checkpoint_every")
POSITIVE = ("muon_rate", "bias_rate", "other_rate", "clip")
CHOICES = ("reduction", "class_weights", "keep", "precision", "padding_mode", "flip")
SHARES = ("label_smoothing", "momentum", "muon_momentum", "averaging")
FOLLOW_A_PEAK = ("special", "one_cycle", "linear", "cosine")
OF_OPTIMIZERS = {
    "momentum": ("sgd", "muon"),
    "nesterov": ("sgd", "muon"),
    "weight_decay": OPTIMIZERS,
    **dict.fromkeys(("muon_rate", "muon_momentum", "bias_rate", "other_rate"), ("muon",)),
}
"""What is no setting of any other optimizer; one of the user's own has all of its own."""
OF_TRANSFORMS = {"crop_padding": "crop", "padding_mode": "crop", "flip": "flip"}
NOT_ASKED = {
    "crop_padding": (None, 0),
    "padding_mode": ("constant",),
    "flip": ("random", "none", "auto"),
}
"""Values that ask for nothing where the transform is left out: defaults, and what settles it."""


@dataclass(frozen=True)
class TrainConfig:
    """How to train; the defaults are the homework's.

    Scheme, optimizer, loss and transforms are built-in names or parts of your own, as file.py:name or
    package.module:name: naming one runs its code.

    Parameters
    ----------
    epochs : int
        Passes over the training set.
    batch_size : int
        Images a step of the optimiser, over all processes and micro-batches. Where the last batch
        would hold less than a quarter of that, or one image, they join the one before.
    scheme : str
        Learning-rate scheme: constant, annealed, special, one_cycle, linear, cosine, or your own
        function (previous rate, epoch, batch, batches an epoch) -> rate by name, whose code is run.
    rate : float, optional
        The scheme's rate, annealing factor or peak (default: the scheme's own).
    warmup : float
        Epochs over which the rate rises linearly to the scheme's.
    optimizer : str
        sgd, adamw, muon, or your own function (parameters) -> torch optimizer by name, whose code is
        run. The scheme gives the rate, times a group's "scale" where it has one. With muon it is a
        factor on the three rates below: give rate 1; adamw needs a rate of its own.
    momentum : float
        Of SGD, as under muon of biases and other weights.
    nesterov : bool
        Nesterov's form of momentum.
    weight_decay : float
        Of SGD and AdamW; under muon of biases and other weights.
    clip : float, optional
        Scale a step's gradient down to this norm, over all weights.
    muon_rate : float
        Rate of convolutions under muon.
    muon_momentum : float
        Momentum of convolutions under muon.
    bias_rate : float
        Rate of biases under muon.
    other_rate : float
        Rate of all other weights under muon.
    loss : str
        cross_entropy, or your own function (logits, labels) -> loss of each image, or their mean, by
        name, whose code is run.
    label_smoothing : float
        Share of each target that is spread over all classes; of cross_entropy.
    class_weights : {"none", "balanced"}
        balanced weighs each image by n/(classes · images of its class); of cross_entropy.
    reduction : {"mean", "sum"}
        Whether the loss of a batch is the mean or the sum of its images' losses.
    averaging : float, optional
        Decay a step of a moving average of weights and buffers, 0.99 say; the average is what is
        tested and kept. It is warmed up: min(averaging, (1 + t)/(10 + t)) at step t.
    patience : int, optional
        Stop after so many epochs in a row whose validation loss (the mean cross-entropy, whatever the
        loss) is no lower than the lowest before; needs a validation split.
    keep : {"last", "best"}
        The weights to keep: the last epoch's, or those of the lowest validation loss, which needs a
        validation split. The test set never decides.
    precision : {"float32", "bfloat16", "auto"}
        bfloat16 keeps weights, statistics and loss in float32; auto takes it where the processor
        has units for it.
    channels_last : bool
        Memory format of images and weights; faster on processors and on GPUs with tensor cores.
    micro_batches : int
        Split each process' share of a batch to save memory; the step stays the same but for batch
        normalisation, which sees one micro-batch at a time.
    transforms : tuple of str
        What changes the training images, in this order: crop, flip, or your own functions by name,
        whose code is run: (image of bytes C×H×W) -> image, or (images, labels) -> both, on a whole
        normalised batch (mixup, say), where labels may become shares (n, classes).
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
    scheme: str = "special"
    rate: float | None = None
    warmup: float = 0.0
    optimizer: str = "sgd"
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 0.0
    clip: float | None = None
    muon_rate: float = 0.24
    muon_momentum: float = 0.6
    bias_rate: float = 0.053
    other_rate: float = 0.67
    loss: str = "cross_entropy"
    label_smoothing: float = 0.0
    class_weights: Literal["none", "balanced"] = "none"
    reduction: Literal["mean", "sum"] = "mean"
    averaging: float | None = None
    patience: int | None = None
    keep: Literal["last", "best"] = "last"
    precision: Literal["float32", "bfloat16", "auto"] = "float32"
    channels_last: bool = True
    micro_batches: int = 1
    transforms: tuple[str, ...] = TRANSFORMS
    crop_padding: int | None = None
    padding_mode: Literal["constant", "edge", "reflect", "symmetric"] = "constant"
    flip: Literal["random", "alternating", "none", "auto"] = "random"
    image_sizes: tuple[int, ...] = ()
    checkpoint_every: int = field(default=50, metadata={"identity": False})
    seed: int = 123

    def __post_init__(self) -> None:
        self._check_numbers()
        hints = get_type_hints(TrainConfig)
        for name in CHOICES:
            if getattr(self, name) not in get_args(hints[name]):
                self._refuse(name, " or ".join(get_args(hints[name])))
        for name, known in (("optimizer", OPTIMIZERS), ("loss", LOSSES)):
            if not (is_named(getattr(self, name)) or getattr(self, name) in known):
                self._refuse(name, f"{', '.join(known)} or your own file.py:name or module:name")
        if not all(is_named(name) or name in TRANSFORMS for name in self.transforms):
            self._refuse("transforms", "crop, flip or your own file.py:name or module:name")
        if self.nesterov and self.momentum == 0:
            raise InputError(
                "TrainConfig: Nesterov's momentum must be positive. Got 0; leave nesterov out."
            )
        if is_named(self.loss) and (self.label_smoothing or self.class_weights != "none"):
            raise InputError(
                f"TrainConfig: label_smoothing and class_weights are of cross_entropy. {self.loss} "
                "must do both itself."
            )
        self._check_use()
        self._check_rate()

    @property
    def own_parts(self) -> tuple[str, ...]:
        """Names of the parts that are the user's own code."""
        named = (self.scheme, self.optimizer, self.loss, *self.transforms)
        return tuple(name for name in named if is_named(name))

    @property
    def asks_about_mirrors(self) -> bool:
        """Whether the data decide if images are mirrored."""
        return self.flip == "auto" and "flip" in self.transforms

    def _check_numbers(self) -> None:
        for name in COUNTS:
            if _whole(getattr(self, name)) < 1:
                self._refuse(name, "at least 1")
        if self.patience is not None and _whole(self.patience) < 1:
            self._refuse("patience", "at least 1")
        if self.crop_padding is not None and _whole(self.crop_padding) < 0:
            self._refuse("crop_padding", "a whole number of pixels, not negative")
        if any(_whole(size) < 1 for size in self.image_sizes):
            self._refuse("image_sizes", "positive")
        for name in SHARES:
            value = getattr(self, name)
            if value is not None and not 0 <= value < 1:
                self._refuse(name, "in [0, 1)")
        for name in ("weight_decay", "warmup"):
            if not 0 <= getattr(self, name) < math.inf:
                self._refuse(name, "finite and not negative")
        for name in POSITIVE:
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                self._refuse(name, "positive and finite")

    def _check_use(self) -> None:
        """Refuse what would have no effect beside what else is asked for."""
        usual = {field.name: field.default for field in fields(TrainConfig)}
        for name, optimizers in OF_OPTIMIZERS.items():
            if getattr(self, name) != usual[name] and self.optimizer not in optimizers:
                raise InputError(
                    f"TrainConfig: {name} is a setting of {' and '.join(optimizers)}. Got "
                    f"{getattr(self, name)!r} for {self.optimizer}; leave it out."
                )
        for name, transform in OF_TRANSFORMS.items():
            if getattr(self, name) not in NOT_ASKED[name] and transform not in self.transforms:
                raise InputError(
                    f"TrainConfig: {name} is of the transform {transform}, which is none of "
                    f"{', '.join(self.transforms) or 'those asked for'}. Got {getattr(self, name)!r}; "
                    f"leave it out, or name {transform} among the transforms."
                )

    def _check_rate(self) -> None:
        if is_named(self.scheme):
            if self.rate is not None:
                raise InputError(
                    f"TrainConfig: rate is of the built-in schemes ({', '.join(SCHEMES)}). "
                    f"{self.scheme} gives its own: leave rate out."
                )
            return
        schedule(self.scheme, self.epochs, self.rate)  # refuses what is no scheme, or no rate of it
        if self.optimizer == "adamw" and self.rate is None and self.scheme in FOLLOW_A_PEAK:
            raise InputError(
                f"TrainConfig: adamw needs a rate of its own: {self.scheme}'s peak of 0.1 is SGD's. "
                "Give rate 0.001, say."
            )

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
