"""The homework's 3d at its own size: what depth does to the gradient, and which networks learn parity.

Run: python -m benchmarks.parity.depth   (minutes; the config is that of `pitfalls report --full`)
"""

import argparse
import tempfile
from typing import Any

from benchmarks.record import record
from benchmarks.sections import ROOT, machine, read, table, write_sections

from pitfalls.experiments.parity_depth import EXPERIMENT, DepthConfig
from pitfalls.frame import Homework
from pitfalls.frame.bars import TerminalProgress
from pitfalls.frame.experiment import run_experiment
from pitfalls.runs import RunStore

GUIDE = ROOT / "docs" / "guides" / "parity.md"


def measure(config: DepthConfig) -> dict[str, Any]:
    """Return what is recorded: both panels of the figure, and what each kind of network learned."""
    with tempfile.TemporaryDirectory() as folder:
        found = run_experiment(
            EXPERIMENT, config, RunStore(folder), progress=TerminalProgress()
        ).result
    return {
        "config": config,
        "n": found.n_seeds,
        "starts": [
            {
                "activation": start.activation,
                "factor_a_layer": start.factor_a_layer,
                "gradient_norm": start.gradient_norm,
            }
            for start in found.starts
        ],
        "trained": [
            {
                "activation": kind.activation,
                "depth": kind.depth,
                "learned": kind.n_learned,
                "accuracies": kind.final_accuracy,
                "risks": kind.final_risk,
                "reached_99_at": kind.reached,
                "gradient_at_start": kind.gradient_at_start,
                "gradient_at_most": kind.gradient_at_most,
            }
            for kind in found.trained
        ],
    }


def section() -> str:
    """Write the table of the guide."""
    stored = read("parity_depth")
    if stored is None:
        return "No training at the homework's own size is recorded."
    found = stored["results"]
    rows = [
        (
            kind["activation"],
            kind["depth"],
            f"{kind['learned']} of {found['n']}",
            f"{100 * min(kind['accuracies']):.0f} %",
            f"{kind['gradient_at_start']:.1e}",
            f"{kind['gradient_at_most']:.1e}",
        )
        for kind in found["trained"]
    ]
    heads = ("activation", "hidden layers", "learned", "worst", "first layer's gradient", "at most")
    config = found["config"]
    factors = " and ".join(
        f"{start['factor_a_layer']:.2g} ({start['activation']})" for start in found["starts"]
    )
    return (
        table(heads, rows)
        + f"\n\nParity of {config['weight']} of {config['n_features']} bits, {config['width']} units "
        f"a layer, {config['training']['n_iterations']:,} iterations. *Learned*: at least 99 % of all "
        "inputs right; gradients are norms of the risk's, medians, at the start and at most on the way. With "
        f"{config['shown']} hidden layers at the start, each multiplies the message that comes back by "
        f"{factors}, geometric means ({machine(stored)})."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--page", action="store_true", help="write the guide's table only")
    if not parser.parse_args().page:
        (config,) = EXPERIMENT.homework(Homework("full"))
        record("parity_depth", measure(config))
    write_sections(GUIDE, {"depth": section})


if __name__ == "__main__":
    main()
