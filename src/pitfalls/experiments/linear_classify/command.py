"""``pitfalls linear classify``."""

from dataclasses import replace

from pitfalls.experiments.linear_classify import EXPERIMENT, ClassifyConfig
from pitfalls.experiments.linear_verdict import evidence
from pitfalls.frame import options, perform, print_table, say

__all__ = ["command"]


@options
def command(config: ClassifyConfig) -> None:
    """Say what kind of critical point a network's weights are, and prove it by a witness."""
    if config.weights is not None:
        from pitfalls.experiments.linear_classify.run import fingerprint_of, read_layers

        config = replace(config, fingerprint=fingerprint_of(read_layers(config.weights)))
    result = perform(EXPERIMENT, config).result
    point = result.point
    print_table(
        f"{result.data}, widths {'-'.join(map(str, result.widths))}",
        ("verdict", "rank", "modes held", "risk", "above global minimum", "decided by"),
        [
            (
                point.verdict, point.rank,
                (", ".join(map(str, point.modes)) or "none") if point.holds_modes else None,
                point.risk, point.excess, point.decided_by,
            )
        ],
    )  # fmt: skip
    for text in evidence(point):
        say(text)
