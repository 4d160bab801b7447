"""Train networks on images inside run folders: one scheme, several, the fast recipe, a range test."""

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import torch

from pitfalls.errors import DivergenceError, InputError
from pitfalls.experiments.image_cells import Cell, describe_data, train_cells
from pitfalls.experiments.image_networks import NetworkConfig
from pitfalls.experiments.image_source import ImageSource, find_images
from pitfalls.experiments.registry import experiment
from pitfalls.images.data import DataConfig, judge_mirror
from pitfalls.images.training.config import Scheme, TrainConfig
from pitfalls.images.training.distributed import call_to_work
from pitfalls.images.training.fast_recipes import FAST_RECIPES
from pitfalls.progress import Progress, silent
from pitfalls.runs import NOT_IDENTITY, Run

__all__ = [
    "CompareConfig",
    "FastConfig",
    "TrainRunConfig",
    "compare_schemes",
    "fast_config",
    "follow",
    "homework_runs",
    "train_fast",
    "train_images",
]

HOMEWORK_SCHEMES: tuple[Scheme, ...] = ("constant", "annealed", "special")


@dataclass(frozen=True)
class TrainRunConfig:
    """One training."""

    source: ImageSource
    network: NetworkConfig = field(default_factory=NetworkConfig)
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
    network: NetworkConfig = field(default_factory=NetworkConfig)
    training: TrainConfig = field(default_factory=TrainConfig)
    schemes: tuple[Scheme, ...] = HOMEWORK_SCHEMES
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


@experiment("images-train")
def train_images(config: TrainRunConfig, run: Run, progress: Progress) -> None:
    """Train one network and test it."""
    call_to_work()
    cell = Cell({"scheme": config.training.scheme}, config.network, config.training)
    rows = train_cells([cell], config.source, config.device, run, progress)
    run.save_results({**describe_data(config.source), "processes": config.processes, **rows[0]})


def follow(config: TrainRunConfig) -> None:
    """Do a further process' part of `train_images`: compute, and write nothing."""
    cell = Cell({}, config.network, config.training)
    train_cells([cell], config.source, config.device, None, silent)


@experiment("images-compare")
def compare_schemes(config: CompareConfig, run: Run, progress: Progress) -> None:
    """Train each learning-rate scheme from the same starts: the homework's table."""
    cells = [
        Cell(
            {"scheme": scheme, "seed": seed},
            config.network,
            # The seed decides start, order and augmentation: all schemes of a seed share them.
            replace(config.training, scheme=scheme, seed=seed),
        )
        for seed in config.seeds
        for scheme in config.schemes
    ]
    rows = train_cells(cells, config.source, config.device, run, progress, go_on=True)
    diverged = [row for row in rows if "diverged" in row]
    finished = [row for row in rows if "diverged" not in row]
    for row in diverged:
        run.warn(f"scheme {row['scheme']}, seed {row['seed']}: {row['diverged']}")
    if not finished:
        raise DivergenceError(f"compare: every scheme diverged. {diverged[0]['diverged']}")
    run.save_results({**describe_data(config.source), "rows": finished, "diverged": diverged})


@experiment("images-fast")
def train_fast(config: FastConfig, run: Run, progress: Progress) -> None:
    """Train the fast recipe once a seed; test plainly and averaged over six views."""
    cells = [
        Cell({"seed": seed}, config.network, replace(config.training, seed=seed))
        for seed in config.seeds
    ]
    rows = train_cells(cells, config.source, config.device, run, progress, six_views=True)
    plain, six = (np.array([row[key] for row in rows]) for key in ("test_accuracy", "six_views"))
    seconds, processor = (
        np.array([row[key] for row in rows]) for key in ("seconds", "cpu_seconds")
    )
    run.save_results(
        {
            **describe_data(config.source),
            "target": config.target,
            "n": len(rows),
            "mean_accuracy": plain.mean(),
            "sd_accuracy": plain.std(ddof=1) if len(rows) > 1 else None,
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
    recipe, data = FAST_RECIPES[target], source.load()
    images = data.train_images
    training = replace(recipe.training(images.shape[2], len(images)), precision=precision)
    if not judge_mirror(data).keeps:
        training = replace(training, flip="none")  # a mirrored digit is another sign
    network = NetworkConfig("fastnet", recipe.widths)
    return FastConfig(source, target, network, training, seeds, device)


def homework_runs(
    scale: Literal["quick", "full"], data: str | None = None, seed: int = 123, device: str = "cpu"
) -> list[object]:
    """Return the configs of the homework's 4e and 4f.

    ``quick`` takes 800 training and 512 test images in batches of 64, ``full`` everything at the
    homework's settings, in bfloat16 where the device has units for it. 4f trains for three or
    ten epochs by one cycle: the special scheme of so few epochs would end near its peak, before the
    rate has come down. Over several epochs it takes weight decay too, at the rate usual for
    residual networks on these images.
    """
    from pitfalls.images.training.hardware import has_fast_bfloat16

    quick = scale == "quick"
    whole = find_images(DataConfig(data, seed=seed))
    source = whole
    if quick:
        images = whole.load()
        source = find_images(
            DataConfig(
                data,
                subset_train=min(800, len(images.train_labels)),
                subset_val=min(512, len(images.test_labels)),
                seed=seed,
            )
        )
    training = TrainConfig(
        batch_size=64 if quick else 128,
        seed=seed,
        precision="bfloat16" if not quick and has_fast_bfloat16(device) else "float32",
        flip="random" if judge_mirror(whole.load()).keeps else "none",
    )
    cycle = replace(
        training,
        scheme="one_cycle",
        epochs=3 if quick else 10,
        rate=0.05 if quick else 0.1,  # half the batch, half the rate
        weight_decay=5e-4,
    )
    further = TrainRunConfig(source, training=cycle, device=device)
    return [
        CompareConfig(source, training=training, seeds=(seed,), device=device),
        further,
    ]
