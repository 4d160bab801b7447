"""Raise the learning rate step by step and watch the loss."""

from pitfalls.experiments.image_networks import build_network
from pitfalls.experiments.image_range.records import RangeConfig, RangeResult
from pitfalls.experiments.image_source import describe_pictures, load_images
from pitfalls.images.training import learning_rate_range, settle
from pitfalls.named import require_unchanged
from pitfalls.progress import Progress
from pitfalls.runs import Run

__all__ = ["run"]


def run(config: RangeConfig, run: Run, progress: Progress) -> RangeResult:
    """Try every rate once; a stopped test starts again."""
    data = load_images(config.source, run)
    training = settle(config.training, data, config.device)
    require_unchanged(config.code, *config.own_code)
    network = build_network(config.network, data, training.seed)
    with progress("learning-rate range test") as advance:
        found = learning_rate_range(
            network,
            data,
            training,
            start=config.start,
            stop=config.stop,
            steps=config.steps,
            device=config.device,
            on_progress=advance,
        )
    return RangeResult(
        pictures=describe_pictures(data),
        network=config.network,
        training=training,
        rates=found.rates,
        losses=found.losses,
        smoothed=found.smoothed,
        steepest=found.steepest,
        lowest=found.lowest,
        undecided=found.undecided,
        diverged=found.diverged,
    )
