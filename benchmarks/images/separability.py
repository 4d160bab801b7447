"""Can a linear map classify all training images rightly? How long it takes to know, and the witness.

Run: python -m benchmarks.images.separability [--data CIFAR-10]

The digits (all 1,797), and CIFAR-10's 50,000 training images of 3,072 values.
"""

import argparse
import resource
import time

import numpy as np
from benchmarks.record import record
from benchmarks.sections import ROOT, machine, read, table, write_sections
from sklearn.datasets import load_digits

from pitfalls.images import LeastSquaresClassifier, load_dataset
from pitfalls.images.linear import (
    Combination,
    decide_separability,
    excludes_separation,
    proven_margin,
)
from pitfalls.prose import number

GUIDE = ROOT / "docs" / "guides" / "linear-methods.md"


def section() -> str:
    """Write the table of the guide."""
    stored = read("images-separability")
    if stored is None:
        return "No decision on whole data sets is recorded."
    rows = []
    for name, found in stored["results"].items():
        witness = found["witness"] or {}
        proof = (
            f"a map with leads of at least {witness['margin']:.3g}"
            if "margin" in witness
            else f"{witness['multipliers']:,} multipliers"
            if witness
            else found["reason"]
        )
        answer = {True: "yes", False: "no", None: "undecided"}[found["separable"]]
        rows.append(
            (
                name,
                f"{found['shape'][0]:,} × {found['shape'][1]:,}",
                f"{100 * found['least_squares_accuracy']:.1f} %",
                answer,
                proof,
                number(found["decided_s"], 2),
                number(found["checked_s"], 2),
            )
        )
    heads = ("images", "n × pixels", "least squares, training images right", "separable")
    return (
        table([*heads, "witness", "seconds", "to prove it"], rows)
        + f"\n\nn = 1 ({machine(stored)})."
    )


def decide(name, X, y, results):
    start, start_cpu = time.perf_counter(), time.process_time()
    found = decide_separability(X, y)
    decided, decided_cpu = time.perf_counter() - start, time.process_time() - start_cpu
    classes, at = np.unique(y, return_inverse=True)
    start = time.perf_counter()
    exact = X.astype(np.float64)
    if isinstance(found.witness, Combination):
        assert excludes_separation(found.witness, exact, at)
        witness = {
            "multipliers": len(found.witness.multipliers),
            "classes": np.unique(at[found.witness.samples]).tolist(),
        }
    elif found.witness is not None:
        witness = {"margin": proven_margin(found.witness, exact, at)}
    results[name] = {
        "shape": X.shape,
        "n_classes": len(classes),
        "separable": found.separable,
        "reason": found.reason,
        "witness": witness if found.witness is not None else None,
        "decided_s": decided,
        "decided_cpu_s": decided_cpu,
        "checked_s": time.perf_counter() - start,
        "least_squares_accuracy": LeastSquaresClassifier().fit(X, y).score(X, y),
        "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "n": 1,
    }
    print(name, results[name], flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data")
    parser.add_argument("--page", action="store_true", help="write the guide's table only")
    options = parser.parse_args()
    if options.page:
        write_sections(GUIDE, {"separability": section})
        return
    results = {}
    decide("digits", *load_digits(return_X_y=True), results)
    if options.data:
        data = load_dataset(options.data)
        images = data.train_images.reshape(len(data.train_labels), -1)
        decide(data.name, images, data.train_labels, results)
    record("images-separability", results)
    write_sections(GUIDE, {"separability": section})


if __name__ == "__main__":
    main()
