import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "examples/cs189/cifar10.py"


def run(folder, *arguments):
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_part_runs_on_the_digits(tmp_path):
    out = run(tmp_path, "--data-dir", "digits", "--subset-train", "200", "--subset-val", "50")
    assert (tmp_path / "embeddings.png").stat().st_size > 10_000
    assert "least squares, test accuracy" in out
    assert "Total params: 5,204,810" in out  # one channel: 1,152 weights less than in colour
    rows = [line.split() for line in out.splitlines()[-3:]]
    assert [row[0] for row in rows] == ["constant", "annealed", "special"]
    assert all(0 <= float(row[1]) <= 100 and row[3] == "1" for row in rows)


@pytest.mark.cifar10
def test_a_subset_of_cifar10_trains(cifar10_path, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "cifar-10-batches-py").symlink_to(cifar10_path)
    out = run(tmp_path, "--train", "--subset-train", "32", "--subset-val", "16")
    assert "CIFAR-10: 32 train, 16 test" in out
    assert "least squares" not in out
