"""What is asked, and what was found."""

from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Annotated, Literal

import numpy as np

from pitfalls.errors import InputError
from pitfalls.experiments.image_compared import ComparedTrainings, Scores
from pitfalls.experiments.image_curves import Training
from pitfalls.experiments.image_networks import NetworkConfig
from pitfalls.experiments.image_source import ImageSource, Pictures, ask_for_images
from pitfalls.experiments.image_workers import Workers
from pitfalls.frame import HIDDEN, Located
from pitfalls.images.data import DataConfig
from pitfalls.images.training import TrainConfig
from pitfalls.named import named_digest
from pitfalls.runs import NOT_IDENTITY

__all__ = ["ArchitecturesConfig", "ArchitecturesResult", "Candidate", "Lost", "NetworkRow"]


@dataclass(frozen=True)
class ArchitecturesConfig:
    """Several networks on the same data and schedule, from several starts.

    Parameters
    ----------
    source : ImageSource
        The pictures.
    networks : tuple of str
        As ``NetworkConfig.model`` names them.
    network : NetworkConfig
        What else is said of networks: widths, arguments.
    training : TrainConfig
        How to train each of them.
    n_seeds : int
        Starts for each network, from the seed on.
    workers : Workers
        Where the trainings run.
    track : str, optional
        tensorboard or mlflow, or a function (step, values) of the user's own by name.
    code : str
        Fingerprint of the source of the user's own parts; made from their names.
    device : str
        Where to compute.
    """

    source: Annotated[ImageSource, Located(DataConfig, ask_for_images)]
    networks: tuple[str, ...] = ("resnet18", "fastnet", "mlp", "linear", "vit")
    network: NetworkConfig = field(default_factory=NetworkConfig)
    training: TrainConfig = field(default_factory=lambda: TrainConfig(flip="auto"))
    n_seeds: int = 1
    workers: Workers = field(default_factory=Workers, metadata=NOT_IDENTITY)
    track: str | None = field(default=None, metadata=NOT_IDENTITY)
    code: Annotated[str, HIDDEN] = ""
    device: str = field(default="cpu", metadata=NOT_IDENTITY)

    def __post_init__(self) -> None:
        for config in self.configs:
            assert config  # each is checked when it is made
        digest = named_digest(*self.own_code)
        object.__setattr__(self, "code", digest)  # never given: what the names lead to now
        if len(set(self.networks)) < len(self.networks) or not self.networks:
            raise InputError(
                "ArchitecturesConfig: networks must be at least one, each named once. Got "
                f"{', '.join(self.networks) or 'none'}."
            )
        if self.n_seeds < 1:
            raise InputError(
                f"ArchitecturesConfig: n_seeds must be at least 1. Got {self.n_seeds} instead."
            )
        self.network.need_use(self.networks)

    @property
    def own_code(self) -> tuple[str, ...]:
        """The names that may lead to code of the user's."""
        return *self.networks, *self.training.own_parts

    @property
    def configs(self) -> tuple[NetworkConfig, ...]:
        """One for each network."""
        return tuple(
            NetworkConfig(name, self.network.widths, self.network.model_args if ":" in name else ())
            for name in self.networks
        )


@dataclass(frozen=True)
class Candidate:
    """A network that is compared.

    Attributes
    ----------
    model : str
        As it was named.
    title : str
        What texts call it.
    n_parameters : int
        Those that are trained.
    convolves : bool
        Whether it slides a kernel of more than one pixel over the image.
    """

    model: str
    title: str
    n_parameters: int
    convolves: bool


@dataclass(frozen=True)
class Lost:
    """A training that left the finite numbers."""

    model: str
    seed: int
    why: str


@dataclass(frozen=True)
class NetworkRow(Scores):
    """All trainings of one network that finished.

    Attributes
    ----------
    candidate : Candidate
    cpu_seconds : float
        Of the processor for a training.
    """

    candidate: Candidate
    cpu_seconds: float


@dataclass(frozen=True, repr=False)
class ArchitecturesResult(ComparedTrainings):
    """What each network came to.

    Attributes
    ----------
    pictures : Pictures
    training : TrainConfig
        With what ``auto`` stood for; the first training's seed stands in it.
    candidates : tuple of Candidate
        As they were asked for.
    seeds : tuple of int
    trained : tuple of str
        The model of each of ``trainings``.
    trainings : tuple of Training
        Those that finished; at least one.
    cpu_seconds : tuple of float
        Theirs.
    lost : tuple of Lost
    """

    pictures: Pictures
    training: TrainConfig
    candidates: tuple[Candidate, ...]
    seeds: tuple[int, ...]
    trained: tuple[str, ...]
    trainings: tuple[Training, ...]
    cpu_seconds: tuple[float, ...]
    lost: tuple[Lost, ...]

    TABLE = "rows"

    def of(self, model: str) -> tuple[Training, ...]:
        """Return a network's finished trainings, by seed."""
        both = zip(self.trained, self.trainings, strict=True)
        return tuple(training for name, training in both if name == model)

    @cached_property
    def rows(self) -> tuple[NetworkRow, ...]:
        """One for each network with a finished training, in the order asked."""
        return tuple(self._row(one) for one in self.candidates if self.of(one.model))

    def row(self, model: str) -> NetworkRow | None:
        """Return a network's row; None if it has none."""
        return next((row for row in self.rows if row.candidate.model == model), None)

    def best(self, *, convolves: bool) -> NetworkRow | None:
        """Return the best network with, or without, convolutions; None if there is none."""
        of_kind = [row for row in self.rows if row.candidate.convolves == convolves]
        return max(of_kind, key=lambda row: row.held_out, default=None)

    @property
    def decided(self) -> Literal["with", "without", "neither"]:
        """Which kind's best network is ahead of the other kind's, all pairs of them taken together."""
        best, other = self.best(convolves=True), self.best(convolves=False)
        if best is None or other is None:
            return "neither"
        kinds = [row.candidate.convolves for row in self.rows]
        pairs = kinds.count(True) * kinds.count(False)
        if self.ahead(best, other, pairs):
            return "with"
        return "without" if self.ahead(other, best, pairs) else "neither"

    @property
    def guessing(self) -> tuple[NetworkRow, ...]:
        """The networks within reach of an answer that ignores the image."""
        return tuple(row for row in self.rows if self.guesses(row.held_out))

    def ahead(self, one: NetworkRow, other: NetworkRow, comparisons: int = 1) -> bool:
        """Whether one network is ahead of another by more than chance, among so many pairs."""
        ones, others = (self.of(row.candidate.model) for row in (one, other))
        return self.ahead_by_seed(ones, others, comparisons)

    def _row(self, candidate: Candidate) -> NetworkRow:
        trainings = self.of(candidate.model)
        pairs = zip(self.trained, self.cpu_seconds, strict=True)
        return NetworkRow(
            **asdict(self.scores_of(trainings)),
            candidate=candidate,
            cpu_seconds=float(np.mean([s for name, s in pairs if name == candidate.model])),
        )
