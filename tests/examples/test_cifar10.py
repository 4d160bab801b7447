import subprocess
import sys
from pathlib import Path

import pytest
import torch

SCRIPT = Path(__file__).resolve().parents[2] / "examples/cs189/cifar10.py"


def start(folder, *arguments):
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )


def run(folder, *arguments):
    done = start(folder, *arguments)
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


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("--data-dir typo/cifar", "typo/cifar does not exist"),
        ("--data-dir bad.npz", "bad.npz cannot be read as .npz"),
        ("--data-dir digits --subset-train 0", "subset_train must be at least 1, got 0"),
        ("--data-dir digits --seed -1", "seed must not be negative, got -1"),
        ("--data-dir digits --train --epochs 0", "--epochs: must be at least 1. Got 0."),
        ("--data-dir digits --train --batch-size 0", "--batch-size: must be at least 1. Got 0."),
        pytest.param(
            "--data-dir typo/cifar --gpu",
            "--gpu: torch finds no CUDA device here",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device"),
        ),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2_before_any_output(tmp_path, line, says):
    (tmp_path / "bad.npz").write_text("no zip")
    done = start(tmp_path, *line.split())
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("cifar10.py: error: ")
    assert done.stderr.count("\n") == 1
    assert says in done.stderr


def test_the_folder_named_data_is_read_when_no_other_is_named(tmp_path):
    (tmp_path / "data").mkdir()
    done = start(tmp_path, "--print-nn")
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("cifar10.py: error: data")


@pytest.mark.cifar10
def test_a_subset_of_cifar10_trains(cifar10_path, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "cifar-10-batches-py").symlink_to(cifar10_path)
    out = run(tmp_path, "--train", "--subset-train", "32", "--subset-val", "16")
    assert "CIFAR-10: 32 train, 16 test" in out
    assert "least squares" not in out
