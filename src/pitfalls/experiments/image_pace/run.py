"""Time a few steps of each network in each precision that has units of its own here."""

import statistics
import time

import numpy as np
import torch

from pitfalls.experiments.image_homework import PACED, homework_images
from pitfalls.experiments.image_networks import NetworkConfig, build_network
from pitfalls.experiments.image_pace.records import Pace, PaceConfig, PaceResult, Precision
from pitfalls.frame import Homework
from pitfalls.images.data import ImageDataset
from pitfalls.images.training import FAST_RECIPES, TrainConfig, has_fast_bfloat16, train
from pitfalls.progress import Progress
from pitfalls.runs import Run, describe_machine
from pitfalls.torch_threads import on_threads

__all__ = ["homework", "run"]

SMALL = (32, 5000)
"""Pictures with a shorter side, or fewer of them, are trained on whole: nothing is to be chosen."""


def run(config: PaceConfig, run: Run, progress: Progress) -> PaceResult:
    """Time steps on noise, in one thread: what they take does not depend on what the images show.

    Several threads wait for each other at every layer, and burn processor time while they do: where
    other work keeps one of them back, a step in bfloat16 came out ten times as dear as it is.
    """
    precisions: tuple[Precision, ...] = ("float32",)
    if has_fast_bfloat16():
        precisions += ("bfloat16",)
    asked = [(*kind, precision) for kind in PACED for precision in precisions]
    paces = []
    with on_threads(1), progress("timing of training steps", unit="kinds") as advance:
        for done, (network, side, batch, precision) in enumerate(asked, 1):
            settings = TrainConfig(batch_size=batch, precision=precision, flip="random")
            if network == "fastnet":
                settings = TrainConfig(**{
                    **vars(FAST_RECIPES[90, "plain"].training(side, batch * 50)),
                    "batch_size": batch, "image_sizes": (), "epochs": 1, "precision": precision,
                })  # fmt: skip
            seconds, cpu_seconds = _time(NetworkConfig(network), settings, side, config.n_steps)
            paces.append(Pace(network, side, batch, precision, seconds, cpu_seconds))
            advance(done, len(asked))
    return PaceResult(config.processor, config.threads, config.n_steps, tuple(paces))


def homework(asked: Homework) -> tuple[PaceConfig, ...]:
    """Time this machine where the quick report has to choose; never on a GPU."""
    if asked.scale == "full" or asked.device != "cpu":
        return ()
    images = homework_images(asked).load()
    if min(images.shape[1:]) < SMALL[0] or len(images.train_labels) < SMALL[1]:
        return ()
    return (PaceConfig(str(describe_machine()["processor"]), torch.get_num_threads()),)


def _time(
    network: NetworkConfig, config: TrainConfig, side: int, n_steps: int
) -> tuple[float, float]:
    rng = np.random.default_rng(0)
    n = (n_steps + 1) * config.batch_size
    images = rng.integers(0, 256, (n, 3, side, side), dtype=np.uint8)
    labels = np.arange(n) % 10
    noise = ImageDataset.from_arrays(images, labels, images[:10], labels[:10])
    clocks = [(time.perf_counter(), time.process_time())]
    train(
        build_network(network, noise, 0),
        noise,
        config,
        on_step=lambda _: clocks.append((time.perf_counter(), time.process_time())),
    )
    walls, processors = np.diff(np.array(clocks[1:]), axis=0).T  # the first step warms up
    return float(statistics.median(walls)), float(statistics.median(processors))
