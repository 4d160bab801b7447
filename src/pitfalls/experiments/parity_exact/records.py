"""What is asked, and what was found."""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from cyclopts import Parameter
from numpy.typing import NDArray

from pitfalls.display import Displayed
from pitfalls.errors import InputError
from pitfalls.experiments.sizes import refuse_sizes
from pitfalls.frame import HIDDEN, Result

__all__ = ["VARIANTS", "ExactConfig", "ExactResult", "Proof", "Sampled", "Shapes", "Variant"]

Variant = Literal["printed", "corrected", "compact"]
VARIANTS: tuple[Variant, ...] = ("printed", "corrected", "compact")

LARGEST = 1000
"""Largest d: a network of k d weights is built for every weight of the mask."""


@dataclass(frozen=True)
class ExactConfig:
    """Which exact networks to prove (homework 3a).

    Parameters
    ----------
    proved : tuple of int
        Every d here is proved for all 2^d masks.
    n_features : int
        The d whose all-ones mask is drawn and checked on random inputs, as the homework does.
    width_factor : int
        k = width_factor d for the printed construction.
    n_inputs : int
        Random inputs of the homework's own check.
    seed : int
        Of the random mask and inputs.
    """

    proved: Annotated[tuple[int, ...], HIDDEN] = (*range(1, 13), 20, 30)
    n_features: Annotated[int, Parameter(alias="-d")] = 10
    width_factor: int = 10
    n_inputs: int = 10_000
    seed: int = 123

    def __post_init__(self) -> None:
        sizes = (*self.proved, self.n_features)
        refuse_sizes("ExactConfig", sizes, self.width_factor, self.n_inputs)
        if max(sizes) > LARGEST:
            raise InputError(
                f"ExactConfig: a network of k d weights is built for every d, so d <= {LARGEST}. Got "
                f"{max(sizes)}; the proof for every d is claim 3a-corrected."
            )
        if not 2 <= self.width_factor <= LARGEST:
            raise InputError(
                f"ExactConfig: width_factor must be 2 to {LARGEST}: the construction needs k >= 3d/2. "
                f"Got {self.width_factor}."
            )


@dataclass(frozen=True)
class Proof:
    """One construction at one d: one mask of each weight 0..d stands for all of that weight.

    Attributes
    ----------
    n_features : int
        d.
    variant : {"printed", "corrected", "compact"}
    n_units : int
        Hidden units for the mask of all ones.
    weights_exact, weights : int
        For how many weights of the mask the network is proved exact, of how many.
    output_at_ones, label_at_ones : float
        f and y at v = x = 1.
    fails_at_ones : bool
        Whether the mask of all ones has the input of all ones as its counterexample.
    """

    n_features: int
    variant: Variant
    n_units: int
    weights_exact: int
    weights: int
    output_at_ones: float
    label_at_ones: float
    fails_at_ones: bool

    @property
    def exact(self) -> bool:
        """Whether it is exact for every mask."""
        return self.weights_exact == self.weights

    @property
    def only_at_ones(self) -> bool:
        """Whether the mask of all ones, at the input of all ones, is its one failure."""
        return self.fails_at_ones and self.weights - self.weights_exact == 1


@dataclass(frozen=True)
class Sampled:
    """The homework's own check of one network, on random inputs.

    Attributes
    ----------
    mask : str
        ``random`` or ``all ones``.
    weight : int
        Ones of the mask.
    variant : {"printed", "corrected", "compact"}
    n_wrong : int
        Inputs at which the output is not the label.
    """

    mask: str
    weight: int
    variant: Variant
    n_wrong: int


@dataclass(frozen=True, repr=False)
class Shapes(Displayed):
    """f against s = v.x for the mask of all ones, arrays of shape (n,).

    Attributes
    ----------
    s : array
    printed, corrected, compact : array
    """

    s: NDArray[np.float64]
    printed: NDArray[np.float64]
    corrected: NDArray[np.float64]
    compact: NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class ExactResult(Result):
    """Which constructions are exact.

    Attributes
    ----------
    proofs : tuple of Proof
        One for every d and construction.
    sampled : tuple of Sampled
    shapes : Shapes
    n_features, n_inputs : int
        Of the networks drawn and sampled, and of the sample.
    """

    TABLE = "proofs"

    proofs: tuple[Proof, ...]
    sampled: tuple[Sampled, ...]
    shapes: Shapes
    n_features: int
    n_inputs: int

    def of(self, variant: Variant) -> tuple[Proof, ...]:
        """Return the proofs of one construction."""
        return tuple(proof for proof in self.proofs if proof.variant == variant)

    def failing(self, variant: Variant) -> tuple[Proof, ...]:
        """Return the dimensions at which one construction is not exact."""
        return tuple(proof for proof in self.of(variant) if not proof.exact)

    def n_units(self, variant: Variant, n_features: int) -> int | None:
        """Return the units that a construction takes at d; None where no proof was made."""
        found = [proof.n_units for proof in self.of(variant) if proof.n_features == n_features]
        return found[0] if found else None
