"""The parts of ``benchmarks/gpu.sh``: each writes one JSON file and prints one line.

python -m benchmarks.gpu PART --device cuda --data FOLDER --out OUT [--toy] [--d 30]
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from benchmarks.record import last_commit

from pitfalls.images import DataConfig, ImageDataset, load_dataset
from pitfalls.images.networks import FastNet, ResNet18
from pitfalls.images.training import (
    FAST_RECIPES,
    TrainConfig,
    TrainState,
    evaluate,
    predict_logits,
    train,
)
from pitfalls.parity import TwoLayerReLU, gradient_signal, walsh_hadamard_transform
from pitfalls.runs import describe_machine, describe_versions

Part = Callable[[argparse.Namespace], dict[str, Any]]


def seconds(work: Callable[[], object], device: str) -> float:
    """Time work that may be asynchronous."""
    if device == "cuda":
        torch.cuda.synchronize()
    start = time.perf_counter()
    work()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def check(options: argparse.Namespace) -> dict[str, Any]:
    """See that there is what the parts need."""
    if options.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("gpu: torch finds no CUDA device. --dry-run takes the processor.")
    if not options.data:
        raise SystemExit("gpu: PITFALLS_DATA must name the folder of CIFAR-10.")
    data = load_dataset(DataConfig(options.data, subset_train=100, subset_val=100))
    return {"images": data.name, "shape": data.train_images.shape[1:]}


def pictures(options: argparse.Namespace) -> ImageDataset:
    return load_dataset(DataConfig(options.data, subset_train=300 if options.toy else None))


def fast_network(data: ImageDataset) -> FastNet:
    torch.manual_seed(0)
    widths = (8, 8, 8) if len(data.train_labels) < 1000 else (64, 128, 128)
    network = FastNet(data.n_classes, data.train_images.shape[1], widths)
    network.fit_whitening(data)
    return network


class StoppedError(Exception):
    """Raised by the checkpoint after which a training is left."""


def resume(options: argparse.Namespace) -> dict[str, Any]:
    """Stop a training in the middle of an epoch, go on from its state: are the weights the same bits?"""
    data = load_dataset(DataConfig(options.data, subset_train=100 if options.toy else 5000))
    recipe = FAST_RECIPES[90, "plain"].training(data.train_images.shape[2], len(data.train_labels))
    sizes = recipe.image_sizes[-3:]
    recipe = replace(recipe, epochs=len(sizes), image_sizes=sizes, checkpoint_every=2)
    kept: list[TrainState] = []

    def stop(state: TrainState) -> None:
        kept.append(state)
        if len(kept) == 3:
            raise StoppedError

    whole = fast_network(data)
    train(whole, data, recipe, device=options.device)
    parts = fast_network(data)
    try:
        train(parts, data, recipe, device=options.device, on_checkpoint=stop)
    except StoppedError:
        parts = fast_network(data)
        train(parts, data, recipe, device=options.device, state=kept[-1])
    pairs = zip(whole.state_dict().values(), parts.state_dict().values(), strict=True)
    same = all(torch.equal(a, b) for a, b in pairs)
    if len(kept) < 3 or not same:
        raise SystemExit(f"resume: stopped at step {kept[-1].step}, same bits: {same}")
    return {"stopped_at_step": kept[-1].step, "same_bits": same}


def walsh(options: argparse.Namespace) -> dict[str, Any]:
    """Transform 2^27 numbers, and look whether twice gives them back."""
    n = 12 if options.toy else 27
    x = torch.randn(1 << n, device=options.device)
    back = walsh_hadamard_transform(walsh_hadamard_transform(x)) / x.numel()
    error = float((back - x).norm() / x.norm())
    if not error < 1e-5:
        raise SystemExit(f"walsh: twice gives the input back to {error:.1e} only")
    times = [seconds(lambda: walsh_hadamard_transform(x), options.device) for _ in range(9)]
    copies = [seconds(x.clone, options.device) for _ in range(9)]
    return {
        "log2_n": n,
        "error": error,
        "median_s": statistics.median(times),
        "times_a_copy": statistics.median(times) / statistics.median(copies),
        "n": len(times),
    }


def signal(options: argparse.Namespace) -> dict[str, Any]:
    """Measure the exact signal on the device, beside the compiled pass at a size that both do."""
    toy = options.toy
    small, large = (
        TwoLayerReLU(d, 20 if toy else 300, seed=0) for d in (10, 12 if toy else options.d)
    )
    ours, other = (
        gradient_signal(small, method="stream", device=d) for d in (None, options.device)
    )
    np.testing.assert_allclose(other.mean_square, ours.mean_square, rtol=1e-10)
    found: list[Any] = []
    took = seconds(
        lambda: found.append(gradient_signal(large, method="stream", device=options.device)),
        options.device,
    )
    return {"d": large.n_features, "k": large.n_hidden, "seconds": took, "n": 1,
            "mean_square": found[0].mean_square}  # fmt: skip


def resnet18(options: argparse.Namespace) -> dict[str, Any]:
    """Train ResNet18 by one cycle, three seeds."""
    data = pictures(options)
    config = TrainConfig(
        epochs=1 if options.toy else 18, batch_size=512, scheme="one_cycle", rate=0.4,
        nesterov=True, label_smoothing=0.1, precision="auto",
    )  # fmt: skip
    rows = []
    for seed in range(1 if options.toy else 3):
        torch.manual_seed(seed)
        network = ResNet18(data.n_classes, data.train_images.shape[1])
        result = train(network, data, replace(config, seed=seed), device=options.device)
        logits = predict_logits(
            network, data.test_images, data.mean, data.std, device=options.device
        )
        accuracy = evaluate(logits, data.test_labels).accuracy
        rows.append({"seed": seed, "test_accuracy": accuracy, "seconds": result.seconds})
        print(json.dumps(rows[-1]), flush=True)
    return {"config": vars(config), "rows": rows, "n": len(rows),
            "mean_accuracy": statistics.mean(row["test_accuracy"] for row in rows)}  # fmt: skip


PARTS: dict[str, Part] = {part.__name__: part for part in (check, resume, walsh, signal, resnet18)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--data", default="")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--toy", action="store_true")
    parser.add_argument("--d", type=int, default=30)
    options = parser.parse_args()
    found = PARTS[options.part](options)
    line = json.dumps(found, default=str)
    if options.out is not None:
        card = torch.cuda.get_device_name() if options.device == "cuda" else "cpu"
        name = f"gpu-{options.part}" + f"-{options.d}" * (options.part == "signal")
        record = {"device": card, "machine": describe_machine(), "versions": describe_versions(),
                  "commit": last_commit(), "toy": options.toy, "results": found}  # fmt: skip
        (options.out / f"{name}.json").write_text(json.dumps(record, indent=2, default=str) + "\n")
    print(line)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
