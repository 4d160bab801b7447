"""What a network changes about itself from epoch to epoch."""

import dataclasses
from typing import Any

import pytest
import torch
from torch import nn

from pitfalls.errors import InputError
from pitfalls.images.training.config import TrainConfig
from pitfalls.images.training.loop import train
from pitfalls.images.training.records import TrainState
from tests.images.training.test_loop import dataset, network, weights

THREE = TrainConfig(epochs=3, batch_size=8, scheme="constant", rate=0.1, checkpoint_every=1)


class Phased(nn.Sequential):
    """Its convolution learns in the first epoch alone, its head from the second on."""

    def __init__(self):
        torch.manual_seed(0)
        pool = nn.AdaptiveAvgPool2d(2)
        super().__init__(nn.Conv2d(3, 5, 3), nn.ReLU(), pool, nn.Flatten(), nn.Linear(20, 4))
        self.told: list[int] = []

    def set_epoch(self, epoch):
        self.told.append(epoch)
        for p in self[0].parameters():
            p.requires_grad_(epoch == 0)
        for p in self[4].parameters():
            p.requires_grad_(epoch > 0)


def moved_by_epoch(model, config):
    """Name, epoch by epoch, the weights that moved."""
    before, moved = weights(model), []
    states: list[TrainState] = []
    train(model, dataset(n=28), config, on_checkpoint=states.append)
    for state in states[3::4]:
        after = {k.removeprefix("model/"): v for k, v in state.tensors.items() if "model/" in k}
        moved.append({k for k in after if not torch.equal(after[k], before[k])})
        before = after
    return moved


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_what_is_frozen_in_an_epoch_stays_and_what_is_thawed_later_learns(optimizer):
    config = dataclasses.replace(
        THREE, optimizer=optimizer, momentum=0.9, weight_decay=0.1, rate=0.01
    )
    first, second = {"0.weight", "0.bias"}, {"4.weight", "4.bias"}
    assert moved_by_epoch(Phased(), config) == [first, second, second]


def test_a_model_is_told_each_epoch_before_its_first_step_also_where_it_goes_on():
    model = Phased()
    states: list[TrainState] = []
    train(model, dataset(n=28), THREE, on_checkpoint=states.append)
    assert model.told[-3:] == [0, 1, 2]
    again = Phased()
    train(again, dataset(n=28), THREE, state=states[5])  # two steps into the second epoch
    assert again.told[-2:] == [1, 2]


def test_a_compiled_model_is_told_as_well():
    model = Phased()
    compiled: Any = torch.compile(model, backend="eager")
    train(compiled, dataset(n=28), THREE)
    assert model.told[-3:] == [0, 1, 2]


def test_a_model_that_cannot_be_told_is_refused_in_one_line():
    class Deaf(Phased):
        def set_epoch(self):  # type: ignore[override]
            pass

    with pytest.raises(InputError, match=r"set_epoch must take the epoch, from 0. set_epoch\(0\)"):
        train(Deaf(), dataset(n=28), THREE)


@pytest.mark.parametrize(("epochs", "expected"), [(2, [True, True, False]), (None, [True] * 3)])
def test_the_fast_networks_first_bias_learns_as_long_as_it_is_told(epochs, expected):
    model = network(bias_epochs=epochs)
    for _ in range(2):  # a second training begins as the first
        moved = moved_by_epoch(model, THREE)
        assert [("whitening.bias" in names) for names in moved] == expected
    assert model.whitening.bias.requires_grad == expected[-1]
