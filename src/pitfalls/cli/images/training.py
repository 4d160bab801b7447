"""``pitfalls images train | compare | fast``."""

import statistics
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from pitfalls.cli.images.options import (
    ALL_DATA,
    HOMEWORK_TRAINING,
    DataOptions,
    Precision,
    Scheme,
    TrainOptions,
    percent,
    resolve_precision,
)
from pitfalls.cli.performing import perform
from pitfalls.errors import InputError
from pitfalls.frame.session import complain, remark, resolve_device, say, settings
from pitfalls.frame.tables import print_table

if TYPE_CHECKING:
    from pitfalls.experiments.image_source import ImageSource
    from pitfalls.experiments.image_training import TrainRunConfig
    from pitfalls.images.training.config import TrainConfig

__all__ = ["compare", "fast", "train"]


def train(
    *,
    data: DataOptions = ALL_DATA,
    options: TrainOptions = HOMEWORK_TRAINING,
    scheme: Scheme = "special",
) -> int | None:
    """Train one network; under torchrun, in several processes.

    Parameters
    ----------
    scheme
        Learning-rate scheme.
    """
    from pitfalls.experiments.image_training import TrainRunConfig
    from pitfalls.images.training.distributed import join, launched_size, send_home

    device = resolve_device()
    source = data.find()
    config = TrainRunConfig(
        source, options.network_config(), options.config(source, scheme), launched_size(), device
    )
    with join(device) as team:
        if not team.writes:
            return _follow(config)
        try:
            _say_beforehand(source, [config.training])
            run = perform(config)
        finally:
            send_home()
    results = run.results()
    _say_data(results)
    epochs = [m for m in run.metrics() if "train_loss" in m]
    print_table(
        "Training, epoch by epoch",
        ["epoch", "train loss", "train accuracy", "validation loss", "validation accuracy"],
        [
            [
                m["epoch"] + 1,
                m["train_loss"],
                percent(m["train_accuracy"]),
                m["validation_loss"],
                percent(m["validation_accuracy"]),
            ]
            for m in epochs
        ],
        caption="train: mean over the epoch while learning",
    )
    say(
        f"test accuracy {percent(results['test_accuracy'])} on {results['n_test']:,} images; "
        f"{results['steps']:,} steps in {results['seconds']:.1f} s "
        f"({results['cpu_seconds']:.1f} s of processor time), without testing"
    )
    return None


def _say_beforehand(source: "ImageSource", trainings: Sequence["TrainConfig"]) -> None:
    """Warn of runs that are bound to learn nothing, before the time is spent."""
    from pitfalls.images.training.checks import training_warnings

    data = source.load()
    for text in dict.fromkeys(w for t in trainings for w in training_warnings(t, data)):
        complain(text, kind="warning")


def _follow(config: "TrainRunConfig") -> int:
    """Do a further process' part in silence: the first one says all there is to say."""
    from pitfalls.errors import PitfallsError
    from pitfalls.experiments.image_training import follow
    from pitfalls.images.training.distributed import called_to_work, wait_for_first

    try:
        if called_to_work():
            follow(config)
    except PitfallsError as error:
        wait_for_first()
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


def compare(
    *,
    data: DataOptions = ALL_DATA,
    options: TrainOptions = HOMEWORK_TRAINING,
    schemes: Annotated[list[Scheme] | None, Parameter(consume_multiple=True, negative="")] = None,
    n_seeds: int = 1,
) -> None:
    """Train each learning-rate scheme from the same start (homework 4e).

    Parameters
    ----------
    schemes
        Which to compare (default: constant, annealed, special).
    n_seeds
        Starts for each scheme, from --seed on.
    """
    from pitfalls.experiments.image_training import HOMEWORK_SCHEMES, CompareConfig

    if n_seeds < 1:
        raise InputError(f"--n-seeds must be at least 1, got {n_seeds}.")
    chosen: tuple[Scheme, ...] = tuple(schemes or HOMEWORK_SCHEMES)
    if len(set(chosen)) < len(chosen):
        raise InputError("--schemes: each scheme can be named once.")
    device, source = resolve_device(), data.find()
    first, training = settings().seed, options.config(source, chosen[0])
    _say_beforehand(source, [replace(training, scheme=scheme) for scheme in chosen])
    run = perform(
        CompareConfig(
            source,
            options.network_config(),
            training,
            chosen,
            tuple(range(first, first + n_seeds)),
            device,
        )
    )
    results = run.results()
    _say_data(results)
    # The homework's validation set is the test set, unless a part of the training set was held out.
    held_out = results["n_validation"] > 0
    key = "validation" if held_out else "test"
    rows = []
    for scheme in chosen:
        of = [row for row in results["rows"] if row["scheme"] == scheme]
        if not of:
            rows.append([scheme, "diverged", "-", options.epochs, "-", None])
            continue
        rows.append(
            [
                scheme,
                _spread([100 * row["train_accuracy"] for row in of]),
                _spread([100 * row[f"{key}_accuracy"] for row in of]),
                of[0]["epochs"],
                _spread([row["train_loss"] for row in of], 3),
                round(statistics.mean(row["seconds"] for row in of), 1),
            ]
        )
    print_table(
        "Learning-rate schemes from the same start",
        ["scheme", "train accuracy %", f"{key} accuracy %", "epochs", "train loss", "seconds"],
        rows,
        caption=f"n = {n_seeds} start{'s' if n_seeds > 1 else ''} a scheme"
        + (", mean ± standard deviation" if n_seeds > 1 else "")
        + "; train: mean over the last epoch while learning; "
        + ("held out of the training set" if held_out else "the homework's validation set"),
    )


def fast(
    *,
    data: DataOptions = ALL_DATA,
    target: Literal[90, 94] = 90,
    n_seeds: int = 1,
    precision: Precision = "auto",
) -> None:
    """Train the small network by the fast recipe; its targets are CIFAR-10's.

    Parameters
    ----------
    target
        Percent of the test images to get right by plain evaluation.
    n_seeds
        Trainings, from --seed on.
    precision
        auto takes bfloat16 where the processor has units for it.
    """
    from pitfalls.experiments.image_training import fast_config

    if n_seeds < 1:
        raise InputError(f"--n-seeds must be at least 1, got {n_seeds}.")
    first = settings().seed
    run = perform(
        fast_config(
            data.find(),
            target,
            seeds=tuple(range(first, first + n_seeds)),
            precision=resolve_precision(precision),
            device=resolve_device(),
        )
    )
    results = run.results()
    _say_data(results)
    print_table(
        f"Fast recipe for {target} % on CIFAR-10",
        ["seed", "accuracy %", "six views %", "seconds", "processor seconds"],
        [
            [
                row["seed"],
                round(100 * row["test_accuracy"], 2),
                round(100 * row["six_views"], 2),
                round(row["seconds"], 1),
                round(row["cpu_seconds"], 1),
            ]
            for row in results["rows"]
        ],
        caption="seconds: training steps alone, from picking a batch to the update; without "
        "loading, whitening, checkpoints and testing",
    )
    mean = 100 * results["mean_accuracy"]
    verdict = ""
    if results["data"] == "CIFAR-10":
        verdict = f": the target of {target} % is {'reached' if mean >= target else 'missed'}"
    spread = f" ± {100 * results['sd_accuracy']:.2f}" if n_seeds > 1 else ""
    say(f"plain test accuracy {mean:.2f}{spread} % (n = {n_seeds}){verdict}")


def _say_data(results: dict[str, Any]) -> None:
    remark(
        f"{results['data']}: {results['n_train']:,} training, {results['n_validation']:,} "
        f"validation and {results['n_test']:,} test images"
    )


def _spread(values: Sequence[float], digits: int = 2) -> str:
    mean = f"{statistics.mean(values):.{digits}f}"
    return mean if len(values) == 1 else f"{mean} ± {statistics.stdev(values):.{digits}f}"
