"""The label-permutation test: how often it rejects without signal, and how often it finds a parity.

Run: python -m benchmarks.diagnosis.permutation   (ten minutes on two cores)
"""

import numpy as np
import torch
from benchmarks.record import record
from scipy import stats
from torch import Tensor, nn

from pitfalls.diagnosis.examination import examine
from pitfalls.diagnosis.permutation import PermutationTest, permutation_test

LEVEL = 0.05


def hinge(outputs: Tensor, labels: Tensor) -> Tensor:
    return torch.relu(1 - outputs.squeeze(1) * labels).mean()


def run_test(model: nn.Module, x: Tensor, y: Tensor, seed: int, count: int) -> PermutationTest:
    rng = np.random.default_rng(10_000 + seed)
    orders = np.array([rng.permutation(len(x)) for _ in range(count)])
    with examine(model, hinge, x, y, who="benchmark", seed=seed) as subject:
        return permutation_test(subject, np.arange(len(x)), orders)


def without_signal(n_draws: int = 2000) -> dict[str, object]:
    """Labels drawn anew for each test, networks and inputs of three kinds in turn."""
    whole, layers = [], []
    for seed in range(n_draws):
        g = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)
        bits = seed % 3 == 0
        x = (
            torch.randint(0, 2, (64, 6), generator=g).float()
            if bits
            else torch.randn(64, 6, generator=g)
        )
        y = torch.randint(0, 2, (64,), generator=g) * 2.0 - 1
        activation = nn.Tanh() if seed % 3 == 1 else nn.ReLU()
        model = nn.Sequential(nn.Linear(6, 16), activation, nn.Linear(16, 1))
        found = run_test(model, x, y, seed, 19)
        whole.append(found.p_value <= LEVEL)
        layers.append(found.layers_p_value <= LEVEL)
    return {
        "n": n_draws,
        "level": LEVEL,
        "n_permutations": 19,
        "rejected": float(np.mean(whole)),
        "rejected_by_layers": float(np.mean(layers)),
        "standard_error": float(np.sqrt(LEVEL * (1 - LEVEL) / n_draws)),
    }


def power(n_seeds: int = 50, n: int = 4096, d: int = 8, weight: int = 3) -> dict[str, object]:
    """Measure power on a parity that descent can learn, and that of the plain norm beside it."""
    found, by_norm = [], []
    for seed in range(n_seeds):
        g = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)
        x = torch.randint(0, 2, (n, d), generator=g).float()
        y = 1 - 2 * (x[:, :weight].sum(1) % 2)
        model = nn.Sequential(nn.Linear(d, 10 * d), nn.ReLU(), nn.Linear(10 * d, 1))
        found.append(run_test(model, x, y, seed, 19).p_value <= LEVEL)
        rng = np.random.default_rng(10_000 + seed)
        orders = [np.arange(n), *(rng.permutation(n) for _ in range(19))]
        sizes = []
        for order in orders:
            parts = torch.autograd.grad(hinge(model(x), y[order]), list(model.parameters()))
            sizes.append(sum(float(p.square().sum()) for p in parts))
        by_norm.append(sizes[0] >= max(sizes))
    low, high = stats.binomtest(sum(found), n_seeds).proportion_ci(0.95)
    return {
        "n_seeds": n_seeds,
        "n_examples": n,
        "n_features": d,
        "weight": weight,
        "power": float(np.mean(found)),
        "interval": [low, high],
        "power_of_the_plain_norm": float(np.mean(by_norm)),
    }


if __name__ == "__main__":
    record("diagnosis_permutation", {"without_signal": without_signal(), "parity": power()})
