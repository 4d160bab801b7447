"""``pitfalls linear capacity``."""

from pitfalls.experiments.linear_capacity import EXPERIMENT, CapacityConfig
from pitfalls.frame import options, perform, print_table, say

__all__ = ["command"]


@options
def command(config: CapacityConfig) -> None:
    """Factorise a random map into layers, or say why it cannot be done."""
    result = perform(EXPERIMENT, config).result
    if result.refusal:
        say(result.refusal)
    print_table(
        f"A map of rank {result.rank} by widths {'-'.join(map(str, result.widths))}",
        ("capacity d*", "representable", "relative error", "largest imbalance"),
        [(result.capacity, result.representable, result.relative_error, result.imbalance)],
        caption=None
        if result.representable
        else "error and imbalance are those of the nearest map it can represent",
    )
