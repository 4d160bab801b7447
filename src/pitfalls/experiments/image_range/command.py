"""``pitfalls images lr-find``."""

from pitfalls.experiments.image_range import EXPERIMENT, RangeConfig
from pitfalls.experiments.image_range.words import recommended
from pitfalls.frame import options, perform, print_record, say
from pitfalls.prose import plain

__all__ = ["command"]


@options
def command(config: RangeConfig) -> None:
    """Raise the learning rate step by step and find where the loss falls fastest."""
    result = perform(EXPERIMENT, config).result
    print_record(
        "Learning-rate range test",
        {
            "rates tried": len(result.rates),
            "first rate": float(result.rates[0]),
            "last rate": float(result.rates[-1]),
            "the loss falls fastest at": result.steepest,
            "and is lowest at": result.lowest,
            "burst": result.diverged,
        },
    )
    say(plain(recommended(result)).strip())
