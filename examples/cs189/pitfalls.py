"""The homework's first script: parity, represented exactly (part a) and trained on (part b).

python examples/cs189/pitfalls.py                  # both parts, at the homework's own size
python examples/cs189/pitfalls.py --part a
python examples/cs189/pitfalls.py --part b --d 5 10 --iterations 5000
"""

import argparse
import sys
from pathlib import Path

# this file has the package's name, as the homework wants: without this line it would import itself
sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != Path(__file__).resolve().parent]

import torch

from pitfalls.errors import InputError, PitfallsError
from pitfalls.parity import LearningConfig, ParityTask, exact_network, train, verify_exact


def check_construction(d: int, seed: int, n_inputs: int) -> None:
    """Part (a): set the weights by hand, compare on random inputs, then prove or refute."""
    generator = torch.Generator().manual_seed(seed)
    random_mask, all_ones = ParityTask.random(d, seed).mask, [1] * d
    for variant in ("printed", "corrected"):
        for mask in (random_mask, all_ones):
            task = ParityTask(mask)
            network = exact_network(task.mask, variant=variant, n_hidden=10 * d)
            x, y = task.sample(n_inputs, generator)
            with torch.no_grad():
                wrong = int((network(x).squeeze(-1) != y).sum())
            proof = verify_exact(network, task.mask)
            verdict = (
                "exact on every input" if proof.exact else f"wrong at x = {proof.counterexample}"
            )
            print(
                f"d={d} |v*|={task.weight} {variant}: {wrong} of {n_inputs} random inputs wrong; {verdict}"
            )


def train_on_parity(task: ParityTask, config: LearningConfig) -> None:
    """Part (b): stochastic gradient descent on the hinge loss."""
    d = task.n_features
    result = train(task, config)
    for step, loss in zip(result.curve.step, result.curve.batch_loss, strict=True):
        if step % max(config.n_iterations // 10, 200) == 0:
            print(f"d={d} |v*|={task.weight} iteration {step}: loss {loss:.4f}")
    end = result.evaluation
    kind = "exact" if end.exact else f"on {end.n_inputs:,} samples"
    print(f"d={d} |v*|={task.weight}: risk {end.risk:.4g}, accuracy {end.accuracy:.4f} ({kind})")


def main() -> None:
    """Run the parts asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--part", choices=("a", "b", "both"), default="both")
    parser.add_argument(
        "--d", type=int, nargs="+", default=(5, 10, 30), help="dimensions of part b"
    )
    parser.add_argument("--iterations", type=int, default=50_000)
    parser.add_argument("--inputs", type=int, default=10_000, help="random inputs of part a")
    parser.add_argument("--seed", type=int, default=123)
    arguments = parser.parse_args()
    if arguments.inputs < 1:
        raise InputError(f"--inputs: must be at least 1. Got {arguments.inputs}.")
    # made before any work, so that a bad number is refused at once
    config = LearningConfig(n_iterations=arguments.iterations, seed=arguments.seed)
    tasks = [ParityTask.random(d, arguments.seed) for d in arguments.d]
    if arguments.part in ("a", "both"):
        check_construction(10, arguments.seed, arguments.inputs)
    if arguments.part in ("b", "both"):
        for task in tasks:
            train_on_parity(task, config)


if __name__ == "__main__":
    try:
        main()
    except PitfallsError as error:
        print(f"{Path(__file__).name}: error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
