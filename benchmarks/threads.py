"""Training steps by threads and by how idle threads wait, beside busy processes and alone.

    python -m benchmarks.threads --busy 4 [--seconds 3] [--rounds 3]

Each way to compute is a process of its own, since OpenMP reads its settings once; the ways take turns.
What counts is the ratio of medians to the first way, one thread.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from typing import Any

import torch
from benchmarks.record import record
from torch import nn

from pitfalls.experiments.image_networks import NetworkConfig, empty_network
from pitfalls.images.training.threads import threads_for

WORK: dict[str, tuple[NetworkConfig, tuple[int, int, int], int]] = {
    "mlp, digits": (NetworkConfig("mlp"), (1, 8, 8), 20),
    "fastnet, 8 wide, digits": (NetworkConfig("fastnet", (8, 8, 8)), (1, 8, 8), 20),
    "fastnet, 64 wide, digits": (NetworkConfig("fastnet", (64, 64, 64)), (1, 8, 8), 128),
    "resnet18, 12 px": (NetworkConfig("resnet18"), (3, 12, 12), 32),
    "fastnet, 64 wide, 32 px": (NetworkConfig("fastnet", (64, 64, 64)), (3, 32, 32), 128),
}
WAYS = {
    "1 thread": {"OMP_NUM_THREADS": "1"},
    "all threads, spinning": {},
    "all threads, asleep": {"OMP_WAIT_POLICY": "PASSIVE"},
}

# as long as the benchmark is there, however it ends
BUSY = "import os, sys\nwhile os.getppid() == int(sys.argv[1]): pass"


def steps(name: str, seconds: float) -> dict[str, Any]:
    """Take steps for so long and return the seconds of each."""
    torch.manual_seed(0)
    config, shape, batch = WORK[name]
    network = empty_network(config, 10, shape).to(memory_format=torch.channels_last)
    x = torch.randn(batch, *shape).contiguous(memory_format=torch.channels_last)
    y = torch.randint(10, (batch,))
    optimizer = torch.optim.SGD(network.parameters(), 0.01)
    wall: list[float] = []
    began = used = 0.0
    while len(wall) < 5 or time.perf_counter() - began < seconds:
        if len(wall) == 2:  # two to warm up
            began, used = time.perf_counter(), time.process_time()
        start = time.perf_counter()
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(x), y).backward()
        optimizer.step()
        wall.append(time.perf_counter() - start)
    cpu = (time.process_time() - used) / (len(wall) - 2)
    chosen = threads_for(network, shape, batch, len(os.sched_getaffinity(0)))
    return {"wall_s": wall[2:], "cpu_s": cpu, "chosen": chosen}


def measured(name: str, way: str, seconds: float) -> dict[str, Any]:
    """Take steps in a process of its own."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("OMP_")}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.threads", "--one", name, "--seconds", str(seconds)],
        env={**inherited, **WAYS[way]},
        stdout=subprocess.PIPE,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--busy", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", help="take steps of this work in this very process")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(steps(options.one, options.seconds)))
        return
    rows = []
    with ExitStack() as stack:
        for _ in range(options.busy):
            busy = subprocess.Popen([sys.executable, "-c", BUSY, str(os.getpid())])
            stack.callback(busy.kill)
        for name in WORK:
            found: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
            for _ in range(options.rounds):
                for way in WAYS:
                    found[way].append(measured(name, way, options.seconds))
            medians = {
                way: statistics.median(t for one in found[way] for t in one["wall_s"])
                for way in WAYS
            }
            first = next(iter(WAYS))
            rows.append(
                {
                    "work": name,
                    "chosen": found[first][0]["chosen"],
                    "median_s": medians,
                    "cpu_s": {w: statistics.median(o["cpu_s"] for o in found[w]) for w in WAYS},
                    "n": {way: sum(len(o["wall_s"]) for o in found[way]) for way in WAYS},
                    "times_one_thread": {way: medians[way] / medians[first] for way in WAYS},
                }
            )
            print(json.dumps(rows[-1]), flush=True)
    record(f"threads-beside-{options.busy}", {"cores": os.cpu_count(), "rows": rows})


if __name__ == "__main__":
    main()
