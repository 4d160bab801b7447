"""``pitfalls diagnose labs``."""

from pitfalls.experiments.diagnosis_labs import EXPERIMENT, LabsConfig
from pitfalls.frame import options, perform, print_table

__all__ = ["command"]


@options
def command(config: LabsConfig) -> None:
    """Ask the labs' own networks: parities, deep sigmoids, W = 0, a bottleneck, an annealed rate."""
    result = perform(EXPERIMENT, config).result
    print_table(
        "The labs' networks",
        ("network", "question", "verdict", "measured", "value", "exact", "n", "witness holds"),
        [
            (c.network, c.question, c.verdict, c.what, c.number, c.exact, c.n, c.held)
            for c in result.cards
        ],
    )
