"""What question 6 finds: gradient and curvature of the point."""

from dataclasses import dataclass

from pitfalls.diagnosis.cards import Evidence

__all__ = ["SaddleEvidence"]


@dataclass(frozen=True)
class SaddleEvidence(Evidence):
    """What gradient and curvature say of the point.

    Parameters
    ----------
    loss, gradient : float
        Loss, and Euclidean norm of its gradient.
    lowest, largest : float
        Extreme eigenvalues of the Hessian, each known to ``residuals``.
    residuals : tuple of two floats
    rounding : float
        Size of the rounding of a product.
    radius, drop : float
        Length of the step along the lowest direction, and by how much the loss falls whichever way it
        is taken (the smaller of the two); 0 where it does not.
    promised : float
        |g|^2 / (2 lambda_max): what one step of plain descent is promised.
    kinks : float
        Share of ReLU inputs that are exactly zero, where second derivatives say nothing.
    flat : tuple of str
        Parameters with neither slope nor curvature in any product.
    precise : bool
        Whether it was measured in float64.
    products : int
        On the whole batch.
    ritz : tuple of (float, float)
        What the iteration saw of the spectrum in rising order: values, each within its residual of an
        eigenvalue. Most eigenvalues lie in between, unseen.
    """

    loss: float = float("nan")
    gradient: float = float("nan")
    lowest: float = float("nan")
    largest: float = float("nan")
    residuals: tuple[float, float] = (float("nan"), float("nan"))
    rounding: float = 0.0
    radius: float = 0.0
    drop: float = 0.0
    promised: float = float("nan")
    kinks: float = 0.0
    flat: tuple[str, ...] = ()
    precise: bool = True
    products: int = 0
    ritz: tuple[tuple[float, float], ...] = ()
