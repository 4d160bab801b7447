"""``pitfalls images fast``."""

from pitfalls.experiments.image_announce import say_pictures
from pitfalls.experiments.image_fast import EXPERIMENT, FastConfig
from pitfalls.experiments.image_fast.words import against_target
from pitfalls.frame import options, perform, print_table, say
from pitfalls.prose import plain

__all__ = ["command"]


@options
def command(config: FastConfig) -> None:
    """Train the small network by the fast recipe; its targets are CIFAR-10's."""
    result = perform(EXPERIMENT, config).result
    say_pictures(result.pictures)
    print_table(
        f"Fast recipe for {config.target} % {config.views} on CIFAR-10",
        ("seed", "accuracy %", "six views %", "seconds", "processor seconds"),
        [
            (
                training.seed,
                round(100 * training.test_accuracy, 2),
                None if training.six_views is None else round(100 * training.six_views, 2),
                round(clock.seconds, 1),
                round(clock.cpu_seconds, 1),
            )
            for training, clock in zip(result.trainings, result.clocks, strict=True)
        ],
        caption="seconds: training steps alone, from picking a batch to the update; without "
        "loading, whitening, checkpoints and testing",
    )
    spread = "" if result.deviation is None else f" ± {100 * result.deviation:.2f}"
    say(
        f"plain test accuracy {100 * result.accuracy:.2f}{spread} % (n = {result.n}). "
        + plain(against_target(result))
    )
