"""Try a change to a fast recipe on a split of the training set and append what came to the log.

The test set is never looked at here: some training images are held out, the network learns from the
others. Every attempt stays in ``benchmarks/results/fastnet-log.jsonl``, dead ends included.

    python benchmarks/images/tune_fast.py DATA '{"image_sizes": [20, 24, 28, 32]}' --note "why"
"""

import argparse
import json
import os
import time
from dataclasses import replace
from pathlib import Path

import torch
from benchmarks.images.recipes import RECIPES

from pitfalls.images import DataConfig, load_dataset
from pitfalls.images.networks.fastnet import FastNet
from pitfalls.images.training.evaluation import predict_logits
from pitfalls.images.training.fast_recipes import DECAY_AN_IMAGE
from pitfalls.images.training.loop import train

LOG = Path(__file__).parents[1] / "results" / "fastnet-log.jsonl"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data")
    parser.add_argument("changes", type=json.loads, help="to TrainConfig, as JSON")
    parser.add_argument("--target", default="90", choices=RECIPES)
    parser.add_argument("--widths", type=int, nargs=3)
    parser.add_argument("--held-out", type=int, default=10_000, help="training images")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--note", default="")
    options = parser.parse_args()
    recipe = RECIPES[options.target]
    widths = tuple(options.widths or recipe.widths)
    changes = {k: tuple(v) if isinstance(v, list) else v for k, v in options.changes.items()}
    # another batch keeps the decay an image, unless that is the change
    decay = DECAY_AN_IMAGE * changes.get("batch_size", recipe.batch_size)
    changes = {"weight_decay": decay, **changes}
    config = replace(recipe.training(), precision="bfloat16", seed=options.seed, **changes)
    config = replace(config, epochs=len(config.image_sizes))

    data = load_dataset(DataConfig(options.data, validation=options.held_out, seed=0))
    learned = replace(
        data,
        validation_images=data.validation_images[:0],
        validation_labels=data.validation_labels[:0],
    )
    torch.manual_seed(options.seed)
    network = FastNet(widths=widths, bias_epochs=recipe.bias_epochs, winograd=True)
    network.fit_whitening(learned)
    result = train(network, learned, config, on_epoch=lambda epoch: print(epoch, flush=True))
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
        "widths": list(widths),
        "activation": "gelu",  # of FastNet
        "image_sizes": list(config.image_sizes),
        "changes": {k: v for k, v in options.changes.items() if k != "image_sizes"},
        "seed": options.seed,
        "accuracy": accuracy["plain"],
        "accuracy_six_views": accuracy["six"],
        "train_accuracy": [round(epoch.train_accuracy, 4) for epoch in result.epochs],
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
