"""scikit-learn's tests of CCA, run on ours."""

import numpy as np
import sklearn.cross_decomposition  # noqa: F401  the name is replaced there

from pitfalls.images import CCA
from tests.images.linear.scikit_learn import load_tests


class Bridged(CCA):
    """Ours with the parameters of scikit-learn's iteration, which change nothing here."""

    def __init__(self, n_components=2, *, scale=True, max_iter=500, tol=1e-06, copy=True):
        super().__init__(n_components)
        self.scale = scale
        self.max_iter = max_iter
        self.tol = tol
        self.copy = copy

    @property
    def x_weights_(self):
        return self.x_rotations_

    def fit(self, X, y):
        return super().fit(X, y if np.ndim(y) == 2 else np.asarray(y)[:, None])


Bridged.__name__ = "CCA"
OURS = "CCA|loadings_converges"
EXCLUDED = {
    r"test_copy|test_pls_prediction": (
        "ours never writes into its data and has no such parameter; its intercept is the output at x = 0"
    ),
    r"test_n_components_upper_bounds": "ours warns, and keeps as many pairs as there are",
}
globals().update(
    load_tests(
        "sklearn.cross_decomposition.tests.test_pls",
        "sklearn.cross_decomposition",
        "CCA",
        Bridged,
    )
)
