"""kill -9 during a command, and the same command again: the numbers equal an undisturbed run's."""

import os
import subprocess
import sys
import time

import numpy as np
import pytest

from pitfalls.runs import RunStore

COMMANDS = {
    "parity train": "parity train -d 8 --n-iterations 300000",
    "parity sweep": "parity sweep -d 4 5 --weights 2 4 --n-seeds 2 --n-iterations 3000",
    "linear descend": "linear descend --steps 2000",
    "images compare": "images compare --data digits --subset-train 300 --subset-val 100 --checkpoint-every 1",
    "images embed": "images embed --data digits",
    "verify": "verify 2a-if 2b-convex 3c-iii",
}


def without_times(value):
    """Leave out clock times, the one thing in which two equal runs may differ."""
    if isinstance(value, dict):
        return {k: without_times(v) for k, v in value.items() if "seconds" not in k}
    if isinstance(value, list):
        return [without_times(item) for item in value]
    return value


def start(line, folder):
    return subprocess.Popen(
        [sys.executable, "-m", "pitfalls", *line.split(), "--runs", str(folder), "--threads", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
    )


def finish(line, folder):
    process = start(line, folder)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output


def kill_once_it_works(line, folder, delay):
    """Kill the command ``delay`` seconds after its run folder exists; False if it ended before."""
    process = start(line, folder)
    while process.poll() is None and not list(folder.glob("*/*/manifest.json")):
        time.sleep(0.01)
    time.sleep(delay)
    ended = process.poll() is not None
    process.kill()
    process.communicate()
    return not ended


@pytest.mark.parametrize("line", COMMANDS.values(), ids=COMMANDS.keys())
def test_a_killed_command_ends_with_the_numbers_of_an_undisturbed_one(line, tmp_path):
    finish(line, tmp_path / "calm")
    calm = RunStore(tmp_path / "calm").list()
    length = max(run.manifest.seconds for run in calm)
    rng = np.random.default_rng(len(line))
    killed_at_work = [
        kill_once_it_works(line, tmp_path / "killed", delay)
        for delay in rng.uniform(0, 0.8 * length, 2)
    ]
    assert any(killed_at_work)
    finish(line, tmp_path / "killed")
    killed = RunStore(tmp_path / "killed").list()
    assert [run.id for run in killed] == [run.id for run in calm]
    for one, other in zip(calm, killed, strict=True):
        assert other.complete
        assert len(other.manifest.starts) > 1
        assert one.metrics() == other.metrics()
        if (one.path / "results.json").exists():
            assert without_times(one.results()) == without_times(other.results())
        kept = sorted(path.name for path in (one.path / "results").glob("*"))
        assert kept == sorted(path.name for path in (other.path / "results").glob("*"))
        for name in kept:  # typed results, arrays and all, byte for byte
            ours, theirs = (run.path / "results" / name for run in (one, other))
            assert ours.read_bytes() == theirs.read_bytes(), name
        names = sorted(path.stem for path in (one.path / "arrays").glob("*.npz"))
        assert names == sorted(path.stem for path in (other.path / "arrays").glob("*.npz"))
        for name in names:
            ours, theirs = one.arrays(name), other.arrays(name)
            assert ours.keys() == theirs.keys()
            for key, value in ours.items():
                np.testing.assert_array_equal(value, theirs[key])
