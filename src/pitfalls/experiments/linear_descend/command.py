"""``pitfalls linear descend``."""

from pitfalls.experiments.linear_descend import EXPERIMENT, DescendConfig
from pitfalls.frame import options, perform, print_table, say

__all__ = ["command"]


@options
def command(config: DescendConfig) -> None:
    """Descend on white inputs and compare every mode with its exact solution."""
    result = perform(EXPERIMENT, config).result
    for escape in result.escapes:
        modes = ", ".join(map(str, escape.modes)) or "none"
        say(
            f"step {escape.step}: left a {escape.verdict} (modes {modes}), curvature "
            f"{escape.curvature:.4g}, risk {escape.risk_before:.4g} to {escape.risk_after:.4g}"
        )
    print_table(
        f"{result.data}, widths {'-'.join(map(str, result.widths))}, {result.method} from "
        f"{result.start}",
        (
            "gradients" if result.method == "flow" else "steps", "stopped", "excess",
            "gap to exact", "imbalance drift", "ends at",
        ),
        [
            (
                result.steps, result.stopped, float(result.excess[-1]), result.gap, result.drift,
                result.end.verdict,
            )
        ],
    )  # fmt: skip
