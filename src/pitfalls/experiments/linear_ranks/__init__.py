"""What the best map of each rank sees, and whether descent finds it."""

from pitfalls.experiments.linear_ranks.records import RankFit, RanksConfig, RanksResult
from pitfalls.frame import Experiment

__all__ = ["EXPERIMENT", "RankFit", "RanksConfig", "RanksResult"]

EXPERIMENT = Experiment(
    name="linear-ranks",
    config=RanksConfig,
    result=RanksResult,
    package=__name__,
    command=("linear", "ranks"),
    question="2",
)
