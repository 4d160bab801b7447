"""What is asked, and what was found."""

from dataclasses import dataclass
from typing import Literal

from pitfalls.errors import InputError
from pitfalls.experiments.sizes import refuse_sizes
from pitfalls.frame import Result

__all__ = ["GradientRow", "GradientsConfig", "GradientsResult"]

LARGEST = 10
"""d up to which 2^d gradients by autograd are affordable."""


@dataclass(frozen=True)
class GradientsConfig:
    """Where to check each step of homework 3c against autograd.

    Parameters
    ----------
    n_features : tuple of int
        All 2^d targets are differentiated one by one, so d <= 10.
    width_factor : int
        k = width_factor d.
    scales : tuple of float
        PyTorch's initial parameters are multiplied by these: 1 keeps |f| < 1, 3 does not.
    boundary : {"relu", "clamp", "max"}
        Subgradient of the hinge loss at its kink.
    seed : int
        Of the networks.
    """

    n_features: tuple[int, ...] = (3, 5, 8)
    width_factor: int = 10
    scales: tuple[float, ...] = (1.0, 3.0)
    boundary: Literal["relu", "clamp", "max"] = "relu"
    seed: int = 123

    def __post_init__(self) -> None:
        refuse_sizes("GradientsConfig", self.n_features, self.width_factor)
        if max(self.n_features) > LARGEST:
            raise InputError(
                f"GradientsConfig: 2^d gradients by autograd are affordable to d = {LARGEST}. "
                f"Got d = {max(self.n_features)}."
            )


@dataclass(frozen=True)
class GradientRow:
    """One network, in double precision, over all inputs and all 2^d targets.

    Attributes
    ----------
    n_features, n_hidden : int
        d and k.
    scale : float
        The factor on PyTorch's initial parameters.
    active : float
        Share of inputs with |f| < 1.
    gradient_error : float
        Largest difference of an element of grad f from autograd's (3c(i)).
    largest_element, element_bound : float
        Of grad f, and c_p (3c(i)).
    decomposition_error : float
        Largest difference of grad R_v from a + E[chi_v g] (3c(ii)).
    orthonormality_error : float
        Largest entry of the parities' Gram matrix less the identity (3c(iii)).
    identity_error : float
        Relative difference of both sides of E_v||grad R_v - a||^2 = 2^-d E||g||^2 (3c(iv)).
    signal, signal_by_autograd, mean_square : float
        The left side by the identity and by autograd, and E||g||^2.
    by_homework, by_unit, by_moments : float
        The constants C_p, C' and C'' that bound E||g||^2.
    """

    n_features: int
    n_hidden: int
    scale: float
    active: float
    gradient_error: float
    largest_element: float
    element_bound: float
    decomposition_error: float
    orthonormality_error: float
    identity_error: float
    signal: float
    signal_by_autograd: float
    mean_square: float
    by_homework: float
    by_unit: float
    by_moments: float

    @property
    def largest_error(self) -> float:
        """The largest error of any step."""
        return max(
            self.gradient_error,
            self.decomposition_error,
            self.orthonormality_error,
            self.identity_error,
        )


@dataclass(frozen=True, repr=False)
class GradientsResult(Result):
    """Each step of the derivation against autograd.

    Attributes
    ----------
    rows : tuple of GradientRow
        One for every d and scale.
    boundary : str
    """

    TABLE = "rows"

    rows: tuple[GradientRow, ...]
    boundary: str

    @property
    def largest_error(self) -> float:
        """The largest error of any step of any network."""
        return max(row.largest_error for row in self.rows)
