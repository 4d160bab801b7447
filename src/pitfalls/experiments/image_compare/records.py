"""What is asked, and what was found."""

import math
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Annotated

import numpy as np

from pitfalls.errors import InputError
from pitfalls.experiments.image_compared import ComparedTrainings, Scores
from pitfalls.experiments.image_curves import Diverged, Training
from pitfalls.experiments.image_networks import NetworkConfig
from pitfalls.experiments.image_source import ImageSource, Pictures, ask_for_images
from pitfalls.experiments.image_workers import Workers
from pitfalls.frame import HIDDEN, Located, Without
from pitfalls.images.data import DataConfig
from pitfalls.images.training import SCHEMES, TrainConfig
from pitfalls.named import is_named, named_digest
from pitfalls.runs import NOT_IDENTITY, check_tracker

__all__ = ["CompareConfig", "CompareResult", "SchemeRow"]


@dataclass(frozen=True)
class CompareConfig:
    """Several learning-rate schemes from the same starts.

    Parameters
    ----------
    source : ImageSource
        The pictures.
    network : NetworkConfig
        The network.
    training : TrainConfig
        How to train, but for the scheme.
    schemes : tuple of str, optional
        Which to compare (default: constant, annealed and special; networks are compared under one,
        by default one_cycle).
    n_seeds : int
        Starts for each scheme, from the seed on.
    networks : tuple of str
        Networks to compare in place of schemes, as --model names them (resnet18 fastnet mlp linear
        vit, say): on the same data, under one scheme.
    workers : Workers
        Where the trainings run.
    track : str, optional
        tensorboard or mlflow, told every step while it trains (extra: pitfalls[tracking]), or your own
        function (step, values) by name, whose code is run.
    code : str
        Fingerprint of the source of the user's own parts; made from their names.
    device : str
        Where to compute.
    """

    source: Annotated[ImageSource, Located(DataConfig, ask_for_images)]
    network: NetworkConfig = field(default_factory=NetworkConfig)
    training: Annotated[TrainConfig, Without("scheme")] = field(
        # of a scheme that no optimizer needs a rate for: each of schemes is asked for its own below
        default_factory=lambda: TrainConfig(flip="auto", scheme="constant")
    )
    schemes: tuple[str, ...] | None = None
    n_seeds: int = 1
    networks: tuple[str, ...] = field(default=(), metadata=NOT_IDENTITY)
    workers: Workers = field(default_factory=Workers, metadata=NOT_IDENTITY)
    track: str | None = field(default=None, metadata=NOT_IDENTITY)
    code: Annotated[str, HIDDEN] = ""
    device: str = field(default="cpu", metadata=NOT_IDENTITY)

    def __post_init__(self) -> None:
        # both forms of a list: "a,b" and "a b"
        object.__setattr__(self, "networks", tuple(",".join(self.networks).split(",")))
        if self.networks == ("",):
            object.__setattr__(self, "networks", ())
        if self.schemes is None:
            usual = ("one_cycle",) if self.networks else SCHEMES[:3]
            object.__setattr__(self, "schemes", usual)
        if self.networks and len(self.compared) > 1:
            raise InputError(
                "CompareConfig: networks are compared under one scheme. Got "
                f"{', '.join(self.compared)}."
            )
        if self.networks and self.network.model not in (NetworkConfig.model, *self.networks):
            raise InputError(
                "CompareConfig: networks stand in place of model. Leave --model out, or name "
                f"{self.network.model} among the networks."
            )
        check_tracker("CompareConfig", self.track)
        self.network.need_use(self.networks)
        digest = named_digest(*self.own_code)
        object.__setattr__(self, "code", digest)  # never given: what the names lead to now
        unknown = [s for s in self.compared if not (s in SCHEMES or is_named(s))]
        if not self.compared or unknown:
            raise InputError(
                f"CompareConfig: schemes must be of {', '.join(SCHEMES)}, or your own file.py:name. "
                f"Got {', '.join(map(str, self.compared)) or 'none'}."
            )
        if len(set(self.compared)) < len(self.compared):
            raise InputError("CompareConfig: schemes must differ. Each can be named once.")
        for scheme in self.compared:
            replace(self.training, scheme=scheme)  # refuses a rate that it cannot go by
        if self.n_seeds < 1:
            raise InputError(
                f"CompareConfig: n_seeds must be at least 1. Got {self.n_seeds} instead."
            )

    @property
    def own_code(self) -> tuple[str, ...]:
        """The names that may lead to code of the user's."""
        return self.network.model, *self.training.own_parts, *self.compared

    @property
    def compared(self) -> tuple[str, ...]:
        """The schemes that were asked for, or the usual ones."""
        return self.schemes or ()


@dataclass(frozen=True)
class SchemeRow(Scores):
    """All trainings with one scheme that finished.

    Attributes
    ----------
    scheme : str
    train_loss : float
    n_epochs, n_steps : int
        Of the longest training, as its rates are.
    first_rate, highest_rate, last_rate : float
    factor : float or None
        What an annealed rate is multiplied by at every step; None for other schemes, for one step and
        under a warm-up.
    only_rises : bool
        Whether the rate grows at every step.
    """

    scheme: str
    train_loss: float
    n_epochs: int
    n_steps: int
    first_rate: float
    highest_rate: float
    last_rate: float
    factor: float | None
    only_rises: bool


@dataclass(frozen=True, repr=False)
class CompareResult(ComparedTrainings):
    """What each scheme came to.

    Attributes
    ----------
    pictures : Pictures
    network : NetworkConfig
    training : TrainConfig
        With what ``auto`` stood for; the first training's scheme and seed stand in it.
    schemes : tuple of str
        As they were asked for.
    seeds : tuple of int
    trainings : tuple of Training
        Those that finished; at least one.
    diverged : tuple of Diverged
    mirror : str
        Why images are mirrored or not, where the data decided; else empty.
    """

    TABLE = "trainings"

    pictures: Pictures
    network: NetworkConfig
    training: TrainConfig
    schemes: tuple[str, ...]
    seeds: tuple[int, ...]
    trainings: tuple[Training, ...]
    diverged: tuple[Diverged, ...]
    mirror: str

    def of(self, scheme: str) -> tuple[Training, ...]:
        """Return the finished trainings with a scheme, by seed."""
        return tuple(training for training in self.trainings if training.scheme == scheme)

    @cached_property
    def rows(self) -> tuple[SchemeRow, ...]:
        """One for each scheme with a finished training, in the order asked."""
        return tuple(self._row(scheme) for scheme in self.schemes if self.of(scheme))

    @property
    def best(self) -> SchemeRow:
        """The scheme with the highest mean accuracy; of several the first."""
        return max(self.rows, key=lambda row: row.held_out)

    @property
    def tied(self) -> tuple[SchemeRow, ...]:
        """The schemes that the best is not ahead of by more than chance."""
        best = self.best
        return tuple(row for row in self.rows if row is not best and not self.ahead(best, row))

    @property
    def guessing(self) -> tuple[SchemeRow, ...]:
        """The schemes within reach of an answer that ignores the image."""
        return tuple(row for row in self.rows if self.guesses(row.held_out))

    def ahead(self, one: SchemeRow, other: SchemeRow) -> bool:
        """Whether one scheme is ahead of another by more than chance, all pairs taken together."""
        pairs = math.comb(len(self.rows), 2)
        return self.ahead_by_seed(self.of(one.scheme), self.of(other.scheme), pairs)

    def n_diverged(self, scheme: str) -> int:
        """How many trainings with a scheme diverged."""
        return sum(lost.scheme == scheme for lost in self.diverged)

    def _row(self, scheme: str) -> SchemeRow:
        trainings = self.of(scheme)
        longest = max(trainings, key=lambda training: training.n_steps)
        # under a warm-up the rates are products of both
        anneals = scheme == "annealed" and longest.n_steps > 1 and not self.training.warmup
        return SchemeRow(
            **asdict(self.scores_of(trainings)),
            scheme=scheme,
            train_loss=float(np.mean([training.train_loss for training in trainings])),
            n_epochs=longest.n_epochs,
            n_steps=longest.n_steps,
            first_rate=float(longest.rate[0]),
            highest_rate=float(longest.rate.max()),
            last_rate=float(longest.rate[-1]),
            factor=float(longest.rate[1] / longest.rate[0]) if anneals else None,
            only_rises=longest.only_rises,
        )
