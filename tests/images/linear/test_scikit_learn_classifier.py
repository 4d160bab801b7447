"""scikit-learn's tests of RidgeClassifier, run on our least squares."""

import sklearn.linear_model  # noqa: F401  the name is replaced there

from pitfalls.images import LeastSquaresClassifier
from tests.images.linear.scikit_learn import load_tests


class Bridged(LeastSquaresClassifier):
    """Ours with scikit-learn's name for the ridge, and its solvers' parameters."""

    def __init__(self, alpha=1.0, *, fit_intercept=True, class_weight=None, solver="auto"):
        super().__init__(alpha, fit_intercept=fit_intercept, class_weight=class_weight)
        self.alpha = alpha
        self.solver = solver

    def set_params(self, **params):
        super().set_params(**params)
        self.ridge = self.alpha
        return self


Bridged.__name__ = "RidgeClassifier"
OURS = r"RidgeClassifier-|RidgeClassifier\]|test_class_weights$|_test_ridge_classifiers"
EXCLUDED = {
    r"multilabel": "ours takes one label a row",
    r"same_dense_and_sparse": "its labels are all of one class, which ours refuses",
}
for module, only in {
    "sklearn.linear_model.tests.test_ridge": {
        "test_class_weights",
        "test_class_weight_vs_sample_weight",
        "test_dense_sparse",
        "test_ridgeclassifier_multilabel",
    },
    "sklearn.linear_model.tests.test_common": {"test_model_pipeline_same_dense_and_sparse"},
}.items():
    globals().update(
        load_tests(module, "sklearn.linear_model", "RidgeClassifier", Bridged, only=only)
    )
