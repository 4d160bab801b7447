"""``pitfalls images embed``."""

from pitfalls.experiments.image_embed import EXPERIMENT, EmbedConfig
from pitfalls.frame import options, perform, print_table, say

__all__ = ["command"]


@options
def command(config: EmbedConfig) -> None:
    """Draw the images in two dimensions by PCA and by CCA (homework 4a)."""
    from pitfalls.experiments.image_embed.words import shrunk
    from pitfalls.experiments.image_source import called
    from pitfalls.experiments.image_words import interval, told

    result = perform(EXPERIMENT, config).result
    say(told(result.pictures))
    spectra = (result.variance.tolist(), result.correlations.tolist())
    print_table(
        "Directions fitted on the training set",
        (
            "number",
            "PCA: share of variance",
            f"CCA: canonical correlation{shrunk(result)}",
        ),
        [
            (i + 1, *(values[i] if i < len(values) else None for values in spectra))
            for i in range(max(map(len, spectra)))
        ],
        caption=f"‖A'SA - I‖ = {result.whitening_error:.1e}; rank {result.rank} of "
        f"{result.pictures.n_features}",
    )
    print_table(
        "Images nearest to their own class's centre, in the two dimensions drawn",
        ("part", "images", "PCA", "CCA"),
        [(called(c.part), c.pca.n, interval(c.pca, 2), interval(c.cca, 2)) for c in result.centres],
        caption="in brackets the interval of 95 % for counting",
    )
