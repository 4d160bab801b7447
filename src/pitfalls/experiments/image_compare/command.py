"""``pitfalls images compare``."""

from dataclasses import replace

import numpy as np

from pitfalls.experiments.image_announce import say_beforehand, say_pictures
from pitfalls.experiments.image_architectures import EXPERIMENT as ARCHITECTURES
from pitfalls.experiments.image_architectures import ArchitecturesConfig
from pitfalls.experiments.image_architectures.words import bought, hidden, lost
from pitfalls.experiments.image_compare import EXPERIMENT, CompareConfig
from pitfalls.experiments.image_compared import span
from pitfalls.experiments.image_source import called
from pitfalls.frame import options, perform, print_table, say, settings
from pitfalls.prose import counted, plain

__all__ = ["command"]


@options
def command(config: CompareConfig) -> None:
    """Train each learning-rate scheme, or each network, from the same start (homework 4e)."""
    if (workers := config.workers).backend != "here":
        workers = replace(workers, n_jobs=workers.n_jobs or settings().threads)
        config = replace(config, workers=workers)
    if config.networks:
        compare_networks(config)
        return
    say_beforehand(
        config.source, [replace(config.training, scheme=scheme) for scheme in config.compared]
    )
    result = perform(EXPERIMENT, config).result
    say_pictures(result.pictures)
    rows = {row.scheme: row for row in result.rows}
    shown: list[tuple[object, ...]] = []
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
                span(training.n_epochs for training in trainings),
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


def compare_networks(config: CompareConfig) -> None:
    """Train each network on the same data and schedule, and print what each came to."""
    training = replace(config.training, scheme=config.compared[0])
    say_beforehand(config.source, [training])
    asked = ArchitecturesConfig(
        config.source,
        networks=config.networks,
        network=config.network,
        training=training,
        n_seeds=config.n_seeds,
        workers=config.workers,
        track=config.track,
        device=config.device,
    )
    result = perform(ARCHITECTURES, asked).result
    say_pictures(result.pictures)
    part, n = called(result.part), len(result.seeds)
    print_table(
        "Networks on the same data and schedule",
        ("network", "parameters", "train accuracy %", f"{part} accuracy %", "processor seconds"),
        [
            (
                row.candidate.title,
                row.candidate.n_parameters,
                round(100 * row.train, 2),
                _spread([100 * result.score(t) for t in result.of(row.candidate.model)]),
                round(row.cpu_seconds, 1),
            )
            for row in result.rows
        ],
        caption=f"n = {counted(n, 'start')} a network",
    )
    say(plain(bought(result) + hidden(result) + lost(result)).strip())


def _spread(values: list[float], digits: int = 2) -> str:
    mean = f"{np.mean(values):.{digits}f}"
    return mean if len(values) == 1 else f"{mean} ± {np.std(values, ddof=1):.{digits}f}"
