"""What is asked, and what was found."""

from dataclasses import dataclass, field
from typing import Annotated, Literal, get_args

import numpy as np
from cyclopts import Parameter
from numpy.typing import NDArray

from pitfalls.display import Displayed
from pitfalls.errors import InputError
from pitfalls.experiments.sizes import refuse_seeds, refuse_sizes
from pitfalls.frame import Result
from pitfalls.runs import NOT_IDENTITY

__all__ = ["Boundary", "SignalCells", "SignalConfig", "SignalResult", "SignalRow"]

Boundary = Literal["relu", "clamp", "max"]


@dataclass(frozen=True)
class SignalConfig:
    """Networks at initialisation whose gradient signal to measure.

    Parameters
    ----------
    n_features : tuple of int
        d; up to 30 the signal is exact, beyond it is sampled.
    width_factor : int
        Hidden units a feature: k = width_factor d.
    n_seeds : int
        Networks for every d, at PyTorch's initialisation.
    loss : {"hinge", "square", "logistic"}
        Loss of the risk.
    boundary : {"relu", "clamp", "max"}
        Subgradient of the hinge loss at its kink, where f y = 1.
    n_samples : int
        Inputs for each network where the signal is sampled.
    batch_size : int
        Batch whose signal-to-noise ratio to give.
    seed : int
        Of the first network.
    device : str
        ``cuda`` streams over the inputs there.
    """

    n_features: Annotated[tuple[int, ...], Parameter(alias="-d")] = (
        2, 4, 6, 8, 10, 12, 14, 16, 18, 20,
    )  # fmt: skip
    width_factor: int = 10
    n_seeds: int = 10
    loss: Literal["hinge", "square", "logistic"] = "hinge"
    boundary: Boundary = "relu"
    n_samples: int = 20_000
    batch_size: int = 100
    seed: int = 123
    device: str = field(default="cpu", metadata=NOT_IDENTITY)

    def __post_init__(self) -> None:
        refuse_sizes("SignalConfig", self.n_features, self.width_factor)
        refuse_seeds("SignalConfig", self.n_seeds)
        if self.boundary not in get_args(Boundary):
            raise InputError(f"SignalConfig: unknown boundary {self.boundary!r}.")
        if self.boundary != "relu" and self.loss != "hinge":
            raise InputError(
                f"SignalConfig: boundary is of the hinge loss's kink, and the {self.loss} loss has none. "
                "Leave it out, or take loss hinge."
            )
        if self.seed + self.n_seeds > 2**63:
            raise InputError(
                f"SignalConfig: the seeds from {self.seed} on must stay below 2^63. Take a smaller one."
            )
        for name in ("n_samples", "batch_size"):
            if getattr(self, name) < 1:
                raise InputError(
                    f"SignalConfig: {name} must be at least 1. Got {getattr(self, name)} instead."
                )


@dataclass(frozen=True, repr=False)
class SignalCells(Displayed):
    """One network an entry, all of shape (n,).

    Attributes
    ----------
    n_features, seed : array of int
    log2_signal : array
        log2 of E_v||grad R_v - a||^2.
    mean_square : array
        E||g||^2.
    by_homework, by_unit, by_moments : array
        The constants C_p, C' and C'' that bound it.
    active : array
        Share of inputs with |f| < 1.
    signal_to_noise : array
        Of one batch.
    exact : array of bool
        Whether every input was summed over.
    """

    n_features: NDArray[np.int64]
    seed: NDArray[np.int64]
    log2_signal: NDArray[np.float64]
    mean_square: NDArray[np.float64]
    by_homework: NDArray[np.float64]
    by_unit: NDArray[np.float64]
    by_moments: NDArray[np.float64]
    active: NDArray[np.float64]
    signal_to_noise: NDArray[np.float64]
    exact: NDArray[np.bool_]


@dataclass(frozen=True)
class SignalRow:
    """All networks of one d: medians unless a name says otherwise.

    Attributes
    ----------
    n_features, n_hidden, n : int
        d, k and the number of networks.
    exact : bool
    log2_signal, mean_square, mean_square_least, mean_square_largest, signal_to_noise : float
    by_homework_over, by_unit_over, by_moments_over : float
        How many times each constant is what it bounds.
    """

    n_features: int
    n_hidden: int
    n: int
    exact: bool
    log2_signal: float
    mean_square: float
    mean_square_least: float
    mean_square_largest: float
    signal_to_noise: float
    by_homework_over: float
    by_unit_over: float
    by_moments_over: float

    @property
    def signal(self) -> float:
        """E_v||grad R_v - a||^2."""
        return float(2.0**self.log2_signal)


@dataclass(frozen=True, repr=False)
class SignalResult(Result):
    """The signal against d.

    Attributes
    ----------
    rows : tuple of SignalRow
        One for every d, in the order asked.
    cells : SignalCells
    batch_size : int
    """

    TABLE = "rows"

    rows: tuple[SignalRow, ...]
    cells: SignalCells
    batch_size: int

    @property
    def exact(self) -> bool:
        """Whether every network's signal is exact."""
        return all(row.exact for row in self.rows)
