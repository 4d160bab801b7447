import hashlib
import os

import numpy as np
import pytest
import torch

from pitfalls.errors import InputError
from pitfalls.runs.checkpoint import read_latest, write_checkpoint
from pitfalls.runs.log import Log

EMPTY = (0, hashlib.sha256(b"").hexdigest())


def test_numpy_arrays_come_back_bit_for_bit(tmp_path):
    tensors = {
        "matrix": np.random.default_rng(0).standard_normal((3, 4)).T,
        "scalar": np.array(2.5),
        "state": np.array([2**64 - 1, 7], dtype=np.uint64),
    }
    write_checkpoint(tmp_path, 5, tensors, {"seen": [1, 2]}, EMPTY)
    found, complaints = read_latest(tmp_path, tmp_path / "metrics.jsonl")
    assert complaints == []
    assert found is not None
    assert (found.step, found.meta, found.log_bytes) == (5, {"seen": [1, 2]}, 0)
    for name, value in tensors.items():
        assert found.tensors[name].dtype == value.dtype
        np.testing.assert_array_equal(found.tensors[name], value)


def test_tensors_that_share_memory_and_half_precision_come_back(tmp_path):
    base = torch.arange(6.0).reshape(2, 3)
    tensors = {"a": base, "b": base.T, "c": base.bfloat16(), "n": torch.tensor(3)}
    write_checkpoint(tmp_path, 0, tensors, {}, EMPTY)
    found, _ = read_latest(tmp_path, tmp_path / "metrics.jsonl")
    assert found is not None
    for name, value in tensors.items():
        assert found.tensors[name].dtype == value.dtype
        assert torch.equal(found.tensors[name], value)


def test_only_the_last_two_are_kept(tmp_path):
    for step in (1, 2, 3, 10):
        write_checkpoint(tmp_path, step, {"x": np.ones(1)}, {}, EMPTY)
    assert sorted(p.stem for p in tmp_path.glob("*.json")) == [
        "step-000000000003",
        "step-000000000010",
    ]
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize("again", ["write", "read"])
def test_tensors_that_a_broken_deletion_left_are_dropped_by_the_next_holder(
    tmp_path, monkeypatch, again
):
    def refuse(path, missing_ok=False):
        if path.suffix == ".safetensors":
            raise OSError(5, "Input/output error")
        os.unlink(path)

    for step in (1, 2):
        write_checkpoint(tmp_path, step, {"x": np.ones(1)}, {}, EMPTY)
    with monkeypatch.context() as broken, pytest.raises(OSError, match="Input/output"):
        broken.setattr("pathlib.Path.unlink", refuse)
        write_checkpoint(tmp_path, 3, {"x": np.ones(1)}, {}, EMPTY)
    (tmp_path / "step-000000000009.safetensors").write_bytes(b"killed before its description")
    if again == "write":
        write_checkpoint(tmp_path, 4, {"x": np.ones(1)}, {}, EMPTY)
    found, _ = read_latest(tmp_path, tmp_path / "metrics.jsonl")
    assert found is not None
    assert found.step == (4 if again == "write" else 3)
    kept = (3, 4) if again == "write" else (2, 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"step-{step:012d}.{suffix}" for step in kept for suffix in ("json", "safetensors")
    ]


@pytest.mark.parametrize("damage", ["flip", "cut", "no json", "bad json"])
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(tmp_path, damage):
    for step in (1, 2):
        write_checkpoint(tmp_path, step, {"x": np.full(3, step)}, {}, EMPTY)
    data = tmp_path / "step-000000000002.safetensors"
    description = data.with_suffix(".json")
    if damage == "flip":
        data.write_bytes(data.read_bytes()[:-1] + b"\x7f")
    elif damage == "cut":
        data.write_bytes(data.read_bytes()[:-4])
    elif damage == "no json":
        description.unlink()
    else:
        description.write_text("{")
    found, complaints = read_latest(tmp_path, tmp_path / "metrics.jsonl")
    assert found is not None
    assert found.step == 1
    assert len(complaints) == (0 if damage == "no json" else 1)


def test_nothing_saved_is_none(tmp_path):
    assert read_latest(tmp_path, tmp_path / "metrics.jsonl") == (None, [])


def test_a_negative_step_is_refused(tmp_path):
    with pytest.raises(InputError, match="at least 0, got -1"):
        write_checkpoint(tmp_path, -1, {}, {}, EMPTY)


@pytest.mark.parametrize("whole", [b"", b'{"step": 1}\n'])
def test_a_part_of_a_line_that_a_killed_process_left_is_cut_off(tmp_path, whole):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(whole + b'{"st')
    log = Log(path)
    assert path.read_bytes() == whole
    assert log.size == len(whole)
    log.append({"step": 2})
    log.close()
    assert path.read_bytes() == whole + b'{"step": 2}\n'
