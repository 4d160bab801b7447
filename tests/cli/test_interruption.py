"""kill -9 during a command, and the same command again: the numbers equal an undisturbed run's."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from pitfalls.cli import main
from pitfalls.runs import RunStore
from tests import forked

COMMANDS = {
    "parity train": "parity train -d 8 --n-iterations 300000",
    "parity sweep": "parity sweep -d 4 5 --weights 2 4 --n-seeds 2 --n-iterations 3000",
    "linear descend": "linear descend --steps 2000",
    "images compare": "images compare --data digits --subset-train 300 --subset-val 100 --checkpoint-every 1",
    "images embed": "images embed --data digits",
    "verify": "verify 2a-if 2b-convex 3c-iii",
}


def words(line, folder):
    return [*line.split(), "--runs", str(folder), "--threads", "1"]


def start(line, folder, **kept):
    return subprocess.Popen(
        [sys.executable, "-m", "pitfalls", *words(line, folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        **kept,
    )


def finish(line, folder):
    """Run the command to its end, in this process: to start another takes longer than most of them."""
    assert main(words(line, folder)) == 0


def starts(folder):
    """Count, by manifest, how often a run was begun or gone on with."""
    return {
        path: len(json.loads(path.read_text())["starts"])
        for path in folder.glob("*/*/manifest.json")
    }


def command(line, folder):
    """Be the command, in the process that is to be killed."""
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    return main(words(line, folder))


def kill_once_it_works(line, folder, delay):
    """Kill the command ``delay`` seconds after it has begun or gone on; False if its run ended before."""
    before = starts(folder)
    process = forked.start(command, line, folder)
    while process.exitcode is None and starts(folder) == before:
        time.sleep(0.01)
    time.sleep(delay)
    ended = process.exitcode is not None
    process.kill()
    process.join()
    # what comes after the run, its figures, may still have been drawn
    return not ended and not all(run.complete for run in RunStore(folder).list())


@pytest.mark.parametrize("line", COMMANDS.values(), ids=COMMANDS.keys())
def test_a_killed_command_ends_with_the_numbers_of_an_undisturbed_one(line, tmp_path):
    finish(line, tmp_path / "calm")
    calm = RunStore(tmp_path / "calm").list()
    length = max(run.manifest.seconds for run in calm)
    rng = np.random.default_rng(len(line))
    first, second = rng.uniform(0, 0.8 * length, 2)
    while not kill_once_it_works(line, tmp_path / "killed", first):
        shutil.rmtree(tmp_path / "killed")  # on a machine less busy than before it has ended
        first /= 2
    kill_once_it_works(line, tmp_path / "killed", second)
    finish(line, tmp_path / "killed")
    killed = RunStore(tmp_path / "killed").list()
    assert [run.id for run in killed] == [run.id for run in calm]
    for one, other in zip(calm, killed, strict=True):
        assert other.complete
        assert len(other.manifest.starts) > 1
        assert one.metrics() == other.metrics()
        kept = sorted(path.name for path in (one.path / "results").glob("*"))
        assert kept == sorted(path.name for path in (other.path / "results").glob("*"))
        for name in kept:  # typed results, arrays and all, byte for byte
            ours, theirs = (run.path / "results" / name for run in (one, other))
            assert ours.read_bytes() == theirs.read_bytes(), name
        names = sorted(path.stem for path in (one.path / "arrays").glob("*.npz"))
        assert names == sorted(path.stem for path in (other.path / "arrays").glob("*.npz"))
        for name in names:
            held, due = one.arrays(name), other.arrays(name)
            assert held.keys() == due.keys()
            for key, value in held.items():
                np.testing.assert_array_equal(value, due[key])


@pytest.mark.skipif(not os.path.isdir("/dev/shm"), reason="needs /dev/shm")
@pytest.mark.parametrize("whom", ["the command", "everybody in the terminal"])
def test_a_terminal_that_closes_leaves_nothing_in_shared_memory(whom, tmp_path):
    line = "parity sweep -d 5 6 --weights 2 4 --n-seeds 2 --n-iterations 200000 --n-jobs 2"
    # semaphores and folders of shared arrays have the name of the process that made them
    process = start(line, tmp_path, start_new_session=True)
    mine = re.compile(rf"\D{process.pid}\D")

    def left():
        return [name for name in os.listdir("/dev/shm") if mine.search(name + " ")]

    while process.poll() is None and not left():
        time.sleep(0.01)
    assert left(), "the processes share memory while they work"
    time.sleep(1)
    (os.kill if whom == "the command" else os.killpg)(process.pid, signal.SIGHUP)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 130, output
    assert "interrupted. Go on with: pitfalls parity sweep" in output
    give_up = time.monotonic() + 60
    while left() and time.monotonic() < give_up:
        time.sleep(0.05)
    assert left() == []
