"""Train each network on the same data and schedule, from the same seeds."""

from dataclasses import replace

from torch import nn

from pitfalls.errors import DivergenceError
from pitfalls.experiments.image_architectures.records import (
    ArchitecturesConfig,
    ArchitecturesResult,
    Candidate,
    Lost,
)
from pitfalls.experiments.image_homework import homework_source, homework_training
from pitfalls.experiments.image_networks import NetworkConfig, build_network
from pitfalls.experiments.image_source import describe_pictures, load_images
from pitfalls.experiments.image_trainer import Plan, train_all
from pitfalls.frame import Homework
from pitfalls.images.data import ImageDataset
from pitfalls.named import is_named, require_unchanged
from pitfalls.progress import Progress
from pitfalls.runs import Run

__all__ = ["convolves", "homework", "run"]


def run(config: ArchitecturesConfig, run: Run, progress: Progress) -> ArchitecturesResult:
    """Train what is not there yet, and go on in the middle of a begun training."""
    first = config.training.seed
    seeds = tuple(range(first, first + config.n_seeds))
    members = [(network, seed) for seed in seeds for network in config.configs]
    plan = Plan(
        config.network,
        # the seed decides order and augmentation: all networks of a seed share them
        tuple(replace(config.training, seed=seed) for _, seed in members),
        config.source,
        config.device,
        go_on=True,
        networks=tuple(network for network, _ in members),
        workers=config.workers,
        track=config.track,
        own_code=config.own_code,
        code=config.code,
    )
    # before the trainings take their time, in which files of the user's may be edited
    require_unchanged(config.code, *config.own_code)
    candidates = _candidates(config, load_images(config.source, run))
    found = train_all(plan, run, progress)
    names = [network.model for network, _ in members]
    lost = tuple(
        Lost(names[k], gone.seed, gone.why)
        for k, gone in zip(found.diverged_at, found.diverged, strict=True)
    )
    for gone in lost:
        run.warn(f"network {gone.model}, seed {gone.seed}: {gone.why}")
    if not found.finished:
        raise DivergenceError(f"compare: every network diverged. {lost[0].why}")
    return ArchitecturesResult(
        pictures=describe_pictures(found.data),
        training=found.config,
        candidates=candidates,
        seeds=seeds,
        trained=tuple(names[k] for k in found.finished_at),
        trainings=found.finished,
        cpu_seconds=tuple(clock.cpu_seconds for clock in found.clocks),
        lost=lost,
    )


def homework(asked: Homework) -> tuple[ArchitecturesConfig, ...]:
    """Ask what a convolution buys; where it must be quick, of the small networks alone."""
    quick = asked.scale == "quick"
    training = replace(
        homework_training(asked),
        scheme="one_cycle",
        epochs=2 if quick else 10,
        optimizer="adamw",  # plain descent at one rate suits transformers badly
        rate=0.002,
        weight_decay=0.01,
    )
    names = ("fastnet", "mlp", "linear")
    return (
        ArchitecturesConfig(
            homework_source(asked),
            networks=names if quick else ("resnet18", *names, "vit"),
            training=training,
            device=asked.device,
        ),
    )


def convolves(network: nn.Module) -> bool:
    """Whether a network slides a kernel over the image: patches side by side are no convolution."""
    return any(
        isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d)
        and any(k > s for k, s in zip(layer.kernel_size, layer.stride, strict=True))
        for layer in network.modules()
    )


def _candidates(config: ArchitecturesConfig, data: ImageDataset) -> tuple[Candidate, ...]:
    titles = [network.title for network in config.configs]
    # of two that would be called alike the user's own has its whole name
    return tuple(
        _candidate(
            one, data, one.model if is_named(one.model) and titles.count(title) > 1 else title
        )
        for one, title in zip(config.configs, titles, strict=True)
    )


def _candidate(config: NetworkConfig, data: ImageDataset, title: str) -> Candidate:
    network = build_network(config, data, seed=0)
    return Candidate(
        model=config.model,
        title=title,
        n_parameters=sum(p.numel() for p in network.parameters() if p.requires_grad),
        convolves=convolves(network),
    )
