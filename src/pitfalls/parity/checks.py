"""What results may be: finite numbers."""

import numpy as np
from numpy.typing import ArrayLike

from pitfalls.errors import DivergenceError

__all__ = ["require_finite"]


def require_finite(who: str, **values: ArrayLike) -> None:
    """Raise DivergenceError where a result is NaN or infinite."""
    for name, value in values.items():
        if not np.isfinite(value).all():
            raise DivergenceError(
                f"{who}: {name} is not finite: the network's outputs or gradients overflow float64 "
                "or are NaN. Check its parameters."
            )
