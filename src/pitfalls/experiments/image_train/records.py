"""What is asked, and what was found."""

from dataclasses import dataclass, field
from typing import Annotated

from pitfalls.errors import InputError, PitfallsError
from pitfalls.experiments.image_curves import Clock, Training
from pitfalls.experiments.image_networks import NetworkConfig
from pitfalls.experiments.image_shares import Share, ahead, differ, guesses, standard_error
from pitfalls.experiments.image_source import ImageSource, Pictures, ask_for_images
from pitfalls.experiments.image_start import Start, StartOptions, find_start
from pitfalls.frame import HIDDEN, Located, Result
from pitfalls.images.data import DataConfig
from pitfalls.images.training import TrainConfig
from pitfalls.named import named_digest
from pitfalls.runs import NOT_IDENTITY, RunStore, check_tracker

__all__ = ["TrainRunConfig", "TrainRunResult"]


@dataclass(frozen=True)
class TrainRunConfig:
    """One training.

    Parameters
    ----------
    source : ImageSource
        The pictures.
    network : NetworkConfig
        The network.
    training : TrainConfig
        How to train.
    compared : str
        Id of a comparison of schemes: its best one is trained with, in place of the config's own.
    start : Start
        The weights to start from.
    track : str, optional
        tensorboard or mlflow, told every step while it trains (extra: pitfalls[tracking]), or your own
        function (step, values) by name, whose code is run.
    processes : int
        How many share every batch; a run goes on with any number.
    code : str
        Fingerprint of the source of the user's own parts; made from their names.
    device : str
        Where to compute.
    """

    source: Annotated[ImageSource, Located(DataConfig, ask_for_images)]
    network: NetworkConfig = field(default_factory=NetworkConfig)
    training: TrainConfig = field(default_factory=lambda: TrainConfig(flip="auto"))
    compared: Annotated[str, HIDDEN] = ""
    start: Annotated[Start, Located(StartOptions, find_start)] = field(default_factory=Start)
    track: str | None = field(default=None, metadata=NOT_IDENTITY)
    processes: Annotated[int, HIDDEN] = field(default=1, metadata=NOT_IDENTITY)
    code: Annotated[str, HIDDEN] = ""
    device: str = field(default="cpu", metadata=NOT_IDENTITY)

    def __post_init__(self) -> None:
        self.network.need_use()
        digest = named_digest(*self.own_code)
        object.__setattr__(self, "code", digest)  # never given: what the names lead to now
        check_tracker("TrainRunConfig", self.track)
        if self.processes < 1:
            raise InputError(
                f"TrainRunConfig: processes must be at least 1. Got {self.processes} instead."
            )

    def still_holds(self, result: "TrainRunResult", store: RunStore) -> bool:
        """Whether a result is by the scheme that is best in the comparison now, if that is there."""
        from pitfalls.experiments.image_compare import CompareResult

        if not self.compared:
            return True
        try:
            compared = store.find(self.compared).load(CompareResult)
        except PitfallsError:
            return True
        return compared.best.scheme == result.trained.scheme

    @property
    def own_code(self) -> tuple[str, ...]:
        """The names that may lead to code of the user's."""
        return self.network.model, *self.training.own_parts

    @property
    def run_name(self) -> str:
        """Name the run by its scheme."""
        return "best" if self.compared else self.training.scheme.rpartition(":")[2]


@dataclass(frozen=True, repr=False)
class TrainRunResult(Result):
    """A trained network's course and scores.

    Attributes
    ----------
    pictures : Pictures
    network : NetworkConfig
    training : TrainConfig
        With what ``auto`` stood for.
    trained : Training
    special_end : float
        The rate with which the special scheme would end in as many steps, over its peak.
    clock : Clock
    from_best : bool
        Whether the scheme is the best one of a comparison.
    cycle : Training, optional
        One cycle from the same start in as many steps, beside the best scheme of one epoch.
    cycle_clock : Clock, optional
    """

    TABLE = "trained"

    pictures: Pictures
    network: NetworkConfig
    training: TrainConfig
    trained: Training
    special_end: float
    clock: Clock
    from_best: bool = False
    cycle: Training | None = None
    cycle_clock: Clock | None = None

    @property
    def timed(self) -> tuple[tuple[Training, Clock], ...]:
        """The trainings, each with its clock."""
        if self.cycle is None or self.cycle_clock is None:
            return ((self.trained, self.clock),)
        return (self.trained, self.clock), (self.cycle, self.cycle_clock)

    @property
    def constant(self) -> float:
        """What always naming the commonest class gets of the test images."""
        return self.pictures.constant("test")

    @property
    def error(self) -> float:
        """Standard error of counting the test accuracy."""
        return self.error_of(self.trained)

    def error_of(self, training: Training) -> float:
        """Return the standard error of counting a training's test accuracy."""
        return standard_error(training.test_accuracy, self.pictures.n("test"))

    @property
    def cycle_lead(self) -> float | None:
        """By how much the cycle's test accuracy is above (below: negative); None within chance."""
        if self.cycle is None:
            return None
        one, other = self.cycle.test_accuracy, self.trained.test_accuracy
        n = self.pictures.n("test")
        return one - other if ahead([one], [other], n) or ahead([other], [one], n) else None

    @property
    def is_guessing(self) -> bool:
        """Whether the test accuracy is within reach of an answer that ignores the image."""
        n = self.pictures.n("test")
        return guesses(self.trained.test_accuracy, self.constant, n)

    @property
    def gap(self) -> float | None:
        """Training above test accuracy, of the epoch that was tested; None where within chance."""
        kept, test = self.trained.kept_epoch, self.trained.test_accuracy
        train = float(self.trained.train_accuracies[-1 if kept is None else kept])
        learnt = Share.of(train, self.pictures.n("train"))
        other = Share.of(test, self.pictures.n("test"))
        return train - test if train > test and differ(learnt, other) else None

    @property
    def last_rise(self) -> float | None:
        """What the last epoch added to the training accuracy; None where it is not beyond chance."""
        shares = self.trained.train_accuracies
        if len(shares) < 2:
            return None
        before, after = float(shares[-2]), float(shares[-1])
        return after - before if ahead([after], [before], self.pictures.n("train")) else None
