import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "examples/cs189/pitfalls.py"


def run(*arguments):
    # the script is called pitfalls.py like the package: run it as a person would, by its path
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def test_part_a_proves_the_correction_and_finds_the_misprint():
    done = run("--part", "a", "--inputs", "500")
    assert done.returncode == 0, done.stderr
    printed_all_ones, corrected_all_ones = (
        line for line in done.stdout.splitlines() if "|v*|=10 " in line
    )
    assert "printed" in printed_all_ones
    assert "wrong at x = " in printed_all_ones
    assert "corrected" in corrected_all_ones
    assert "exact on every input" in corrected_all_ones


def test_part_b_learns_five_dimensions():
    done = run("--part", "b", "--d", "5", "--iterations", "10000")
    assert done.returncode == 0, done.stderr
    assert "accuracy 1.0000 (exact)" in done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("--part a --inputs -1", "--inputs: must be at least 1. Got -1."),
        ("--part a --inputs 0", "--inputs: must be at least 1. Got 0."),
        ("--part b --d 5 0", "n_features must be at least 1. Got 0"),
        ("--iterations 0", "n_iterations must be at least 1. Got 0"),
        ("--seed -1", "seed must not be negative. Got -1"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2_before_any_output(line, says):
    done = run(*line.split())
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("pitfalls.py: error: ")
    assert done.stderr.count("\n") == 1
    assert says in done.stderr
