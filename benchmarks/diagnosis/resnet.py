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
from pitfalls.diagnosis.zoo import state_digest
from pitfalls.images import load_dataset
from pitfalls.images.networks.resnet import ResNet18


def pictures(path: str) -> tuple[torch.Tensor, torch.Tensor]:
    data = load_dataset(path)
    images = torch.from_numpy(data.train_images[:1000]).float() / 255
    mean = torch.tensor(data.mean)[:, None, None]
    spread = torch.tensor(data.std)[:, None, None]
    return (images - mean) / spread, torch.from_numpy(data.train_labels[:1000])


def main(path: str) -> None:
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
    torch.manual_seed(0)
    began = time.monotonic()
    card = ask_saddle(ResNet18(), functional.cross_entropy, x[:256], y[:256], budget=60)
    curvature = {
        "seconds": time.monotonic() - began,
        "verdict": card.verdict,
        "evidence": str(card),
    }
    record(
        "diagnosis_resnet",
        {"n_pictures": len(x), "budget": 60, "runs": runs, "curvature": curvature},
    )


if __name__ == "__main__":
    main(sys.argv[1])
