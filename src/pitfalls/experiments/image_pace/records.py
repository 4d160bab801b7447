"""What is asked, and what was found."""

from dataclasses import dataclass
from typing import Literal

from pitfalls.errors import InputError
from pitfalls.frame import Result

__all__ = ["Pace", "PaceConfig", "PaceResult", "Precision"]

Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True)
class PaceConfig:
    """A short timing of training steps.

    Parameters
    ----------
    processor : str
        The machine that is timed: another one is another run.
    threads : int
        How many threads the trainings will take; a step that is timed takes one.
    n_steps : int
        Steps that are timed, after one that is not.
    """

    processor: str = ""
    threads: int = 1
    n_steps: int = 3

    def __post_init__(self) -> None:
        if min(self.threads, self.n_steps) < 1:
            raise InputError(
                f"PaceConfig: threads and n_steps must be at least 1. Got {self.threads} and "
                f"{self.n_steps}."
            )


@dataclass(frozen=True)
class Pace:
    """What steps of one kind took in one thread.

    Attributes
    ----------
    network : {"fastnet", "resnet18"}
    side : int
        Pixels of an image's side.
    batch_size : int
        Images a step.
    precision : {"float32", "bfloat16"}
    seconds, cpu_seconds : float
        Of a step, on the wall and of the processor: medians.
    """

    network: Literal["fastnet", "resnet18"]
    side: int
    batch_size: int
    precision: Precision
    seconds: float
    cpu_seconds: float


@dataclass(frozen=True, repr=False)
class PaceResult(Result):
    """What training steps take here.

    Attributes
    ----------
    processor : str
    threads : int
        Of the trainings that are chosen for; the steps took one.
    n_steps : int
        Behind every median.
    paces : tuple of Pace
    """

    TABLE = "paces"

    processor: str
    threads: int
    n_steps: int
    paces: tuple[Pace, ...]

    @property
    def named(self) -> tuple[tuple[str, float], ...]:
        """Processor seconds an image in one thread, over the threads, by network and precision.

        That is what an image takes where no other work runs: the choice made by it does not depend
        on who else uses the machine.
        """
        return tuple(
            (f"{pace.network} {pace.precision}", pace.cpu_seconds / self.threads / pace.batch_size)
            for pace in self.paces
        )
