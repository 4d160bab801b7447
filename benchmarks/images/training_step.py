"""The ResNet's training step beside the homework's plain loop, step by step in turn.

The plain loop is what a starter script does: a data set that crops, flips and normalises one image
at a time, a DataLoader, PyTorch's default memory format and optimiser. Both train the same network
in float32 on batches of 128 with SGD and momentum. Each runs in a process of its own, because the
allocator's setting holds for a whole process; they take turns, so that a busy machine slows both.

    python benchmarks/images/training_step.py DATA [--repeats 15]
"""

import argparse
import multiprocessing
import random
import statistics
import time
from multiprocessing.connection import Connection

import torch
from benchmarks.record import record
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from pitfalls.images import ImageDataset, load_dataset
from pitfalls.images.networks import normalize
from pitfalls.images.networks.resnet import ResNet18
from pitfalls.images.training.augmentation import (
    PlaceOfDraw,
    RandomCrop,
    RandomHorizontalFlip,
    augment,
)
from pitfalls.images.training.config import TrainConfig
from pitfalls.images.training.loop import train
from pitfalls.images.training.records import StepRecord

BATCH = 128
Clock = tuple[float, float]


def clock() -> Clock:
    return time.perf_counter(), time.process_time()


class OneByOne(Dataset):
    """Images as a starter script serves them: one at a time, transformed on the way."""

    def __init__(self, data: ImageDataset) -> None:
        self.images, self.labels = data.train_images, data.train_labels
        self.mean = torch.tensor(data.mean)[:, None, None]
        self.std = torch.tensor(data.std)[:, None, None]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        image = functional.pad(torch.from_numpy(self.images[index]), (4, 4, 4, 4))
        top, left = random.randrange(9), random.randrange(9)
        image = image[:, top : top + 32, left : left + 32]
        if random.random() < 0.5:
            image = image.flip(2)
        return (image.float() / 255 - self.mean) / self.std, int(self.labels[index])


def plain(path: str, turns: Connection, channels_last: bool = False) -> None:
    data = load_dataset(path)
    network, criterion = ResNet18(), nn.CrossEntropyLoss()
    if channels_last:
        network = network.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)
    batches = iter(DataLoader(OneByOne(data), batch_size=BATCH, shuffle=True))
    while turns.recv():
        start = clock()
        images, labels = next(batches)
        ready = clock()
        if channels_last:
            images = images.contiguous(memory_format=torch.channels_last)
        optimizer.zero_grad()
        outputs = network(images)
        loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()
        loss.item()
        (outputs.argmax(1) == labels).sum().item()
        turns.send((start, ready, clock()))


def ours(path: str, turns: Connection, precision: str = "float32") -> None:
    data = load_dataset(path)
    transforms = [RandomCrop(32, padding=4), RandomHorizontalFlip()]
    images = torch.from_numpy(data.train_images)
    start = clock()

    def pipeline() -> Clock:
        indices = torch.randperm(len(images))[:BATCH]
        before = clock()
        batch = augment(images[indices], transforms, PlaceOfDraw(0, 0, 0, indices))
        normalize(batch, data.mean, data.std)
        after = clock()
        return after[0] - before[0], after[1] - before[1]

    def step_done(step: StepRecord) -> None:
        nonlocal start
        end = clock()
        share = pipeline()
        turns.send((start, (start[0] + share[0], start[1] + share[1]), end))
        if not turns.recv():
            raise KeyboardInterrupt
        start = clock()

    turns.recv()
    start = clock()
    config = TrainConfig(batch_size=BATCH, scheme="constant", rate=0.01, precision=precision)
    try:
        train(ResNet18(), data, config, on_step=step_done)
    except KeyboardInterrupt:
        return


CONTESTANTS = {
    "plain": (plain, ()),
    "plain, channels_last": (plain, (True,)),
    "ours": (ours, ()),
    "ours, bfloat16": (ours, ("bfloat16",)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data")
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    pipes, processes = {}, []
    for name, (function, extra) in CONTESTANTS.items():
        pipes[name], theirs = context.Pipe()
        process = context.Process(target=function, args=(options.data, theirs, *extra))
        process.start()
        processes.append(process)
    times: dict[str, list[tuple[Clock, Clock, Clock]]] = {name: [] for name in CONTESTANTS}
    for repeat in range(options.repeats + 2):  # two to warm up
        for name, pipe in pipes.items():
            pipe.send(True)
            turn = pipe.recv()
            if repeat >= 2:
                times[name].append(turn)
    for pipe in pipes.values():
        pipe.send(False)
    for process in processes:
        process.join()
    results = {"n": options.repeats, "batch": BATCH, "threads": torch.get_num_threads()}
    for name, turns in times.items():
        wall = [end[0] - start[0] for start, _, end in turns]
        processor = [end[1] - start[1] for start, _, end in turns]
        data = [ready[1] - start[1] for start, ready, _ in turns]
        results[name] = {
            "median_s": statistics.median(wall),
            "median_cpu_s": statistics.median(processor),
            "median_data_cpu_s": statistics.median(data),
            "data_share": statistics.median(data) / statistics.median(processor),
            "wall_s": wall,
            "cpu_s": processor,
        }
    for name in CONTESTANTS:
        if name != "plain":
            for clock_name in ("median_s", "median_cpu_s"):
                results[name][f"speedup_{clock_name}"] = (
                    results["plain"][clock_name] / results[name][clock_name]
                )
    record("images-training-step", results)
    for name in CONTESTANTS:
        facts = {k: round(v, 3) for k, v in results[name].items() if isinstance(v, float)}
        print(name, facts)


if __name__ == "__main__":
    main()
