"""Try one fast recipe on a split of the training set and append what came to the log.

The test set is never looked at here: 5,000 training images are held out, the network learns from the
other 45,000. Every attempt stays in ``benchmarks/results/fastnet-log.jsonl``, dead ends included.

    python benchmarks/images/tune_fast.py DATA '{"image_sizes": [20, 24, 28, 32]}' --note "why"
"""

import argparse
import json
import os
import time
from dataclasses import replace
from pathlib import Path

import torch

from pitfalls.images.datasets import load_dataset
from pitfalls.images.evaluation import predict_logits
from pitfalls.images.fastnet import FastNet
from pitfalls.images.train_records import TrainConfig
from pitfalls.images.training import train

LOG = Path(__file__).parents[1] / "results" / "fastnet-log.jsonl"
BATCH = 1000
START = TrainConfig(
    batch_size=BATCH,
    scheme="linear",
    rate=1.0,
    optimizer="muon",
    momentum=0.85,
    nesterov=True,
    weight_decay=2e-6 * BATCH,
    label_smoothing=0.2,
    loss="sum",
    precision="bfloat16",
    crop_padding=2,
    padding_mode="reflect",
    flip="alternating",
    image_sizes=(20, 20, 24, 24, 28, 32),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("changes", type=json.loads)
    parser.add_argument("--widths", type=int, nargs=3, default=(64, 128, 128))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--warmup", type=float, default=0.0)
    parser.add_argument("--final", type=float, default=0.0)
    parser.add_argument("--note", default="")
    options = parser.parse_args()
    from pitfalls.images.schedules import one_cycle

    data = load_dataset(options.data, validation=5000, seed=0)
    config = replace(
        START, **{k: tuple(v) if isinstance(v, list) else v for k, v in options.changes.items()}
    )
    config = replace(
        config,
        epochs=len(config.image_sizes),
        seed=options.seed,
        weight_decay=2e-6 * config.batch_size,
    )
    torch.manual_seed(options.seed)
    network = FastNet(widths=tuple(options.widths))
    network.fit_whitening(data)
    rate = one_cycle(config.epochs, 1.0, warmup=options.warmup, final=options.final)
    result = train(network, data, config, rate=rate, on_epoch=lambda e: print(e, flush=True))
    accuracy = {}
    for views in ("plain", "six"):
        logits = predict_logits(network, data.validation_images, data.mean, data.std, views=views)
        right = logits.argmax(1) == torch.from_numpy(data.validation_labels)
        accuracy[views] = float(right.float().mean())
    line = {
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "note": options.note,
        "trained_on": len(data.train_labels),
        "validated_on": len(data.validation_labels),
        "widths": list(options.widths),
        "changes": options.changes,
        "warmup": options.warmup,
        "final": options.final,
        "seed": options.seed,
        "accuracy": accuracy["plain"],
        "accuracy_six_views": accuracy["six"],
        "epochs": [[round(e.train_accuracy, 4), e.validation_accuracy] for e in result.epochs],
        "seconds": round(result.seconds, 1),
        "cpu_seconds": round(result.cpu_seconds, 1),
        "threads": torch.get_num_threads(),
        "load_average": [round(v, 1) for v in os.getloadavg()],
    }
    with LOG.open("a") as log:
        log.write(json.dumps(line) + "\n")
    print(json.dumps(line))


if __name__ == "__main__":
    main()
