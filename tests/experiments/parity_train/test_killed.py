import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.experiments import killed_parity
from tests.experiments.interruption import assert_equal

ROOT = Path(__file__).parents[3]


def test_a_training_killed_at_any_moment_ends_with_the_undisturbed_bits(tmp_path):
    undisturbed = killed_parity.run(str(tmp_path / "undisturbed"))
    root = tmp_path / "killed"
    command = [sys.executable, "-m", "tests.experiments.killed_parity", str(root)]
    kills = 0
    for checkpoint in (1, 3):
        process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"})
        while process.poll() is None:
            steps = [int(p.stem.split("-")[-1]) for p in root.rglob("*.safetensors")]
            if max(steps, default=0) >= 500 * checkpoint:
                process.send_signal(signal.SIGKILL)
                kills += 1
                break
            time.sleep(0.002)
        process.wait()
    assert kills
    finished = killed_parity.run(str(root))
    assert (finished.run.path / "metrics.jsonl").read_bytes() == (
        undisturbed.run.path / "metrics.jsonl"
    ).read_bytes()
    assert_equal(undisturbed.result, finished.result)
