"""``pitfalls images regress``."""

from pitfalls.experiments.image_regress import EXPERIMENT, RegressConfig
from pitfalls.frame import options, perform, print_table, say

__all__ = ["command"]


@options
def command(config: RegressConfig) -> None:
    """Classify by least squares with intercept onto one-hot labels (homework 4b)."""
    from pitfalls.experiments.image_regress.words import separability
    from pitfalls.experiments.image_source import called
    from pitfalls.experiments.image_words import interval, told
    from pitfalls.prose import plain

    result = perform(EXPERIMENT, config).result
    say(told(result.pictures))
    print_table(
        "Least squares",
        ("part", "images", "accuracy", "commonest class %"),
        [
            (
                called(score.part), score.confusion.right.n, interval(score.confusion.right, 2),
                100 * result.pictures.constant(score.part),
            )
            for score in result.scores
        ],
        caption=f"in brackets the interval of 95 % for counting; rank {result.rank} of "
        f"{result.pictures.n_features}; residual of the normal equations {result.normal_residual:.1e}",
    )  # fmt: skip
    say(plain(separability(result)).strip())
