"""``pitfalls images train | compare | fast | lr-find | evaluate | predict``."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from pitfalls.cli.session import (
    perform,
    print_table,
    remark,
    resolve_device,
    run_store,
    say,
    settings,
)
from pitfalls.errors import InputError

if TYPE_CHECKING:
    from pitfalls.experiments.image_source import ImageSource
    from pitfalls.experiments.image_training import NetworkConfig, TrainRunConfig
    from pitfalls.images.train_records import TrainConfig

__all__ = ["compare", "evaluate", "fast", "lr_find", "predict", "train"]

Scheme = Literal["constant", "annealed", "special", "one_cycle", "linear", "cosine"]
Precision = Literal["auto", "float32", "bfloat16"]


@Parameter(name="*")
@dataclass(frozen=True)
class DataOptions:
    """Which pictures.

    Attributes
    ----------
    data
        CIFAR-10 folder or archive, class folders, .npz, or the word digits (default: PITFALLS_DATA,
        the cache, a download, the bundled digits).
    subset_train
        Keep so many training images.
    subset_val
        Keep so many test images (the homework's validation set).
    validation
        Hold out a part of the training set for choices: a fraction below 1 or a number of images.
    size
        Resize pictures to this many pixels a side.
    channels
        Make pictures grey (1) or coloured (3).
    """

    data: str | None = None
    subset_train: int | None = None
    subset_val: int | None = None
    validation: float = 0
    size: int | None = None
    channels: Literal[1, 3] | None = None

    def find(self) -> "ImageSource":
        """Look the pictures up."""
        from pitfalls.cli.progress import TerminalProgress
        from pitfalls.experiments.image_source import find_images

        return find_images(
            self.data,
            subset_train=self.subset_train,
            subset_val=self.subset_val,
            validation=self.validation,
            size=self.size,
            channels=self.channels,
            seed=settings().seed,
            progress=TerminalProgress(),
        )


@Parameter(name="*")
@dataclass(frozen=True)
class TrainOptions:
    """How to train; the defaults are the homework's.

    Attributes
    ----------
    network
        The homework's network or the small fast one.
    widths
        Channels of fastnet's three groups.
    epochs
        Passes over the training set.
    batch_size
        Images a step, over all processes and micro-batches.
    rate
        The scheme's rate, annealing factor or peak (default: the scheme's own).
    optimizer
        With muon the scheme is a factor: give --rate 1.
    momentum
        Of SGD.
    nesterov
        Nesterov's form of momentum.
    weight_decay
        Of SGD.
    label_smoothing
        Share of each target that is spread over all classes.
    averaging
        Decay a step of a moving average of the weights, 0.99 say; the average is what is tested.
    precision
        bfloat16 keeps weights and loss in float32; auto takes it where the processor has units for it.
    micro_batches
        Split each batch to save memory; the step stays the same but for batch normalisation.
    crop_padding
        Border for random crops (default: an eighth of the image; 0: no crops).
    flip
        Mirror images at random; auto does so for anything but digits.
    checkpoint_every
        Steps between checkpoints.
    """

    network: Literal["resnet18", "fastnet"] = "resnet18"
    widths: tuple[int, int, int] = (64, 128, 128)
    epochs: int = 1
    batch_size: int = 128
    rate: float | None = None
    optimizer: Literal["sgd", "muon"] = "sgd"
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    averaging: float | None = None
    precision: Precision = "float32"
    micro_batches: int = 1
    crop_padding: int | None = None
    flip: Literal["auto", "random", "alternating", "none"] = "auto"
    checkpoint_every: int = 50

    def network_config(self) -> "NetworkConfig":
        """Name the network."""
        from pitfalls.experiments.image_training import NetworkConfig

        return NetworkConfig(self.network, self.widths)

    def config(self, source: "ImageSource", scheme: str) -> "TrainConfig":
        """Turn the options into the trainer's settings."""
        from pitfalls.images.train_records import TrainConfig, check_config

        flip = self.flip
        if flip == "auto":
            # A mirrored digit is another sign, a mirrored horse is a horse.
            flip = "none" if source.name == "digits" else "random"
        config = TrainConfig(
            epochs=self.epochs,
            batch_size=self.batch_size,
            scheme=scheme,
            rate=self.rate,
            optimizer=self.optimizer,
            momentum=self.momentum,
            nesterov=self.nesterov,
            weight_decay=self.weight_decay,
            label_smoothing=self.label_smoothing,
            averaging=self.averaging,
            precision=_precision(self.precision),
            micro_batches=self.micro_batches,
            crop_padding=self.crop_padding,
            flip=flip,
            checkpoint_every=self.checkpoint_every,
            seed=settings().seed,
        )
        check_config(config)
        return config


def train(
    *,
    data: DataOptions = DataOptions(),
    options: TrainOptions = TrainOptions(),
    scheme: Scheme = "special",
) -> int | None:
    """Train one network; under torchrun, in several processes.

    Parameters
    ----------
    scheme
        Learning-rate scheme.
    """
    from pitfalls.experiments.image_training import TrainRunConfig
    from pitfalls.images.distributed import join, launched_size, send_home

    device = resolve_device()
    source = data.find()
    config = TrainRunConfig(
        source, options.network_config(), options.config(source, scheme), launched_size(), device
    )
    with join(device) as team:
        if not team.writes:
            return _follow(config)
        try:
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
                _percent(m["train_accuracy"]),
                m["validation_loss"],
                _percent(m["validation_accuracy"]),
            ]
            for m in epochs
        ],
        caption="train: mean over the epoch while learning",
    )
    say(
        f"test accuracy {_percent(results['test_accuracy'])} on {results['n_test']:,} images; "
        f"{results['steps']:,} steps in {results['seconds']:.1f} s "
        f"({results['cpu_seconds']:.1f} s of processor time), without testing"
    )
    return None


def _follow(config: "TrainRunConfig") -> int:
    """Do a further process' part in silence: the first one says all there is to say."""
    from pitfalls.errors import PitfallsError
    from pitfalls.experiments.image_training import follow
    from pitfalls.images.distributed import called_to_work, wait_for_first

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
    data: DataOptions = DataOptions(),
    options: TrainOptions = TrainOptions(),
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
    chosen = tuple(schemes or HOMEWORK_SCHEMES)
    if len(set(chosen)) < len(chosen):
        raise InputError("--schemes: each scheme can be named once.")
    device, source = resolve_device(), data.find()
    first = settings().seed
    run = perform(
        CompareConfig(
            source,
            options.network_config(),
            options.config(source, chosen[0]),
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
    data: DataOptions = DataOptions(),
    target: Literal[90, 94] = 90,
    n_seeds: int = 1,
    precision: Precision = "auto",
) -> None:
    """Train the small network by the fast recipe; its targets are CIFAR-10's.

    Parameters
    ----------
    target
        Percent of the test images to get right. 94 has been reached over six views, not plainly.
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
            precision=_precision(precision),
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


def lr_find(
    *,
    data: DataOptions = DataOptions(),
    options: TrainOptions = TrainOptions(),
    start: float = 1e-5,
    stop: float = 10.0,
    steps: int = 100,
) -> None:
    """Raise the learning rate step by step and find where the loss falls fastest.

    Parameters
    ----------
    start
        First rate.
    stop
        Last rate.
    steps
        Rates to try.
    """
    from pitfalls.experiments.image_training import RangeConfig

    device, source = resolve_device(), data.find()
    run = perform(
        RangeConfig(
            source,
            options.network_config(),
            options.config(source, "constant"),
            start,
            stop,
            steps,
            device,
        )
    )
    results = run.results()
    _say_data(results)
    say(
        f"the loss falls fastest at rate {results['steepest']:.2g} and is lowest at "
        f"{results['lowest']:.2g}"
        + ("; it bursts beyond" if results["diverged"] else "; it did not burst")
    )
    say(f"a peak rate to try: {results['steepest']:.2g}")


def evaluate(
    run: str,
    /,
    *,
    part: Literal["validation", "test"] = "test",
    views: Literal["plain", "mirror", "six"] = "plain",
    member: int = 0,
) -> None:
    """Show what a trained network confuses, how sure it is and its worst mistakes.

    Parameters
    ----------
    run
        A finished run of train, compare or fast: its id, a part of it, or its folder.
    part
        Which images.
    views
        Average the answers over an image and its mirror image, or over six views.
    member
        Which of the run's trainings, counted from 0.
    """
    from pitfalls.experiments.image_evaluation import evaluation_of

    trained = run_store().find(run)
    config = evaluation_of(trained, member=member, part=part, views=views, device=resolve_device())
    results = perform(config).results()
    rows = [
        [name, _percent(accuracy)]
        for name, accuracy in zip(results["class_names"], results["class_accuracy"], strict=True)
    ]
    print_table(
        f"{results['data']}, {results['n']:,} {part} images",
        ["class", "accuracy"],
        [*rows, ["all", _percent(results["accuracy"])]],
    )
    for pair in results["confused_most"]:
        say(f"{pair['images']:>5} of class {pair['true']} were taken for {pair['predicted']}")
    say(
        f"cross-entropy {results['loss']:.4f} nats, calibration error "
        f"{100 * results['calibration_error']:.2f} points"
    )


def predict(
    paths: Annotated[list[Path], Parameter(consume_multiple=True, negative="")],
    /,
    *,
    run: str,
    member: int = 0,
    views: Literal["plain", "mirror", "six"] = "plain",
) -> None:
    """Classify pictures of your own with a trained network.

    Parameters
    ----------
    paths
        Picture files, or folders of them.
    run
        A finished run of train, compare or fast: its id, a part of it, or its folder.
    member
        Which of the run's trainings, counted from 0.
    views
        Average the answers over an image and its mirror image, or over six views.
    """
    import numpy as np

    from pitfalls.experiments.image_evaluation import load_trained
    from pitfalls.images.pictures import read_picture

    files = _picture_files(paths)
    trained = load_trained(run_store().find(run), member)
    channels, height, width = trained.shape
    pictures = np.stack([read_picture(file, (height, width), channels) for file in files])
    probabilities = trained.predict(pictures, views=views, device=resolve_device())
    rows = []
    for file, row in zip(files, probabilities, strict=True):
        best = np.argsort(-row)[:3]
        rows.append(
            [str(file), *(f"{trained.class_names[i]} {_percent(float(row[i]))}" for i in best)]
        )
    print_table(
        f"{len(files)} pictures, scaled to {height}×{width}",
        ["picture", "first", "second", "third"][: 1 + min(3, len(trained.class_names))],
        rows,
    )


def _picture_files(paths: Sequence[Path]) -> list[Path]:
    from pitfalls.images.pictures import ENDINGS

    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(f for f in path.iterdir() if f.suffix.lower() in ENDINGS)
            if not inside:
                raise InputError(f"predict: {path} holds no PNG or JPEG files.")
            files += inside
        else:
            files.append(path)
    return files


def _precision(asked: Precision) -> Literal["float32", "bfloat16"]:
    if asked != "auto":
        return asked
    from pitfalls.images.hardware import has_fast_bfloat16

    return "bfloat16" if has_fast_bfloat16(resolve_device()) else "float32"


def _say_data(results: dict[str, Any]) -> None:
    remark(
        f"{results['data']}: {results['n_train']:,} training, {results['n_validation']:,} "
        f"validation and {results['n_test']:,} test images"
    )


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{100 * share:.2f} %"


def _spread(values: Sequence[float], digits: int = 2) -> str:
    mean = f"{statistics.mean(values):.{digits}f}"
    return mean if len(values) == 1 else f"{mean} ± {statistics.stdev(values):.{digits}f}"
