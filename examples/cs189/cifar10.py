"""The homework's second script by hand: CIFAR-10 by linear methods and by a residual network.

The starter's four switches are options; without one all parts run. What it brings along comes from
the library; RandomCrop and RandomHorizontalFlip there are torchvision's, for whole batches at once.
"""

import argparse
import sys
from functools import partial, reduce
from pathlib import Path

# the script beside this one has the package's name: without this line it would be imported instead
sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != Path(__file__).resolve().parent]

import matplotlib.pyplot as plt
import numpy as np
import torch

from pitfalls import images as lab
from pitfalls.diagram import summary
from pitfalls.downloads import find_cifar10
from pitfalls.errors import PitfallsError
from pitfalls.images import RandomCrop, RandomHorizontalFlip


def Compose(transforms):  # noqa: N802 - torchvision's name
    """Apply one transform after another, as torchvision.transforms.Compose does."""
    return lambda images: reduce(lambda changed, one: one(changed), transforms, images)


FLAGS = ("--VISUALIZATION_FLAG", "--LINEAR_FLAG", "--PRINT_NN_FLAG", "--TRAIN_NN_FLAG")
transform_train = Compose([RandomCrop(32, padding=4), RandomHorizontalFlip()])


def constant(previous_rate, epoch, batch, n_batches):
    """Return always the same rate."""
    return 0.001


def annealed(previous_rate, epoch, batch, n_batches):
    """Return the previous rate times a decay factor; before the first step it is 0.01."""
    return previous_rate * 0.99


def special(previous_rate, epoch, batch, n_batches, epochs=1):
    """Return what the starter gives: up to 0.1, down to 0.005, a tail; one epoch sees half the rise."""
    t, end, peak, final, extra = epoch + batch / n_batches, epochs + 3, 0.1, 0.005, 5
    if t < end / 2:
        return 2 * peak * (1 - (end - t) / end)
    if t <= end:
        return final + 2 * (peak - final) * (end - t) / end
    return final * (extra - (t - end)) / extra if t <= end + extra else final / 10


def train(network, data, rate, transform, epochs, batch_size, device="cpu"):
    """Run the starter's loop; return the last epoch's accuracy and mean loss while learning."""
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)
    images, labels = torch.from_numpy(data.train_images), torch.from_numpy(data.train_labels)
    mean, std = (torch.tensor(values)[:, None, None] for values in (data.mean, data.std))
    network.to(device).train()
    previous_rate = 0.01
    for epoch in range(epochs):
        right, total = 0, 0.0
        batches = torch.randperm(len(labels)).split(batch_size)
        for i, batch in enumerate(batches):
            previous_rate = rate(previous_rate, epoch, i, len(batches))
            optimizer.param_groups[0]["lr"] = previous_rate
            x = ((transform(images[batch]) / 255 - mean) / std).to(device)
            output, y = network(x), labels[batch].to(device)
            loss = torch.nn.functional.cross_entropy(output, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            right += int((output.argmax(1) == y).sum())
            total += loss.item() * len(batch)
    return right / len(labels), total / len(labels)


def visualize(data):
    """Part (a): two dimensions by PCA and by CCA, one colour a class."""
    methods = lab.fit_linear_methods(data)
    figure, axes = plt.subplots(1, 2, figsize=(12, 5.5))
    for ax, title, found in zip(axes, ("PCA", "CCA"), (methods.pca, methods.cca), strict=True):
        points = lab.embed(found, data, "train")
        for label, name in enumerate(data.class_names):
            ax.plot(*points[data.train_labels == label].T, ".", markersize=2, label=name)
        ax.set(title=f"{title} of {data.name}, training set", xlabel="first", ylabel="second")
        ax.legend(markerscale=5)
    figure.savefig("embeddings.png")


def compare_schemes(data, epochs, batch_size, seed, device):
    """Parts (d), (e), (f): each scheme from the same weights and the same order of images."""
    side = data.shape[1]  # 8 of digits, and a mirrored one of them is another sign
    transform = transform_train if side == 32 else RandomCrop(side, padding=side // 8)
    if epochs == 1 and len(data.train_labels) <= batch_size:
        print("One epoch is one step here: it tells no scheme apart; special's rate is 0 at it.")
    print(f"{'scheme':10}{'train %':>9}{'val %':>9}{'epochs':>8}{'loss':>9}")
    rates = (constant, annealed, partial(special, epochs=epochs))
    for name, rate in zip(("constant", "annealed", "special"), rates, strict=True):
        torch.manual_seed(seed)
        network = lab.ResNet18(data.n_classes, data.shape[0])
        accuracy, loss = train(network, data, rate, transform, epochs, batch_size, device)
        logits = lab.predict_logits(network, data.test_images, data.mean, data.std, device=device)
        right = 100 * np.mean(logits.argmax(1).numpy() == data.test_labels)
        print(f"{name:10}{100 * accuracy:9.2f}{right:9.2f}{epochs:8}{loss:9.4f}", flush=True)


def main():
    """Run the parts asked for; all where none is named."""
    parser = argparse.ArgumentParser(usage=argparse.SUPPRESS)
    for flag in FLAGS:
        parser.add_argument(flag, action="store_true")
    sizes = {"epochs": 1, "batch-size": 128, "subset-train": None, "subset-val": None, "seed": 123}
    for name, usual in sizes.items():
        parser.add_argument(f"--{name}", type=int, default=usual)
    parser.add_argument("--gpu", action="store_true")
    parser.add_argument("--data-dir", default="data" if Path("data").exists() else None)
    asked = parser.parse_args()
    if asked.gpu and not torch.cuda.is_available():
        parser.error("--gpu: torch finds no CUDA device here. Leave --gpu out.")
    for name, value in (("epochs", asked.epochs), ("batch-size", asked.batch_size)):
        if value < 1:
            parser.error(f"--{name}: must be at least 1. Got {value}.")
    subsets = {"subset_train": asked.subset_train, "subset_val": asked.subset_val}
    config = lab.DataConfig(asked.data_dir, seed=asked.seed, **subsets)
    data = lab.load_dataset(config, find_cifar10=find_cifar10)
    print(data, *data.warnings, sep="\n")
    chosen = [getattr(asked, flag[2:]) for flag in FLAGS]
    visualization, linear, print_nn, train_nn = chosen if any(chosen) else [True] * 4
    if visualization:
        visualize(data)
    if linear:
        fitted = lab.fit_linear_methods(data).classifier
        for part in ("train", "test"):
            right = 100 * np.mean(lab.predict_labels(fitted, data, part) == data.labels(part))
            print(f"least squares, {part} accuracy: {right:.2f} %")
    if print_nn:
        print(summary(lab.ResNet18(data.n_classes, data.shape[0]), data.shape))
    if train_nn:
        device = "cuda" if asked.gpu else "cpu"
        compare_schemes(data, asked.epochs, asked.batch_size, asked.seed, device)


if __name__ == "__main__":
    try:
        main()
    except PitfallsError as error:
        sys.exit(print(f"cifar10.py: error: {error}", file=sys.stderr) or error.exit_code)
