"""Train networks on images inside run folders: one scheme, several, the fast recipe, a range test."""

import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import FrameType
from typing import Any, Literal

import numpy as np
import torch
from safetensors.torch import save
from torch import nn

from pitfalls.errors import DivergenceError, InputError
from pitfalls.experiments.image_source import ImageSource, find_images
from pitfalls.experiments.registry import NOT_IDENTITY, Progress, experiment, silent
from pitfalls.images.datasets import ImageDataset
from pitfalls.images.distributed import call_to_work, share_from_first, world
from pitfalls.images.evaluation import evaluate, predict_logits
from pitfalls.images.fast_recipes import FAST_RECIPES
from pitfalls.images.fastnet import FastNet
from pitfalls.images.range_test import learning_rate_range
from pitfalls.images.resnet import ResNet18
from pitfalls.images.train_records import EpochRecord, StepRecord, TrainConfig, TrainState
from pitfalls.images.training import train
from pitfalls.runs import Run
from pitfalls.runs.config import config_hash

__all__ = [
    "CompareConfig",
    "FastConfig",
    "NetworkConfig",
    "RangeConfig",
    "TrainRunConfig",
    "build_network",
    "compare_schemes",
    "empty_network",
    "fast_config",
    "find_learning_rate",
    "follow",
    "homework_runs",
    "train_fast",
    "train_images",
]

STEPS_A_CELL = 10**8  # more than any single training takes: checkpoints of later cells count on
HOMEWORK_SCHEMES = ("constant", "annealed", "special")


@dataclass(frozen=True)
class NetworkConfig:
    """Which network: the homework's, or the small one with its widths."""

    kind: Literal["resnet18", "fastnet"] = "resnet18"
    widths: tuple[int, int, int] = (64, 128, 128)


@dataclass(frozen=True)
class TrainRunConfig:
    """One training."""

    source: ImageSource
    network: NetworkConfig = NetworkConfig()
    training: TrainConfig = field(default_factory=TrainConfig)
    processes: int = 1
    device: str = field(default="cpu", metadata=NOT_IDENTITY)

    @property
    def run_name(self) -> str:
        """Name the run by its scheme."""
        return self.training.scheme


@dataclass(frozen=True)
class CompareConfig:
    """Several schemes from the same start, several starts."""

    source: ImageSource
    network: NetworkConfig = NetworkConfig()
    training: TrainConfig = field(default_factory=TrainConfig)
    schemes: tuple[str, ...] = HOMEWORK_SCHEMES
    seeds: tuple[int, ...] = (123,)
    device: str = field(default="cpu", metadata=NOT_IDENTITY)


@dataclass(frozen=True)
class FastConfig:
    """The fast recipe, once a seed."""

    source: ImageSource
    target: int
    network: NetworkConfig
    training: TrainConfig
    seeds: tuple[int, ...] = (123,)
    device: str = field(default="cpu", metadata=NOT_IDENTITY)


@dataclass(frozen=True)
class RangeConfig:
    """A learning-rate range test."""

    source: ImageSource
    network: NetworkConfig = NetworkConfig()
    training: TrainConfig = field(default_factory=TrainConfig)
    start: float = 1e-5
    stop: float = 10.0
    steps: int = 100
    device: str = field(default="cpu", metadata=NOT_IDENTITY)


@dataclass(frozen=True)
class _Cell:
    """One training of a run: what names it, its network, its settings."""

    label: dict[str, Any]
    network: NetworkConfig
    training: TrainConfig


@experiment("images-train")
def train_images(config: TrainRunConfig, run: Run, progress: Progress) -> None:
    """Train one network and test it."""
    call_to_work()
    cell = _Cell({"scheme": config.training.scheme}, config.network, config.training)
    rows = _train_cells([cell], config.source, config.device, run, progress)
    run.save_results({**_describe(config.source), "processes": config.processes, **rows[0]})


def follow(config: TrainRunConfig) -> None:
    """Do a further process' part of `train_images`: compute, and write nothing."""
    cell = _Cell({}, config.network, config.training)
    _train_cells([cell], config.source, config.device, None, silent)


@experiment("images-compare")
def compare_schemes(config: CompareConfig, run: Run, progress: Progress) -> None:
    """Train each learning-rate scheme from the same starts: the homework's table."""
    cells = [
        _Cell(
            {"scheme": scheme, "seed": seed},
            config.network,
            # The seed decides start, order and augmentation: all schemes of a seed share them.
            replace(config.training, scheme=scheme, seed=seed),
        )
        for seed in config.seeds
        for scheme in config.schemes
    ]
    rows = _train_cells(cells, config.source, config.device, run, progress, go_on=True)
    diverged = [row for row in rows if "diverged" in row]
    finished = [row for row in rows if "diverged" not in row]
    for row in diverged:
        run.warn(f"scheme {row['scheme']}, seed {row['seed']}: {row['diverged']}")
    if not finished:
        raise DivergenceError(f"compare: every scheme diverged. {diverged[0]['diverged']}")
    run.save_results({**_describe(config.source), "rows": finished, "diverged": diverged})


@experiment("images-fast")
def train_fast(config: FastConfig, run: Run, progress: Progress) -> None:
    """Train the fast recipe once a seed; test plainly and averaged over six views."""
    cells = [
        _Cell({"seed": seed}, config.network, replace(config.training, seed=seed))
        for seed in config.seeds
    ]
    rows = _train_cells(cells, config.source, config.device, run, progress, six_views=True)
    plain, six = (np.array([row[key] for row in rows]) for key in ("test_accuracy", "six_views"))
    seconds, processor = (
        np.array([row[key] for row in rows]) for key in ("seconds", "cpu_seconds")
    )
    spread = 1 if len(rows) > 1 else 0
    run.save_results(
        {
            **_describe(config.source),
            "target": config.target,
            "n": len(rows),
            "mean_accuracy": plain.mean(),
            "sd_accuracy": plain.std(ddof=spread),
            "mean_six_views": six.mean(),
            "mean_seconds": seconds.mean(),
            "mean_cpu_seconds": processor.mean(),
            "threads": torch.get_num_threads(),
            "rows": rows,
        }
    )


def fast_config(
    source: ImageSource,
    target: int,
    *,
    seeds: tuple[int, ...] = (123,),
    precision: Literal["float32", "bfloat16"] = "float32",
    device: str = "cpu",
) -> FastConfig:
    """Fit a fast recipe to a data set."""
    if target not in FAST_RECIPES:
        raise InputError(f"fast: target must be 90 or 94. Got {target} instead.")
    recipe, images = FAST_RECIPES[target], source.load().train_images
    training = replace(recipe.training(images.shape[2], len(images)), precision=precision)
    if source.name == "digits":
        training = replace(training, flip="none")  # a mirrored digit is another sign
    network = NetworkConfig("fastnet", recipe.widths)
    return FastConfig(source, target, network, training, seeds, device)


@experiment("images-lr-find")
def find_learning_rate(config: RangeConfig, run: Run, progress: Progress) -> None:
    """Raise the learning rate step by step and watch the loss."""
    data = _load(config.source, run)
    network = build_network(config.network, data, config.training.seed)
    with progress("learning-rate range test") as advance:
        result = learning_rate_range(
            network,
            data,
            config.training,
            start=config.start,
            stop=config.stop,
            steps=config.steps,
            device=config.device,
            on_progress=advance,
        )
    run.save_arrays("range", rates=result.rates, losses=result.losses, smoothed=result.smoothed)
    run.save_results(
        {
            **_describe(config.source),
            "steepest": result.steepest,
            "lowest": result.lowest,
            "diverged": result.diverged,
            "steps": len(result.rates),
        }
    )


def build_network(config: NetworkConfig, data: ImageDataset, seed: int) -> nn.Module:
    """Build a network for a data set, its start drawn by ``seed``."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = empty_network(config, data.n_classes, data.shape[0])
    if isinstance(network, FastNet):
        network.fit_whitening(data)
    return network


def empty_network(config: NetworkConfig, n_classes: int, channels: int) -> nn.Module:
    """Build a network whose weights mean nothing yet."""
    if config.kind == "resnet18":
        return ResNet18(n_classes, channels)
    if config.kind == "fastnet":
        return FastNet(n_classes, channels, config.widths)
    raise InputError(f"network: must be resnet18 or fastnet. Got {config.kind!r} instead.")


def _train_cells(
    cells: Sequence[_Cell],
    source: ImageSource,
    device: str,
    run: Run | None,
    progress: Progress,
    *,
    six_views: bool = False,
    go_on: bool = False,
) -> list[dict[str, Any]]:
    """Train each cell and test it; go on in the middle of one if a checkpoint says so.

    With ``go_on`` a cell that diverges is a row of its own and the next one follows.
    """
    data = _load(source, run)
    rows: list[dict[str, Any]] = []
    state: TrainState | None = None
    if run is not None and (checkpoint := run.load_checkpoint()) is not None:
        rows = list(checkpoint.meta["rows"])
        threads = torch.get_num_threads()
        before = checkpoint.meta.get("threads", threads)  # older checkpoints do not say
        if before != threads:
            run.warn(
                f"Begun with {before} threads and continued with {threads}: sums are rounded in another "
                "order, so the weights are not those of an undisturbed run, bit for bit."
            )
        if checkpoint.meta["train"] is not None:
            state = TrainState(dict(checkpoint.tensors), checkpoint.meta["train"])
    done: int = share_from_first(len(rows))
    for index in range(done, len(cells)):
        cell = cells[index]
        network = build_network(cell.network, data, cell.training.seed)
        keeper = _Keeper(run, index, rows, cell.label if len(cells) > 1 else {})
        name = ", ".join(f"{key} {value}" for key, value in cell.label.items())
        try:
            with progress(f"train ({name})") as advance, _stop_between_steps(advance) as polite:
                result = train(
                    network,
                    data,
                    cell.training,
                    device=device,
                    state=state,
                    on_step=keeper.step,
                    on_epoch=keeper.epoch,
                    on_checkpoint=keeper.checkpoint,
                    on_progress=polite,
                )
        except DivergenceError as error:
            if run is None or not go_on:
                raise
            rows.append({**cell.label, "diverged": str(error)})
            _finish_cell(run, index, rows)
            continue
        finally:
            state = None
        if run is None:
            continue
        with progress("test", unit="images") as advance:
            row = _test(network, data, device, run, index, six_views, advance)
        last = result.epochs[-1]
        rows.append(
            {
                **cell.label,
                "epochs": cell.training.epochs,
                "steps": result.steps,
                "train_accuracy": last.train_accuracy,
                "train_loss": last.train_loss,
                "validation_accuracy": last.validation_accuracy,
                "validation_loss": last.validation_loss,
                **row,
                "precision": cell.training.precision,
                "seconds": result.seconds,
                "cpu_seconds": result.cpu_seconds,
            }
        )
        _finish_cell(run, index, rows)
    return rows


def _finish_cell(run: Run, index: int, rows: list[dict[str, Any]]) -> None:
    run.save_checkpoint(step=(index + 1) * STEPS_A_CELL, tensors={}, meta=_progress_so_far(rows))


def _progress_so_far(
    rows: list[dict[str, Any]], train: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return what a checkpoint holds beside tensors: finished cells, and the state of a begun one."""
    return {"rows": rows, "train": train, "threads": torch.get_num_threads()}


class _Keeper:
    """Writes what a training hands out into the run folder."""

    def __init__(
        self, run: Run | None, index: int, rows: list[dict[str, Any]], label: dict[str, Any]
    ) -> None:
        self.run, self.index, self.rows, self.label = run, index, rows, label

    def step(self, record: StepRecord) -> None:
        if self.run is not None:
            self.run.log(**self.label, **vars(record))

    def epoch(self, record: EpochRecord) -> None:
        if self.run is not None:
            self.run.log(**self.label, **vars(record))

    def checkpoint(self, state: TrainState) -> None:
        if self.run is not None:
            self.run.save_checkpoint(
                step=self.index * STEPS_A_CELL + state.step,
                tensors=state.tensors,
                meta=_progress_so_far(self.rows, state.meta),
            )
            seconds, processor = state.meta["clock"]
            self.run.log_timing(
                **self.label, step=state.step, seconds=seconds, cpu_seconds=processor
            )


def _test(
    network: nn.Module,
    data: ImageDataset,
    device: str,
    run: Run,
    index: int,
    six_views: bool,
    advance: Callable[[int, int], None],
) -> dict[str, float]:
    """Look at the test set, once, after training; keep logits and weights."""
    logits = predict_logits(
        network, data.test_images, data.mean, data.std, device=device, on_progress=advance
    )
    result = evaluate(logits, data.test_labels)
    row = {"test_accuracy": result.accuracy, "test_loss": result.loss}
    if six_views:
        averaged = predict_logits(
            network, data.test_images, data.mean, data.std, views="six", device=device
        )
        row["six_views"] = evaluate(averaged, data.test_labels).accuracy
    run.save_arrays(
        f"test-{index}",
        logits=logits.numpy(),
        labels=data.test_labels,
        indices=data.test_indices,
    )
    weights = {k: v.detach().cpu().contiguous() for k, v in network.state_dict().items()}
    run.save_file(f"weights-{index}.safetensors", save(weights))
    return row


def _load(source: ImageSource, run: Run | None) -> ImageDataset:
    data = source.load()
    if run is not None:
        for warning in data.warnings:
            run.warn(warning)
    return data


def _describe(source: ImageSource) -> dict[str, Any]:
    data = source.load()
    return {
        "data": data.name,
        "n_train": len(data.train_labels),
        "n_validation": len(data.validation_labels),
        "n_test": len(data.test_labels),
        "class_names": data.class_names,
        "shape": data.shape,
        "mean": data.mean,
        "std": data.std,
    }


@contextmanager
def _stop_between_steps(
    advance: Callable[[int, int], None],
) -> Iterator[Callable[[int, int], None]]:
    """Let Ctrl-C wait for the end of the step, so that not one step is lost.

    A second Ctrl-C does not wait.
    """
    asked = False

    def remember(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    def report(done: int, total: int) -> None:
        advance(done, total)
        if asked:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread() or world().size > 1:
        yield advance
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, remember) for number in numbers]
    try:
        yield report
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def homework_runs(
    scale: Literal["quick", "full"], data: str | None = None, seed: int = 123, device: str = "cpu"
) -> list[object]:
    """Return the configs of the homework's 4e and 4f, and of a look at what 4f has trained.

    ``quick`` takes 800 training and 512 test images in batches of 64, ``full`` everything at the
    homework's settings, in bfloat16 where the device has units for it. 4f trains for three or
    ten epochs by one cycle: the special scheme of so few epochs would end near its peak, before the
    rate has come down. Over several epochs it takes weight decay too, at the rate usual for
    residual networks on these images.
    """
    from pitfalls.experiments.image_evaluation import EvaluateConfig
    from pitfalls.images.hardware import has_fast_bfloat16

    quick = scale == "quick"
    whole = find_images(data, seed=seed)
    source = whole
    if quick:
        images = whole.load()
        source = find_images(
            data,
            subset_train=min(800, len(images.train_labels)),
            subset_val=min(512, len(images.test_labels)),
            seed=seed,
        )
    training = TrainConfig(
        batch_size=64 if quick else 128,
        seed=seed,
        precision="bfloat16" if not quick and has_fast_bfloat16(device) else "float32",
        flip="none" if source.name == "digits" else "random",
    )
    cycle = replace(
        training,
        scheme="one_cycle",
        epochs=3 if quick else 10,
        rate=0.05 if quick else 0.1,  # half the batch, half the rate
        weight_decay=5e-4,
    )
    further = TrainRunConfig(source, training=cycle, device=device)
    # Written out, because the evaluation's config knows its training by the id alone.
    trained = f"images-train/{further.run_name}-{config_hash(further)}"
    return [
        CompareConfig(source, training=training, seeds=(seed,), device=device),
        further,
        EvaluateConfig(trained, device=device),
    ]
