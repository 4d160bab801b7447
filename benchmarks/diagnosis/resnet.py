"""The whole default diagnosis of ResNet18 on 1,000 CIFAR-10 pictures, and its curvature alone.

Run: python -m benchmarks.diagnosis.resnet path/to/cifar-10-batches-py   (ten minutes on two cores)
"""

import sys
import time
from typing import Any

import torch
from benchmarks.record import record
from torch.nn import functional
from torch.optim import SGD

from pitfalls import diagnose
from pitfalls.diagnosis import ask_saddle
from pitfalls.diagnosis.evidence.saddle import SaddleEvidence
from pitfalls.diagnosis.zoo import state_digest
from pitfalls.images import load_dataset
from pitfalls.images.networks.resnet import ResNet18


def pictures(path: str) -> tuple[torch.Tensor, torch.Tensor]:
    data = load_dataset(path)
    images = torch.from_numpy(data.train_images[:1000]).float() / 255
    mean = torch.tensor(data.mean)[:, None, None]
    spread = torch.tensor(data.std)[:, None, None]
    return (images - mean) / spread, torch.from_numpy(data.train_labels[:1000])


def eigenpairs(x: torch.Tensor, y: torch.Tensor, budget: float) -> dict[str, Any]:
    torch.manual_seed(0)
    model = ResNet18()
    began, began_cpu = time.monotonic(), time.process_time()
    card = ask_saddle(model, functional.cross_entropy, x, y, budget=budget)
    seconds, cpu_s = time.monotonic() - began, time.process_time() - began_cpu
    e = card.evidence
    assert isinstance(e, SaddleEvidence)
    print(card, flush=True)
    return {
        "budget": budget,
        "seconds": seconds,
        "cpu_s": cpu_s,
        "verdict": card.verdict,
        "n": e.n,
        "lowest": e.lowest,
        "largest": e.largest,
        "residuals": e.residuals,
        "products": e.products,
        "ritz": e.ritz,
        "held": card.check(model, functional.cross_entropy, x, y),
    }


def main(path: str) -> None:
    torch.set_num_threads(2)
    x, y = pictures(path)
    runs: list[dict[str, Any]] = []
    for seed in range(3):
        torch.manual_seed(seed)
        model = ResNet18()
        optimizer = SGD(model.parameters(), 0.05, momentum=0.9)
        before = state_digest(model, optimizer)
        began, began_cpu = time.monotonic(), time.process_time()
        found = diagnose(model, functional.cross_entropy, x, y, optimizer, seed=seed)
        seconds = time.monotonic() - began
        runs.append(
            {
                "seed": seed,
                "cause": found.cause,
                "seconds": seconds,
                "cpu_s": time.process_time() - began_cpu,
                "unchanged": state_digest(model, optimizer) == before,
                "cards": [
                    {"question": c.question, "verdict": c.verdict, "n": c.evidence.n,
                     "seconds": c.cost.seconds, "gradients": c.cost.gradients,
                     "products": c.cost.products}
                    for c in found.cards
                ],
            }
        )  # fmt: skip
        print(found, flush=True)
    curvature = [eigenpairs(x[:256], y[:256], budget) for budget in (60.0, 150.0)]
    record(
        "diagnosis_resnet",
        {"n_pictures": len(x), "budget": 60, "runs": runs, "curvature": curvature},
    )


if __name__ == "__main__":
    main(sys.argv[1])
