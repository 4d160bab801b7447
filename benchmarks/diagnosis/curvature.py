"""Eigenpairs on 20 small networks against dense Hessians, and three ways to them by the clock.

Run: python -m benchmarks.diagnosis.curvature   (some minutes on two cores)
"""

import itertools
import time
from typing import Any

import numpy as np
import torch
from benchmarks.record import record
from torch import nn
from torch.nn import functional

from pitfalls.diagnosis import ask_saddle, curvature
from pitfalls.diagnosis.curvature import extreme_eigenpairs
from pitfalls.diagnosis.examination import examine
from pitfalls.diagnosis.hessian import Hessian

ACTIVATIONS = {"tanh": nn.Tanh, "relu": nn.ReLU, "gelu": nn.GELU, "sigmoid": nn.Sigmoid}


def networks() -> list[tuple[str, nn.Module]]:
    """Twenty: four activations, five shapes."""
    found = []
    for name, activation in ACTIVATIONS.items():
        for shape in ((6,), (12,), (6, 6), (10, 5), (5, 5, 5)):
            torch.manual_seed(len(found))
            layers: list[nn.Module] = []
            widths = (5, *shape)
            for fan_in, fan_out in itertools.pairwise(widths):
                layers += [nn.Linear(fan_in, fan_out), activation()]
            model = nn.Sequential(*layers, nn.Linear(widths[-1], 3))
            found.append((f"{name} {'-'.join(map(str, widths))}-3", model))
    return found


def dense(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> np.ndarray:
    model = model.double()
    names, shapes = zip(*((n, p.shape) for n, p in model.named_parameters()), strict=True)
    flat = torch.cat([p.detach().flatten() for p in model.parameters()])

    def loss(v: torch.Tensor) -> torch.Tensor:
        parts = torch.split(v, [s.numel() for s in shapes])
        values = {n: p.reshape(s) for n, p, s in zip(names, parts, shapes, strict=True)}
        out = torch.func.functional_call(model, values, (x.double(),))
        return functional.cross_entropy(out, y)

    return torch.autograd.functional.hessian(loss, flat).numpy()


def against_dense() -> list[dict[str, Any]]:
    g = torch.Generator().manual_seed(0)
    x = torch.randn(100, 5, generator=g)
    y = x[:, :3].argmax(1)
    rows = []
    for name, model in networks():
        with examine(model, functional.cross_entropy, x, y, who="benchmark") as subject:
            hessian = Hessian(subject, np.arange(len(x)))
            found = extreme_eigenpairs(hessian, np.random.default_rng(0))
        low, high = found.lowest, found.largest
        card = ask_saddle(model, functional.cross_entropy, x, y, budget=600)
        steps_down = card.verdict != "saddle" or card.check(model, functional.cross_entropy, x, y)
        exact = np.linalg.eigvalsh(dense(model, x, y))
        scale = float(np.abs(exact).max())
        rows.append(
            {
                "network": name,
                "n_parameters": hessian.size,
                "error_lowest": abs(low.value - exact[0]) / scale,
                "error_largest": abs(high.value - exact[-1]) / scale,
                "products": low.products + high.products,
                "verdict": card.verdict,
                "steps_down": steps_down,
            }
        )
    return rows


def by_the_clock() -> dict[str, Any]:
    """Largest and lowest eigenpair of a network of 9,610 weights, three times each way."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(64, 100), nn.Tanh(), nn.Linear(100, 30), nn.Tanh(), nn.Linear(30, 10)
    )
    g = torch.Generator().manual_seed(0)
    x, y = torch.randn(256, 64, generator=g), torch.randint(0, 10, (256,), generator=g)
    times: dict[str, list[Any]] = {"arpack": [], "lanczos": []}
    for seed in range(3):
        for name in times:
            with examine(model, functional.cross_entropy, x, y, who="benchmark") as subject:
                hessian = Hessian(subject, np.arange(256))
                start = np.random.default_rng(seed).standard_normal(hessian.size)
                began = time.process_time()
                if name == "arpack":
                    pairs = [curvature._arpack(hessian, start, end, 1e-6) for end in ("SA", "LA")]
                else:
                    found = curvature.lanczos(hessian, [start], steps=60, tolerance=1e-6)
                    pairs = [found.lowest, found.largest]
                times[name].append(
                    {
                        "cpu_s": time.process_time() - began,
                        "values": [p.value for p in pairs],
                        "residuals": [p.residual for p in pairs],
                        "products": hessian.products,
                    }
                )
    return times


def main() -> None:
    rows = against_dense()
    record(
        "diagnosis_curvature",
        {
            "n": len(rows),
            "largest_error_relative_to_the_largest_eigenvalue": max(
                max(r["error_lowest"], r["error_largest"]) for r in rows
            ),
            "strict_saddles": sum(r["verdict"] == "saddle" for r in rows),
            "every_strict_saddle_steps_down": all(r["steps_down"] for r in rows),
            "networks": rows,
            "solvers": by_the_clock(),
        },
    )


if __name__ == "__main__":
    main()
