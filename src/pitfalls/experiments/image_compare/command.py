"""``pitfalls images compare``."""

from dataclasses import replace

import numpy as np

from pitfalls.experiments.image_announce import say_beforehand, say_pictures
from pitfalls.experiments.image_compare import EXPERIMENT, CompareConfig
from pitfalls.experiments.image_source import called
from pitfalls.frame import options, perform, print_table
from pitfalls.prose import counted

__all__ = ["command"]


@options
def command(config: CompareConfig) -> None:
    """Train each learning-rate scheme from the same start (homework 4e)."""
    say_beforehand(
        config.source, [replace(config.training, scheme=scheme) for scheme in config.schemes]
    )
    result = perform(EXPERIMENT, config).result
    say_pictures(result.pictures)
    rows = {row.scheme: row for row in result.rows}
    shown = []
    for scheme in result.schemes:
        if scheme not in rows:
            shown.append((scheme, "diverged", "-", config.training.epochs, "-"))
            continue
        trainings = result.of(scheme)
        shown.append(
            (
                scheme,
                _spread([100 * training.train_accuracy for training in trainings]),
                _spread([100 * result.score(training) for training in trainings]),
                rows[scheme].n_epochs,
                _spread([training.train_loss for training in trainings], 3),
            )
        )
    part, n = called(result.part), len(result.seeds)
    print_table(
        "Learning-rate schemes from the same start",
        ("scheme", "train accuracy %", f"{part} accuracy %", "epochs", "train loss"),
        shown,
        caption=f"n = {counted(n, 'start')} a scheme"
        + (", mean ± standard deviation" if n > 1 else "")
        + "; train: mean over the last epoch while learning; "
        + (
            "held out of the training set"
            if result.part == "validation"
            else "the homework's validation set"
        ),
    )


def _spread(values: list[float], digits: int = 2) -> str:
    mean = f"{np.mean(values):.{digits}f}"
    return mean if len(values) == 1 else f"{mean} ± {np.std(values, ddof=1):.{digits}f}"
