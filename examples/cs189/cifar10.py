"""The homework's second script: CIFAR-10 by linear methods and by a residual network.

    python examples/cs189/cifar10.py                    # all four parts, at the homework's own size
    python examples/cs189/cifar10.py --train --subset-train 128 --subset-val 512
    python examples/cs189/cifar10.py --linear --data-dir digits

Four switches choose the parts: --visualize (4a), --linear (4b), --print-nn (4c), --train (4e, 4f).
"""

import argparse
import sys
from pathlib import Path

# the script beside this one has the package's name: without this line it would be imported instead
sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != Path(__file__).resolve().parent]

import matplotlib.pyplot as plt
import numpy as np
import torch

from pitfalls.diagram import summary
from pitfalls.downloads import find_cifar10
from pitfalls.errors import InputError, PitfallsError
from pitfalls.images import (
    DataConfig,
    ImageDataset,
    RandomCrop,
    RandomHorizontalFlip,
    ResNet18,
    TrainConfig,
    embed,
    fit_linear_methods,
    load_dataset,
    predict_labels,
    predict_logits,
    train,
)

SCHEMES = ("constant", "annealed", "special")


def visualize(data: ImageDataset, file: str = "embeddings.png") -> None:
    """Part (a): two dimensions by PCA and by CCA, one colour a class."""
    methods = fit_linear_methods(data)
    figure, axes = plt.subplots(1, 2, figsize=(12, 5.5), layout="constrained")
    for ax, (title, estimator) in zip(
        axes, (("PCA", methods.pca), ("CCA", methods.cca)), strict=True
    ):
        points = embed(estimator, data, "train")
        for label, name in enumerate(data.class_names):
            chosen = points[data.train_labels == label]
            ax.plot(*chosen.T, ".", markersize=2, alpha=0.5, color=f"C{label}", label=name)
        ax.set(title=f"{title} of {data.name}, training set", xlabel="first", ylabel="second")
        ax.legend(markerscale=5)
    figure.savefig(file)
    print(f"embeddings: {file}")


def classify_linearly(data: ImageDataset) -> None:
    """Part (b): least squares onto one-hot labels."""
    classifier = fit_linear_methods(data).classifier
    for part in ("train", "test"):
        accuracy = np.mean(predict_labels(classifier, data, part) == data.labels(part))
        print(f"least squares, {part} accuracy: {100 * accuracy:.2f} %")


def compare_schemes(
    data: ImageDataset, epochs: int, batch_size: int, seed: int, device: str
) -> None:
    """Parts (d), (e), (f): train with each learning-rate scheme from the same start."""
    side = data.shape[1]
    transforms = [RandomCrop(side, padding=side // 8)]
    if data.name != "digits":  # a mirrored digit is another sign
        transforms.append(RandomHorizontalFlip())
    print(f"{'scheme':10}{'train %':>9}{'val %':>9}{'epochs':>8}{'loss':>9}")
    for scheme in SCHEMES:
        torch.manual_seed(seed)
        network = ResNet18(data.n_classes, data.shape[0])
        config = TrainConfig(epochs=epochs, batch_size=batch_size, scheme=scheme, seed=seed)
        result = train(network, data, config, transforms=transforms, device=device)
        logits = predict_logits(network, data.test_images, data.mean, data.std, device=device)
        right = np.mean(logits.argmax(1).numpy() == data.test_labels)
        last = result.epochs[-1]
        print(
            f"{scheme:10}{100 * last.train_accuracy:9.2f}{100 * right:9.2f}{epochs:8}"
            f"{last.train_loss:9.4f}",
            flush=True,
        )


def main() -> None:
    """Run the parts asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--visualize", action="store_true", help="part a")
    parser.add_argument("--linear", action="store_true", help="part b")
    parser.add_argument("--print-nn", action="store_true", help="part c")
    parser.add_argument("--train", action="store_true", help="parts d, e, f")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--subset-train", type=int)
    parser.add_argument("--subset-val", type=int, help="of the test set, as the homework has it")
    parser.add_argument("--gpu", action="store_true")
    parser.add_argument("--seed", type=int, default=123)
    parser.add_argument("--data-dir", help="a folder, or the word digits (default: ./data, if any)")
    arguments = parser.parse_args()

    # before the data are read, which may take a download
    if arguments.gpu and not torch.cuda.is_available():
        raise InputError("--gpu: torch finds no CUDA device here. Leave --gpu out.")
    for option, value in (("--epochs", arguments.epochs), ("--batch-size", arguments.batch_size)):
        if value < 1:
            raise InputError(f"{option}: must be at least 1. Got {value}.")

    # Without a folder: PITFALLS_DATA, the cache, a download, the digits, in this order.
    source = arguments.data_dir
    if source is None and Path("data").exists():
        source = "data"
    if source is not None and (inside := Path(source, "cifar-10-batches-py")).exists():
        source = str(inside)
    config = DataConfig(
        source,
        subset_train=arguments.subset_train,
        subset_val=arguments.subset_val,
        seed=arguments.seed,
    )
    data = load_dataset(config, find_cifar10=find_cifar10)
    print(data, *data.warnings, sep="\n")
    switches = (arguments.visualize, arguments.linear, arguments.print_nn, arguments.train)
    wanted = [switch or not any(switches) for switch in switches]
    if wanted[0]:
        visualize(data)
    if wanted[1]:
        classify_linearly(data)
    if wanted[2]:
        print(summary(ResNet18(data.n_classes, data.shape[0]), data.shape))
    if wanted[3]:
        device = "cuda" if arguments.gpu else "cpu"
        compare_schemes(data, arguments.epochs, arguments.batch_size, arguments.seed, device)


if __name__ == "__main__":
    try:
        main()
    except PitfallsError as error:
        print(f"{Path(__file__).name}: error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
