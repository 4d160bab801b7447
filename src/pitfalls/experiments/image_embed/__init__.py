"""Pictures in two dimensions by PCA and by CCA (homework 4a)."""

from pitfalls.experiments.image_embed.records import (
    EmbedConfig,
    EmbedResult,
    NearestCentres,
)
from pitfalls.frame import Experiment

__all__ = ["EXPERIMENT", "EmbedConfig", "EmbedResult", "NearestCentres"]

EXPERIMENT = Experiment(
    name="images-embed",
    config=EmbedConfig,
    result=EmbedResult,
    package=__name__,
    command=("images", "embed"),
    question="4",
)
