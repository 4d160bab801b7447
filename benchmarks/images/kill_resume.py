"""Kill a training with SIGKILL at random moments, start it again, compare the bits at the end.

python benchmarks/images/kill_resume.py [--kills 50]
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from benchmarks.record import record
from safetensors.torch import load_file
from tests.experiments import killed_training

ROOT = Path(__file__).parents[2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    generator = random.Random(options.seed)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    kills = trainings = differing = 0
    moments: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        # In a process like those that are killed: another number of threads gives other bits.
        calm_command = [sys.executable, killed_training.__file__, f"{folder}/calm"]
        subprocess.run(calm_command, env=environment, check=True)
        calm = killed_training.run(f"{folder}/calm").run
        while kills < options.kills:
            root = Path(folder) / f"killed-{trainings}"
            trainings += 1
            while True:
                command = [sys.executable, killed_training.__file__, str(root)]
                process = subprocess.Popen(command, env=environment)
                if kills < options.kills:
                    before = log_size(root)
                    # Some die while starting, most in the middle of their steps.
                    while log_size(root) == before and process.poll() is None:
                        time.sleep(0.001)
                    time.sleep(generator.random() * 0.15)
                    process.send_signal(signal.SIGKILL)
                if process.wait() == 0:
                    break
                kills += 1
                where = (
                    f"after {len(log_lines(root))} of {len(log_lines(calm.path.parents[1]))} lines"
                )
                moments[where] = moments.get(where, 0) + 1
            ended = killed_training.run(str(root)).run
            differing += not same(calm, ended)
            print(f"{kills} kills, {trainings} trainings, {differing} differ", flush=True)
    record(
        "images-kill-resume",
        {
            "kills": kills,
            "trainings": trainings,
            "trainings_that_differ": differing,
            "compared": "final weights bit for bit, metrics.jsonl byte for byte",
            "killed_at": moments,
            "threads": int(environment["OMP_NUM_THREADS"]),
        },
    )


def log_lines(root: Path) -> list[bytes]:
    logs = list(root.glob("*/*/metrics.jsonl"))
    return logs[0].read_bytes().splitlines() if logs else []


def log_size(root: Path) -> int:
    logs = list(root.glob("*/*/metrics.jsonl"))
    return logs[0].stat().st_size if logs else 0


def same(one, other) -> bool:
    if (one.path / "metrics.jsonl").read_bytes() != (other.path / "metrics.jsonl").read_bytes():
        return False
    for k in range(3):
        first, second = (load_file(r.path / f"weights-{k}.safetensors") for r in (one, other))
        if any(not torch.equal(first[name], second[name]) for name in first):
            return False
    return True


if __name__ == "__main__":
    main()
