"""What several of the images' commands ask for: which pictures, and how to train."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from pitfalls.frame.session import remark, resolve_device, settings

if TYPE_CHECKING:
    from pitfalls.experiments.image_networks import NetworkConfig
    from pitfalls.experiments.image_source import ImageSource
    from pitfalls.images.training.config import TrainConfig

__all__ = [
    "ALL_DATA",
    "HOMEWORK_TRAINING",
    "DataOptions",
    "Precision",
    "Scheme",
    "TrainOptions",
    "percent",
    "resolve_precision",
]

Scheme = Literal["constant", "annealed", "special", "one_cycle", "linear", "cosine"]
Precision = Literal["auto", "float32", "bfloat16"]


@Parameter(name="*")
@dataclass(frozen=True)
class DataOptions:
    """Which pictures.

    Attributes
    ----------
    data
        A folder, archive or file of pictures in any of the forms of the guide on data, or the word
        digits (default: PITFALLS_DATA, the cache, a download, the bundled digits).
    subset_train
        Keep so many training images.
    subset_val
        Keep so many test images (the homework's validation set).
    validation
        Hold out a part of the training set for choices: a fraction below 1 or a number of images.
    size
        Resize pictures to this many pixels a side.
    channels
        Make pictures grey (1) or coloured (3).
    labels
        Which labels, where a source has several: fine or coarse, or a table's column.
    value_range
        The stored values that are black and white, where they cannot be told.
    skip_damaged
        Leave damaged pictures out, counted and named, instead of refusing the data.
    memory_limit
        GiB that the images, and whatever a file unpacks to, may take (default: 4).
    """

    data: str | None = None
    subset_train: int | None = None
    subset_val: int | None = None
    validation: float = 0
    size: int | None = None
    channels: Literal[1, 3] | None = None
    labels: str | None = None
    value_range: Annotated[tuple[float, float] | None, Parameter(negative="")] = None
    skip_damaged: Annotated[bool, Parameter(negative="")] = False
    memory_limit: float | None = None

    def find(self) -> "ImageSource":
        """Look the pictures up."""
        from pitfalls.experiments.image_source import find_images
        from pitfalls.frame.bars import TerminalProgress
        from pitfalls.images.data import DataConfig

        config = DataConfig(
            self.data,
            subset_train=self.subset_train,
            subset_val=self.subset_val,
            validation=self.validation,
            size=self.size,
            channels=self.channels,
            labels=self.labels,
            value_range=self.value_range,
            skip_damaged=self.skip_damaged,
            memory_limit=self.memory_limit,
            seed=settings().seed,
        )
        return find_images(config, TerminalProgress())


@Parameter(name="*")
@dataclass(frozen=True)
class TrainOptions:
    """How to train; the defaults are the homework's.

    Attributes
    ----------
    network
        The homework's network or the small fast one.
    widths
        Channels of fastnet's three groups.
    epochs
        Passes over the training set.
    batch_size
        Images a step, over all processes and micro-batches.
    rate
        The scheme's rate, annealing factor or peak (default: the scheme's own).
    optimizer
        With muon the scheme is a factor: give --rate 1.
    momentum
        Of SGD.
    nesterov
        Nesterov's form of momentum.
    weight_decay
        Of SGD.
    label_smoothing
        Share of each target that is spread over all classes.
    averaging
        Decay a step of a moving average of the weights, 0.99 say; the average is what is tested.
    precision
        bfloat16 keeps weights and loss in float32; auto takes it where the processor has units for it.
    micro_batches
        Split each batch to save memory; the step stays the same but for batch normalisation.
    crop_padding
        Border for random crops (default: an eighth of the image; 0: no crops).
    flip
        Mirror images at random; auto does so where a mirrored picture keeps its class, and asks
        where that is neither known nor to be measured.
    checkpoint_every
        Steps between checkpoints.
    """

    network: Literal["resnet18", "fastnet"] = "resnet18"
    widths: tuple[int, int, int] = (64, 128, 128)
    epochs: int = 1
    batch_size: int = 128
    rate: float | None = None
    optimizer: Literal["sgd", "muon"] = "sgd"
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    averaging: float | None = None
    precision: Precision = "float32"
    micro_batches: int = 1
    crop_padding: int | None = None
    flip: Literal["auto", "random", "alternating", "none"] = "auto"
    checkpoint_every: int = 50

    def network_config(self) -> "NetworkConfig":
        """Name the network."""
        from pitfalls.experiments.image_networks import NetworkConfig

        return NetworkConfig(self.network, self.widths)

    def config(self, source: "ImageSource", scheme: Scheme) -> "TrainConfig":
        """Turn the options into the trainer's settings."""
        from pitfalls.images.data import judge_mirror, random_flips
        from pitfalls.images.training.config import TrainConfig

        flip = self.flip
        if flip == "auto":
            # A mirrored digit is another sign, a mirrored horse is a horse.
            data = source.load()
            flip = "random" if random_flips(data) else "none"
            if data.mirror is None:  # measured, which a reader must know
                remark(f"--flip {flip}: {judge_mirror(data).why}")
        return TrainConfig(
            epochs=self.epochs,
            batch_size=self.batch_size,
            scheme=scheme,
            rate=self.rate,
            optimizer=self.optimizer,
            momentum=self.momentum,
            nesterov=self.nesterov,
            weight_decay=self.weight_decay,
            label_smoothing=self.label_smoothing,
            averaging=self.averaging,
            precision=resolve_precision(self.precision),
            micro_batches=self.micro_batches,
            crop_padding=self.crop_padding,
            flip=flip,
            checkpoint_every=self.checkpoint_every,
            seed=settings().seed,
        )


ALL_DATA = DataOptions()
HOMEWORK_TRAINING = TrainOptions()


def resolve_precision(asked: Precision) -> Literal["float32", "bfloat16"]:
    """Return the precision that ``auto`` means on this machine."""
    if asked != "auto":
        return asked
    from pitfalls.images.training.hardware import has_fast_bfloat16

    return "bfloat16" if has_fast_bfloat16(resolve_device()) else "float32"


def percent(share: float | None) -> str | None:
    """Write a share as percent; None stays None."""
    return None if share is None else f"{100 * share:.2f} %"
