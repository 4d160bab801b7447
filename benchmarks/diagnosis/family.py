"""Intervals of family_signal against exact values: 300 cases at d up to 10.

Run: python -m benchmarks.diagnosis.family   (ten minutes on two cores)
"""

import itertools

import numpy as np
import torch
from benchmarks.record import record
from scipy import stats
from torch import Tensor, nn

from pitfalls.diagnosis import ListedTargets, Parities, family_signal
from pitfalls.parity import TwoLayerReLU, cube, gradient_signal


def network(kind: str, d: int, seed: int) -> nn.Module:
    torch.manual_seed(seed)
    if kind == "relu":
        return TwoLayerReLU(d, 4 * d, seed=seed).double()
    activation = nn.Tanh() if kind == "tanh" else nn.GELU()
    return nn.Sequential(nn.Linear(d, 16), activation, nn.Linear(16, 1), nn.Flatten(0)).double()


def staircases(d: int) -> ListedTargets:
    """All products of a first, of the first two, ... of the bits under every rotation."""
    masks = []
    for start, length in itertools.product(range(d), range(1, 5)):
        mask = torch.zeros(d, dtype=torch.float64)
        mask[[(start + i) % d for i in range(length)]] = 1
        masks.append(mask)
    table = torch.stack(masks)
    return ListedTargets(lambda x: 1 - 2 * ((x @ table.T) % 2))


def main() -> None:
    rows = []
    cases = itertools.product(
        (5, 8, 10), ("relu", "tanh", "gelu"), ("hinge", "logistic"), (1, 2, 3, None, "staircase")
    )
    for number, (d, kind, loss, family) in enumerate(itertools.cycle(cases)):
        if number == 300:
            break
        seed = number
        kernel = staircases(d) if family == "staircase" else Parities(family)  # type: ignore[arg-type]
        model = network(kind, d, seed)

        def draw(n: int, g: torch.Generator, d: int = d) -> Tensor:
            return torch.randint(0, 2, (n, d), generator=g).double()

        exact = family_signal(model, loss, cube(d).double(), kernel).value
        found = family_signal(model, loss, draw, kernel, n_blocks=32, block_size=128, seed=seed)
        rows.append(
            {
                "d": d,
                "network": kind,
                "loss": loss,
                "family": str(family),
                "exact": exact,
                "value": found.value,
                "interval": found.interval,
                "covers": found.interval[0] <= exact <= found.interval[1],
            }
        )
        print(number, rows[-1]["covers"], flush=True)
    covered = [row["covers"] for row in rows]
    low, high = stats.binomtest(sum(covered), len(rows)).proportion_ci(0.95)
    against = []
    for seed in range(10):
        model = TwoLayerReLU(10, 40, seed=seed)
        whole = gradient_signal(model).signal
        every = family_signal(model, "hinge", cube(10).double(), Parities()).value
        against.append(abs(every / whole - 1))
    record(
        "diagnosis_family",
        {
            "n": len(rows),
            "confidence": 0.95,
            "covered": float(np.mean(covered)),
            "interval": [low, high],
            "by_family": {
                name: float(np.mean([r["covers"] for r in rows if r["family"] == name]))
                for name in sorted({str(r["family"]) for r in rows})
            },
            "largest_relative_difference_from_gradient_signal": max(against),
            "n_networks_against_gradient_signal": len(against),
            "cases": rows,
        },
    )


if __name__ == "__main__":
    main()
