"""The script for a GPU: each of its parts at toy size on the processor, what is done is not done again."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu.sh"
PARTS = ("resume", "walsh", "signal-30", "recipes", "resnet18", "signal-36")


def ran(*arguments):
    environment = {k: v for k, v in os.environ.items() if k != "PITFALLS_DATA"}
    return subprocess.run(
        [str(SCRIPT), *map(str, arguments)],
        env={**environment, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
    )


def test_every_part_runs_at_toy_size_and_one_that_fails_is_named_and_made_up_for(tmp_path):
    (tmp_path / "gpu-walsh.json").mkdir()  # its result cannot be written
    first = ran("--dry-run", tmp_path)
    assert first.returncode == 1, first.stdout + first.stderr
    assert "walsh: FAILED" in first.stdout
    assert "not done: walsh;" in first.stdout
    assert not (tmp_path / "walsh.done").exists()
    for part in set(PARTS) - {"walsh"}:
        assert f"{part}: done in" in first.stdout
    assert json.loads((tmp_path / "gpu-resume.json").read_text())["results"]["same_bits"] is True
    signals = [json.loads((tmp_path / f"gpu-signal-{d}.json").read_text()) for d in (30, 36)]
    assert all(found["results"]["mean_square"] > 0 for found in signals)
    rows = (tmp_path / "record-recipe-cpu.jsonl").read_text().splitlines()
    assert [json.loads(row)["recipe"] for row in rows] == ["record"]

    (tmp_path / "gpu-walsh.json").rmdir()
    again = ran("--dry-run", tmp_path)
    assert again.returncode == 0, again.stdout + again.stderr
    assert again.stdout.count("done before") == len(PARTS) - 1
    assert "walsh: done in" in again.stdout

    real = ran(tmp_path)
    assert real.returncode == 2
    assert "holds parts of toy size" in real.stderr


def test_what_is_missing_is_said_before_anything_runs(tmp_path):
    assert "usage" in ran().stderr
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    found = ran(tmp_path)
    assert found.returncode == 2
    assert "no CUDA device" in found.stderr
    assert list(tmp_path.iterdir()) == []
