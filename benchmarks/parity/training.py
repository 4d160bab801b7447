"""Iterations x replicas per second: the compiled step against the starter's loop, in one run.

Run: python -m benchmarks.parity.training   (three minutes on two cores)
"""

import os
import statistics
import time
from dataclasses import replace

import torch
from benchmarks.record import alternate, record

from pitfalls.parity import LearningConfig, ParityTask, train, train_ensemble

REPLICAS = 32


def starter_loop(task: ParityTask, n_iterations: int) -> None:
    """Train as the homework's starter does, written plainly."""
    d = task.n_features
    network = torch.nn.Sequential(
        torch.nn.Linear(d, 10 * d), torch.nn.ReLU(), torch.nn.Linear(10 * d, 1)
    )
    optimizer = torch.optim.SGD(network.parameters(), lr=0.001, momentum=0.9)
    mask = task.mask_tensor()
    for _ in range(n_iterations):
        x = torch.randint(0, 2, (100, d)).float()
        y = 1 - 2 * ((x @ mask) % 2)
        optimizer.zero_grad()
        loss = torch.clamp(1 - network(x).squeeze(1) * y, min=0).mean()
        loss.backward()
        optimizer.step()


def main() -> None:
    cases = []
    for d in (5, 10, 30):
        task = ParityTask.random(d, 0, weight=d // 2)
        # the middle of training, where most samples still have a slope: no easy start, no easy end
        one, plain, each = 20_000, 500, 5_000
        single = LearningConfig(n_iterations=one)
        many = replace(single, n_iterations=each)
        tasks = [task] * REPLICAS

        def starter(threads: int, task: ParityTask = task, n: int = plain) -> None:
            torch.set_num_threads(threads)
            starter_loop(task, n)
            torch.set_num_threads(1)

        times = alternate(
            {
                "starter_1_thread": lambda starter=starter: starter(1),
                "starter_all_threads": lambda starter=starter: starter(os.cpu_count() or 1),
                "train": lambda task=task, single=single: train(task, single),
                "train_ensemble": lambda tasks=tasks, many=many: train_ensemble(tasks, many),
            },
            repeats=5,
        )
        per_second = {
            "starter_1_thread": plain / times["starter_1_thread"]["median_s"],
            "starter_all_threads": plain / times["starter_all_threads"]["median_s"],
            "train": one / times["train"]["median_s"],
            "train_ensemble": REPLICAS * each / times["train_ensemble"]["median_s"],
        }
        # on a busy machine the processor's own seconds are what can be compared
        work = {"starter_1_thread": plain, "train": one, "train_ensemble": REPLICAS * each}
        per_cpu_second = {name: n / times[name]["median_cpu_s"] for name, n in work.items()}
        best = max(per_second["starter_1_thread"], per_second["starter_all_threads"])
        case = {
            "d": d,
            "iterations_per_second": per_second,
            "iterations_per_cpu_second": per_cpu_second,
            "train_over_starter": per_second["train"] / best,
            "ensemble_of_32_over_starter": per_second["train_ensemble"] / best,
            "times": times,
        }
        print({name: case[name] for name in case if name != "times"}, flush=True)
        cases.append(case)

    whole = []
    for seed in range(5):
        start, start_cpu = time.perf_counter(), time.process_time()
        # a dense mask at d = 30: nothing is learned, so no sample falls silent
        tasks = [ParityTask.random(d, seed, weight=d // 2) for d in (5, 10, 30)]
        train_ensemble(tasks, LearningConfig(seed=seed))
        whole.append((time.perf_counter() - start, time.process_time() - start_cpu))
    part_b = {
        "what": "three runs of 5e4 iterations, d = 5, 10, 30, evaluation included",
        "n": len(whole),
        "median_s": statistics.median(wall for wall, _ in whole),
        "median_cpu_s": statistics.median(cpu for _, cpu in whole),
        "wall_s": [wall for wall, _ in whole],
    }
    print(part_b)
    record("parity_training", {"cases": cases, "part_b": part_b})


if __name__ == "__main__":
    main()
