"""What a network changes about itself from epoch to epoch."""

import dataclasses

import pytest
import torch
from torch import nn

from pitfalls.errors import InputError
from pitfalls.images.training.config import TrainConfig
from pitfalls.images.training.loop import train
from pitfalls.images.training.records import TrainState
from tests.images.training.test_loop import assert_equal, dataset, network, weights
from tests.kinds import of_kind

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


class HeadFirst(Phased):
    """Its head learns throughout, its convolution from the second epoch on."""

    def set_epoch(self, epoch):
        self[0].requires_grad_(epoch > 0)


def test_what_is_thawed_beside_what_has_learned_begins_its_momentum():
    both = {"0.weight", "0.bias", "4.weight", "4.bias"}
    assert moved_by_epoch(HeadFirst(), THREE) == [{"4.weight", "4.bias"}, both, both]
    fused, plain_sgd = HeadFirst(), HeadFirst()
    train(fused, dataset(n=28), THREE)
    train(
        plain_sgd, dataset(n=28), THREE,
        optimizer=lambda p: torch.optim.SGD(p, lr=1.0, momentum=0.9, foreach=False),
    )  # fmt: skip
    for name, value in plain_sgd.state_dict().items():
        torch.testing.assert_close(fused.state_dict()[name], value)


def test_a_model_is_told_each_epoch_before_its_first_step_also_where_it_goes_on():
    model = Phased()
    states: list[TrainState] = []
    train(model, dataset(n=28), THREE, on_checkpoint=states.append)
    assert model.told == [0, 1, 2]
    again = Phased()
    train(again, dataset(n=28), THREE, state=states[5])  # two steps into the second epoch
    assert again.told == [0, 1, 2]


def test_a_compiled_model_is_told_as_well():
    model = Phased()
    train(of_kind(nn.Module, torch.compile(model, backend="eager")), dataset(n=28), THREE)
    assert model.told == [0, 1, 2]


def test_a_model_that_cannot_be_told_is_refused_in_one_line():
    class Deaf(Phased):
        def set_epoch(self):  # type: ignore[override]  # what is refused
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


class Stateful(nn.Sequential):
    """It looks at some epochs alone, and keeps, draws and counts what they bring."""

    def __init__(self):
        torch.manual_seed(0)
        pool = nn.AdaptiveAvgPool2d(2)
        super().__init__(nn.Conv2d(3, 5, 3), nn.ReLU(), pool, nn.Flatten(), nn.Linear(20, 4))
        self.count: torch.Tensor
        self.register_buffer("count", torch.zeros(()))
        self.scale = 1.0
        self.scales: list[float] = []

    def set_epoch(self, epoch):
        self.count += 1
        if epoch == 1:
            self[0].requires_grad_(False)
            self.scale = 0.5
            of_kind(nn.Linear, self[4]).reset_parameters()

    def forward(self, x):
        if self.training:
            self.scales.append(self.scale)
        return super().forward(x * self.scale)


def test_a_model_that_changes_in_some_epochs_is_in_each_as_it_was_told():
    model = Stateful()
    train(model, dataset(n=28), THREE)
    assert model.scales == [1.0] * 4 + [0.5] * 8
    assert float(model.count) == 3


def test_a_model_that_changes_in_some_epochs_resumes_bit_for_bit():
    model = Stateful()
    states: list[TrainState] = []
    train(model, dataset(n=28), THREE, on_checkpoint=states.append)
    for state in states:
        torch.rand(13)  # whatever happened in between
        again = Stateful()
        train(again, dataset(n=28), THREE, state=state)
        assert_equal(weights(model), weights(again))


def test_an_epoch_in_which_nothing_learns_is_refused_in_one_line():
    class Asleep(Phased):
        def set_epoch(self, epoch):
            self.requires_grad_(epoch != 1)

    with pytest.raises(
        InputError, match=r"in epoch 1, from 0, no parameter .* requires a gradient"
    ):
        train(Asleep(), dataset(n=28), THREE)


def test_a_model_that_exchanges_its_parameters_is_refused_in_one_line():
    class Grown(Phased):
        def set_epoch(self, epoch):
            self[4] = nn.Linear(20, 4)

    with pytest.raises(InputError, match=r"set_epoch\(0\) exchanged parameters"):
        train(Grown(), dataset(n=28), THREE)


def test_an_optimizer_of_ones_own_is_shown_what_has_a_gradient():
    class Blunt(torch.optim.Optimizer):
        def __init__(self, parameters):
            super().__init__(parameters, {})

        @torch.no_grad()
        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    p.sub_(group["lr"] * p.grad)

    plain_sgd, blunt = network(), network()
    train(plain_sgd, dataset(n=28), dataclasses.replace(THREE, momentum=0.0))
    train(blunt, dataset(n=28), THREE, optimizer=Blunt)
    for name, value in plain_sgd.state_dict().items():
        torch.testing.assert_close(blunt.state_dict()[name], value)
