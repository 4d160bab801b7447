"""The field's record recipe for 94 % and ours, seed by seed in turns: accuracy by both rules, seconds.

    python -m benchmarks.images.record_recipe DATA --state FOLDER [--seeds 3] [--targets 90 94 94-six]
        [--device cuda] [--subset 2000]

The recipe is airbench94_muon's (Jordan 2024; 64/256/256 channels, GELU, Muon, batches of 2,000, eight
epochs at 32 pixels, label smoothing .2), in a plain loop: no log, no checkpoint, no look at an image
while it trains. Only network and Muon are this project's, since both follow the same paper. The field
counts accuracy over six views, other people the plain one: both are recorded. Goes on where it was
stopped; seconds are of steps, without loading, whitening and testing. GOMP_SPINCOUNT=20000 in the
environment is how the program itself lets torch's threads wait.
"""

import argparse
import json
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from benchmarks.images.recipes import RECIPES
from benchmarks.record import record
from torch import Tensor, nn
from torch.nn import functional

from pitfalls.images import DataConfig, ImageDataset, load_dataset
from pitfalls.images.networks import FastNet
from pitfalls.images.networks.inputs import normalize
from pitfalls.images.training import Muon, evaluate, predict_logits, train
from pitfalls.images.training.hardware import has_fast_bfloat16, keep_freed_memory

WIDTHS = (64, 256, 256)
EPOCHS, BATCH, PADDING, SMOOTHING = 8, 2000, 2, 0.2
RATE, BIAS_RATE, HEAD_RATE, DECAY = 0.24, 0.053, 0.67, 2e-6
WHITENING_EPOCHS = 3  # as long as the first layer's bias is trained, and its gradient computed


def clock(device: str) -> tuple[float, float]:
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter(), time.process_time()


def batches(images: Tensor, epochs: int, batch: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield (images, their places): mirrored at random once, then every other epoch, and cropped."""
    n, _, height, width = images.shape
    mirrored = torch.rand(n, 1, 1, 1, device=images.device) < 0.5
    images = torch.where(mirrored, images.flip(3), images)
    padded = functional.pad(images, (PADDING,) * 4, mode="reflect")
    for epoch in range(epochs):
        now = padded.flip(3) if epoch % 2 else padded
        order = torch.randperm(n, device=images.device)
        top, left = torch.randint(2 * PADDING + 1, (2, n), device=images.device)
        for start in range(0, n - batch + 1, batch):
            places = order[start : start + batch]
            crops = images.new_empty(batch, *images.shape[1:])
            for y in range(2 * PADDING + 1):
                for x in range(2 * PADDING + 1):
                    here = (top[places] == y) & (left[places] == x)
                    crops[here] = now[places[here], :, y : y + height, x : x + width]
            yield crops.contiguous(memory_format=torch.channels_last), places


def record_recipe(data: ImageDataset, seed: int, device: str) -> tuple[nn.Module, float, float]:
    """Train by the record recipe; return the network, seconds and processor seconds."""
    torch.manual_seed(seed)
    network = FastNet(data.n_classes, data.train_images.shape[1], WIDTHS)
    network.fit_whitening(data)
    network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    labels = torch.from_numpy(data.train_labels).to(device)
    images = normalize(torch.from_numpy(data.train_images).to(device), data.mean, data.std)
    batch = min(BATCH, len(labels))
    steps = EPOCHS * (len(labels) // batch)
    weights = [p for p in network.parameters() if p.ndim == 4 and p.requires_grad]
    biases = [p for name, p in network.named_parameters() if ".norm" in name and p.requires_grad]
    groups = [
        {"params": [network.whitening.bias], "lr": BIAS_RATE},
        {"params": biases, "lr": BIAS_RATE},
        {"params": [network.head.weight], "lr": HEAD_RATE},
    ]
    for group in groups:
        group["weight_decay"] = DECAY * batch / group["lr"]  # type: ignore[operator]
    sgd = torch.optim.SGD(groups, momentum=0.85, nesterov=True)
    muon = Muon(weights, lr=RATE, momentum=0.6)
    first = [group["lr"] for optimizer in (sgd, muon) for group in optimizer.param_groups]
    half = torch.autocast(
        device, torch.float16 if device == "cuda" else torch.bfloat16,
        enabled=device == "cuda" or has_fast_bfloat16(),
    )  # fmt: skip
    network.train()
    start, used = clock(device)
    for step, (crops, places) in enumerate(batches(images, EPOCHS, batch)):
        rates = [group for optimizer in (sgd, muon) for group in optimizer.param_groups]
        for group, rate in zip(rates, first, strict=True):
            group["lr"] = rate * (1 - step / steps)
        rates[0]["lr"] = first[0] * max(0.0, 1 - step * EPOCHS / (steps * WHITENING_EPOCHS))
        if step * EPOCHS == steps * WHITENING_EPOCHS:
            network.whitening.bias.requires_grad_(False)  # type: ignore[union-attr]
        with half:
            logits = network(crops)
        loss = functional.cross_entropy(
            logits.float(), labels[places], label_smoothing=SMOOTHING, reduction="sum"
        )
        loss.backward()  # type: ignore[no-untyped-call]
        for optimizer in (sgd, muon):
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
    end, end_used = clock(device)
    assert step == steps - 1
    return network, end - start, end_used - used


def ours(target: str, data: ImageDataset, seed: int, device: str) -> tuple[nn.Module, float, float]:
    """Train by the recipe of ``images fast``; return the network, seconds and processor seconds."""
    recipe = RECIPES[target]
    config = replace(
        recipe.training(data.train_images.shape[2], len(data.train_labels)),
        precision="auto",
        seed=seed,
    )
    torch.manual_seed(seed)
    channels = data.train_images.shape[1]
    network = FastNet(data.n_classes, channels, recipe.widths, recipe.bias_epochs, winograd=True)
    network.fit_whitening(data)
    result = train(network, data, config, device=device)
    return network, result.seconds, result.cpu_seconds


def one(name: str, data: ImageDataset, seed: int, device: str) -> dict[str, Any]:
    trained = record_recipe(data, seed, device) if name == "record" else ours(
        name.removeprefix("ours-"), data, seed, device
    )  # fmt: skip
    network, seconds, cpu = trained
    row: dict[str, Any] = {"recipe": name, "seed": seed, "seconds": seconds, "cpu_seconds": cpu}
    for views in ("plain", "six"):
        logits = predict_logits(
            network, data.test_images, data.mean, data.std, views=views, device=device
        )
        row[views] = evaluate(logits, data.test_labels).accuracy
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data")
    parser.add_argument(
        "--state", type=Path, required=True, help="where finished trainings are kept"
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--targets", nargs="*", default=["94", "94-six"], choices=RECIPES)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--subset", type=int, help="train on so few images: to try the script")
    options = parser.parse_args()
    keep_freed_memory()
    data = load_dataset(DataConfig(options.data, subset_train=options.subset))
    options.state.mkdir(parents=True, exist_ok=True)
    state = options.state / f"record-recipe-{options.device}.jsonl"
    rows = [json.loads(line) for line in state.read_text().splitlines()] if state.exists() else []
    names = ["record", *(f"ours-{target}" for target in options.targets)]
    for seed in range(options.seeds):
        for name in names:
            if not any((row["recipe"], row["seed"]) == (name, seed) for row in rows):
                rows.append(one(name, data, seed, options.device))
                print(json.dumps(rows[-1]), flush=True)
                with state.open("a") as file:
                    file.write(json.dumps(rows[-1]) + "\n")
    if options.subset:
        return
    found = {
        name: {
            key: statistics.mean(row[key] for row in rows if row["recipe"] == name)
            for key in ("plain", "six", "seconds", "cpu_seconds")
        }
        for name in names
    }
    device = torch.cuda.get_device_name() if options.device == "cuda" else "cpu"
    record(
        f"images-record-recipe-{options.device}",
        {
            "device": device,
            "threads": torch.get_num_threads(),
            "n": options.seeds,
            "means": found,
            "seconds_over_record": {
                k: v["seconds"] / found["record"]["seconds"] for k, v in found.items()
            },
            "rows": rows,
        },
    )


if __name__ == "__main__":
    main()
