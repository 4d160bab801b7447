"""What the image runs say: linear methods, learning-rate schemes, trained networks."""

import math
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from pitfalls.report.facts.registry import Facts, states
from pitfalls.runs import Run

NO_SPREAD = "none, one run; the standard error given is that of the test sample"

NETWORKS = {"resnet18": "ResNet18", "fastnet": "FastNet"}


def standard_error(share: float, n: int) -> float:
    """Return the standard error of a share counted on n images."""
    return math.sqrt(max(share * (1 - share), 0.0) / n) if n else 0.0


def guesses(share: float, chance: float, n: int) -> bool:
    """Whether a share of n images is within three standard errors of guessing, taken at chance.

    The error belongs to what is to be excluded: a network that guesses. Every text and every verdict
    asks here, so that one number is never called both guessing and better than it.
    """
    return share <= chance + 3 * standard_error(chance, n)


def margin_of_lead(shares: Mapping[str, float], n: int) -> float:
    """Return two standard errors of the difference between the best share and another."""
    best = max(shares, key=lambda name: shares[name])
    others = [standard_error(share, n) for name, share in shares.items() if name != best]
    return 2 * math.hypot(standard_error(shares[best], n), max(others, default=0.0))


def tied_with_best(shares: Mapping[str, float], n: int) -> list[str]:
    """Return the names whose shares of n images do not lie apart from the best one's."""
    best, margin = max(shares, key=lambda name: shares[name]), margin_of_lead(shares, n)
    return [name for name in shares if name != best and shares[best] - shares[name] <= margin]


def rises(before: float, after: float, n: int) -> bool:
    """Whether a share of n images grew by more than two standard errors of the difference."""
    return after - before > 2 * math.hypot(standard_error(before, n), standard_error(after, n))


@states("images-compare")
def schemes(runs: tuple[Run, ...]) -> Facts:
    """One line a learning-rate scheme, the best and whether the others are told apart from it."""
    results = runs[0].results()
    chance = 1 / len(results["class_names"])
    by_scheme: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in results["rows"]:
        by_scheme[row["scheme"]].append(row)
    rates = _rates(runs[0])
    lines = [
        {**_scheme_line(name, rows, results["n_test"]), **rates.get(name, {})}
        for name, rows in by_scheme.items()
    ]
    ranked = sorted(lines, key=lambda line: -line["test"])
    shares = {line["scheme"]: line["test"] for line in ranked}
    n = max(len(rows) for rows in by_scheme.values())
    return Facts(
        {
            **_data(results),
            "network": NETWORKS[runs[0].config["network"]["network"]],
            "chance": chance,
            "lines": lines,
            "best": ranked[0],
            "worst": ranked[-1],
            "tied": tied_with_best(shares, results["n_test"]),
            "margin": margin_of_lead(shares, results["n_test"]),
            "at_chance": [
                line["scheme"] for line in lines if guesses(line["test"], chance, results["n_test"])
            ],
            "n_seeds": n,
            "precision": results["rows"][0]["precision"],
        },
        n=f"{n} {'start' if n == 1 else 'starts'} a scheme",
        spread="smallest and largest over the starts" if n > 1 else NO_SPREAD,
        data=results["data"],
    )


def _scheme_line(name: str, rows: list[dict[str, Any]], n_test: int) -> dict[str, Any]:
    test = [row["test_accuracy"] for row in rows]
    train = [row["train_accuracy"] for row in rows]
    mean = sum(test) / len(test)
    return {
        "scheme": name,
        "n": len(rows),
        "epochs": rows[0]["epochs"],
        "steps": rows[0]["steps"],
        "test": mean,
        "test_low": min(test),
        "test_high": max(test),
        "train": sum(train) / len(train),
        "loss": sum(row["train_loss"] for row in rows) / len(rows),
        "test_loss": sum(row["test_loss"] for row in rows) / len(rows),
        "error": standard_error(mean, n_test),
    }


def _rates(run: Run) -> dict[str, dict[str, float]]:
    """Return the first, highest and last learning rate that each scheme used."""
    used: dict[str, list[float]] = defaultdict(list)
    for record in run.metrics():
        if "rate" in record:
            used[record.get("scheme", "")].append(record["rate"])
    return {
        name: {"first_rate": rates[0], "peak_rate": max(rates), "last_rate": rates[-1]}
        for name, rates in used.items()
    }


@states("images-train")
def training(runs: tuple[Run, ...]) -> Facts:
    """Epoch by epoch, and how far the network got on the test images."""
    run = runs[0]
    results = run.results()
    epochs = [record for record in run.metrics() if "train_loss" in record]
    test, chance = results["test_accuracy"], 1 / len(results["class_names"])
    return Facts(
        {
            **_data(results),
            "network": NETWORKS[run.config["network"]["network"]],
            "scheme": results["scheme"],
            "precision": results["precision"],
            "weight_decay": run.config["training"]["weight_decay"],
            "epochs": results["epochs"],
            "steps": results["steps"],
            "by_epoch": [
                {key: record.get(key) for key in ("epoch", "train_loss", "train_accuracy")}
                for record in epochs
            ],
            "train": results["train_accuracy"],
            "test": test,
            "test_loss": results["test_loss"],
            "error": standard_error(test, results["n_test"]),
            "gap": results["train_accuracy"] - test,
            "chance": chance,
            "at_chance": guesses(test, chance, results["n_test"]),
            "train_at_chance": guesses(results["train_accuracy"], chance, results["n_train"]),
            "rising": len(epochs) > 1
            and rises(
                epochs[-2]["train_accuracy"], epochs[-1]["train_accuracy"], results["n_train"]
            ),
        },
        n="1 training",
        spread=NO_SPREAD,
        data=results["data"],
    )


def _data(results: dict[str, Any]) -> dict[str, Any]:
    return {
        "data": results["data"],
        "n_train": results["n_train"],
        "n_test": results["n_test"],
        "n_classes": len(results["class_names"]),
    }


@states("images-fast")
def fast(runs: tuple[Run, ...]) -> Facts:
    """How far the fast recipe gets, and in what time."""
    results = runs[0].results()
    return Facts(
        {**_data(results), **{k: v for k, v in results.items() if k not in ("class_names",)}},
        n=f"{results['n']} {'seed' if results['n'] == 1 else 'seeds'}",
        spread="standard deviation over the seeds" if results["n"] > 1 else "none, one seed",
        data=results["data"],
    )
