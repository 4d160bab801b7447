"""Near-duplicates between CIFAR-10's training and test set, beside the list that ciFAIR has published.

    python -m benchmarks.images.duplicates PATH [--list duplicates_cifar10.csv]

The list (columns TestID, TrainID, Distance, Judgment) is ciFAIR's own, found by the features of a network
and judged by people: github.com/cvjena/cifair, folder meta. ``--sheet`` writes the pairs that it does not
have as one picture, to be looked at.
"""

import argparse
import csv
import time
from pathlib import Path

import numpy as np
from benchmarks.record import record
from PIL import Image

from pitfalls.images import load_dataset
from pitfalls.images.data import duplicates

THRESHOLDS = (0.8, 0.85, 0.9, 0.95)
PUBLISHED = 286
"""Test images of ciFAIR's list: 251 near-duplicates and 35 that are very similar; none is exact."""
COLUMNS = 9


def sheet(pairs: list[tuple[int, int]], test: np.ndarray, train: np.ndarray, path: Path) -> None:
    tiles = [
        np.asarray(
            Image.fromarray(np.concatenate([test[a], train[b]], axis=2).transpose(1, 2, 0)).resize(
                (160, 80), 0
            )
        )
        for a, b in pairs
    ]
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % COLUMNS)
    rows = [
        np.concatenate(tiles[at : at + COLUMNS], axis=1) for at in range(0, len(tiles), COLUMNS)
    ]
    Image.fromarray(np.concatenate(rows)).save(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("--list", type=Path)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--wrong", type=int, help="how many of the sheet's pairs are other scenes")
    options = parser.parse_args()
    listed = None
    if options.list is not None:
        with options.list.open() as stream:
            listed = {int(row["TestID"]) for row in csv.DictReader(stream)}
    data = load_dataset(options.data)
    results: dict[str, object] = {"published": PUBLISHED, "n_test": len(data.test_labels)}
    for threshold in THRESHOLDS:
        duplicates.ALIKE = threshold
        wall, cpu = time.perf_counter(), time.process_time()
        found = duplicates.count_duplicates(data.train_images, data.test_images)
        here = {test for test, _ in found.pairs}
        labels = np.array([[data.test_labels[a], data.train_labels[b]] for a, b in found.pairs])
        results[f"at {threshold}"] = {
            "exact": found.exact,
            "near": found.near,
            "of_one_class": float((labels[:, 0] == labels[:, 1]).mean()),
            "on_the_list": None if listed is None else len(here & listed),
            "seconds": time.perf_counter() - wall,
            "cpu_seconds": time.process_time() - cpu,
        }
        if threshold == 0.9:
            results["not_on_the_list_and_another_scene"] = options.wrong
            rest = [pair for pair in found.pairs if listed is None or pair[0] not in listed]
            if options.sheet is not None:
                sheet(rest, data.test_images, data.train_images, options.sheet)
    record("images-duplicates", results)


if __name__ == "__main__":
    main()
