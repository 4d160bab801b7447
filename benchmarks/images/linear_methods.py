"""PCA, CCA and least squares on CIFAR-10 beside scikit-learn and beside plain NumPy.

Run: python -m benchmarks.images.linear_methods [three] [pca] [cca] [agreement] [--repeats 3]

three      the three methods on all 50,000 × 3,072 values, alternating with scikit-learn's
           LinearRegression alone; wall and processor seconds, peak memory
pca        PCA(2) by our moments (with and without the pass) and by scikit-learn's solvers
cca        CCA(2) at n = 10,000, alternating with scikit-learn's (minutes each)
agreement  our results held against all the images themselves, in float64
"""

import argparse
import resource
import time
import warnings

import numpy as np
from benchmarks.record import alternate, record
from sklearn import cross_decomposition, decomposition
from sklearn.linear_model import LinearRegression

from pitfalls.images import CCA, PCA, fit_linear_methods, load_dataset, predict_labels
from pitfalls.images.linear.one_pass import collect_moments


def one_hot(labels):
    return np.eye(10)[labels]


def three(data, repeats):
    rows = data.normalized("train").reshape(len(data.train_labels), -1)
    targets = one_hot(data.train_labels).astype(np.float32)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    start = time.perf_counter()
    fit_linear_methods(data)
    first = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    timed = alternate(
        {
            "pca + cca + least squares, one pass": lambda: fit_linear_methods(data),
            "scikit-learn LinearRegression": lambda: LinearRegression().fit(rows, targets),
        },
        repeats=repeats,
        warm_up=0,
    )
    ours, theirs = timed.values()
    record(
        "images-linear-three",
        {
            "shape": rows.shape,
            "timed": timed,
            "ratio_wall": theirs["median_s"] / ours["median_s"],
            "ratio_cpu": theirs["median_cpu_s"] / ours["median_cpu_s"],
            "first_call_s": first,
            "peak_gib_with_data_and_float32_copy": after,
            "peak_gib_before": before,
        },
    )


def pca(data, repeats):
    rows = data.normalized("train").reshape(len(data.train_labels), -1)
    moments, _ = collect_moments(data)
    solvers = ("randomized", "covariance_eigh")
    timed = alternate(
        {
            "ours, pass included": lambda: PCA(2).fit_moments(collect_moments(data)[0]),
            "ours, moments at hand": lambda: PCA(2).fit_moments(moments),
            **{
                f"scikit-learn {solver}": lambda solver=solver: decomposition.PCA(
                    2, svd_solver=solver, random_state=0
                ).fit(rows)
                for solver in solvers
            },
        },
        repeats=repeats,
        warm_up=0,
    )
    ours = PCA(2).fit_moments(moments).explained_variance_ratio_
    theirs = {
        solver: decomposition.PCA(2, svd_solver=solver, random_state=0)
        .fit(rows)
        .explained_variance_ratio_
        for solver in solvers
    }
    record(
        "images-linear-pca",
        {
            "shape": rows.shape,
            "timed": timed,
            "explained_variance_ratio": {"ours": ours, **theirs},
        },
    )


def cca(data, repeats):
    n = 10_000
    rows = data.normalized("train", 0, n).reshape(n, -1)
    labels = data.train_labels[:n]
    targets = one_hot(labels)
    theirs = cross_decomposition.CCA(2)
    with warnings.catch_warnings(record=True) as complaints:
        warnings.simplefilter("always")
        timed = alternate(
            {
                "ours": lambda: CCA(2).fit(rows, labels),
                "scikit-learn": lambda: theirs.fit(rows, targets),
            },
            repeats=repeats,
        )
    found = CCA(2).fit(rows, labels)
    a, b = theirs.transform(rows, targets)
    correlations = [float(np.corrcoef(a[:, i], b[:, i])[0, 1]) for i in range(2)]
    record(
        "images-linear-cca",
        {
            "shape": rows.shape,
            "timed": timed,
            "scikit_learn_warnings": sorted({str(c.message) for c in complaints}),
            "ratio_wall": timed["scikit-learn"]["median_s"] / timed["ours"]["median_s"],
            "ratio_cpu": timed["scikit-learn"]["median_cpu_s"] / timed["ours"]["median_cpu_s"],
            "correlations": {
                "ours": found.canonical_correlations_,
                "scikit-learn": correlations,
            },
            "whitening_error": found.whitening_error_,
        },
    )


def agreement(data, repeats):
    """Hold the results against all the images themselves, in float64, not against their moments."""
    methods = fit_linear_methods(data)
    n, d = len(data.train_labels), data.n_features
    mean, std = (np.repeat(values, d // 3) for values in (data.mean, data.std))
    gradient, against = np.zeros((d + 1, 10)), np.zeros((d + 1, 10))
    scores = []
    for start in range(0, n, 5000):
        pixels = data.train_images[start : start + 5000].reshape(-1, d) / 255
        rows = np.hstack([np.ones((len(pixels), 1)), (pixels - mean) / std])
        targets = one_hot(data.train_labels[start : start + 5000])
        gradient += rows.T @ (methods.classifier.outputs(rows[:, 1:]) - targets)
        against += rows.T @ targets
        scores.append(np.hstack([e.transform(rows[:, 1:]) for e in (methods.pca, methods.cca)]))
    covariance = np.cov(np.concatenate(scores).T)
    indicator = one_hot(data.train_labels)
    indicator -= indicator.mean(axis=0)
    # the correlation of a score with its best combination of the labels, by regression on them
    canonical = np.concatenate(scores)[:, 2:]
    canonical = canonical - canonical.mean(axis=0)
    fitted = indicator @ np.linalg.lstsq(indicator, canonical, rcond=None)[0]
    correlations = np.linalg.norm(fitted, axis=0) / np.linalg.norm(canonical, axis=0)
    record(
        "images-linear-agreement",
        {
            "shape": (n, d),
            "gradient_of_least_squares_relative": float(
                np.linalg.norm(gradient) / np.linalg.norm(against)
            ),
            "accuracy": {
                part: float(
                    np.mean(predict_labels(methods.classifier, data, part) == data.labels(part))
                )
                for part in ("train", "test")
            },
            "variance_of_pca_scores_relative_error": np.abs(
                np.diag(covariance)[:2] / methods.pca.explained_variance_ - 1
            ),
            "covariance_of_cca_scores_minus_identity": float(
                np.linalg.norm(covariance[2:, 2:] - np.eye(2))
            ),
            "canonical_correlations": {
                "ours": methods.cca.canonical_correlations_,
                "of the scores": correlations,
            },
            "whitening_error": methods.cca.whitening_error_,
            "normal_residual": methods.classifier.normal_residual_,
        },
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=["three", "pca", "agreement", "cca"])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--data", default=None)
    arguments = parser.parse_args()
    data = load_dataset(arguments.data)
    if data.name != "CIFAR-10":
        raise SystemExit("needs CIFAR-10: set PITFALLS_DATA or give --data")
    for part in arguments.parts:
        {"three": three, "pca": pca, "cca": cca, "agreement": agreement}[part](
            data, arguments.repeats
        )


if __name__ == "__main__":
    main()
