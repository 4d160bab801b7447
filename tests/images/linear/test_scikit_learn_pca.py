"""scikit-learn's tests of PCA, run on ours."""

import sklearn.decomposition  # noqa: F401  the name is replaced there

from pitfalls.images import PCA
from tests.images.linear.scikit_learn import load_tests


class Bridged(PCA):
    """Ours under scikit-learn's default, with its solvers' parameters, which change nothing here."""

    def __init__(
        self,
        n_components=None,
        *,
        copy=True,
        whiten=False,
        svd_solver="auto",
        tol=0.0,
        iterated_power="auto",
        n_oversamples=10,
        power_iteration_normalizer="auto",
        random_state=None,
    ):
        super().__init__(n_components, whiten=whiten)
        self.copy = copy
        self.svd_solver = svd_solver
        self.tol = tol
        self.iterated_power = iterated_power
        self.n_oversamples = n_oversamples
        self.power_iteration_normalizer = power_iteration_normalizer
        self.random_state = random_state


Bridged.__name__ = "PCA"
ARRAYS = "ours takes NumPy's arrays and SciPy's sparse matrices, no other libraries' arrays"
LEFT_OUT = {
    "test_pca_array_api_compliance": ARRAYS,
    "test_pca_mle_array_api_compliance": ARRAYS,
    "test_array_api_error_and_warnings_on_unsupported_params": ARRAYS,
}
EXCLUDED = {
    r"test_(pca_validation|sparse_pca_solver_error|pca_svd_solver_auto)|none.data0-arpack": (
        "about which of its solvers scikit-learn takes: ours has no choice"
    ),
    r"test_(n_components_mle|mle_|fit_mle|pca_dim)": "ours does not guess a number by likelihood",
    r"test_(no_empty_slice|pca_zero_noise)|none.data1-(full|randomized)": (
        "n rows about their mean span n - 1 directions; scikit-learn adds one of no variance"
    ),
    r"test_pca_score3": "ours keeps at least one direction",
}
globals().update(
    load_tests(
        "sklearn.decomposition.tests.test_pca",
        "sklearn.decomposition",
        "PCA",
        Bridged,
        left_out=LEFT_OUT,
    )
)
