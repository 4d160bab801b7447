"""Seeding as torch's own function does, and no more than that."""

import random
import traceback

import numpy as np
import pytest
import torch

from pitfalls.generators import seed_generators, seed_torch


@pytest.mark.parametrize("seed", [0, 7, 2**63 - 1, -3])
def test_torch_draws_what_it_draws_after_its_own_seeding(seed: int) -> None:
    torch.manual_seed(seed)
    due = torch.randn(5)
    seed_torch(seed)
    assert torch.equal(torch.randn(5), due)


def test_no_stack_is_written_down_for_devices_that_are_not_in_use(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> list[str]:
        raise AssertionError("a stack was written down")

    monkeypatch.setattr(traceback, "format_stack", refuse)
    seed_torch(3)


@pytest.mark.parametrize("device", ["cuda", "xpu"])
def test_a_device_in_use_is_seeded(monkeypatch: pytest.MonkeyPatch, device: str) -> None:
    seeded: list[int] = []
    module = getattr(torch, device)
    monkeypatch.setattr(module, "is_initialized", lambda: True)
    monkeypatch.setattr(module, "manual_seed_all", seeded.append)
    seed_torch(11)
    assert seeded == [11]


def test_apples_gpu_is_seeded(monkeypatch: pytest.MonkeyPatch) -> None:
    seeded: list[int] = []
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.mps, "manual_seed", seeded.append)
    seed_torch(11)
    assert seeded == [11]


def test_all_generators_start_anew() -> None:
    drawn = []
    for _ in range(2):
        seed_generators(2**40 + 5)
        drawn.append((torch.rand(1).item(), np.random.rand(), random.random()))  # noqa: NPY002
    assert drawn[0] == drawn[1]
