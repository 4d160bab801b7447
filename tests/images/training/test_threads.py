"""A training takes as many threads as its work keeps busy."""

import pytest
import torch
from torch import nn

from pitfalls.images.networks import ResNet18
from pitfalls.images.training.threads import WORK_A_THREAD, threads_for
from pitfalls.torch_threads import on_threads


def convolution(channels):
    return nn.Sequential(nn.Conv2d(3, channels, 3, padding=1, bias=False))


@pytest.mark.parametrize("threads", [1, 2, 5, 8, 40])
def test_threads_grow_with_the_counted_work(threads):
    # one multiplication and one addition a weight and a pixel
    a_picture = 2 * 3 * 9 * 64 * 16 * 16
    batch = round(threads * WORK_A_THREAD / a_picture) + 1
    network = convolution(64)
    assert threads_for(network, (3, 16, 16), batch, 1000) == threads
    assert threads_for(network, (3, 16, 16), batch, 3) == min(threads, 3)


def test_a_small_network_on_small_pictures_takes_one():
    assert threads_for(nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), (1, 8, 8), 128, 16) == 1
    assert threads_for(ResNet18(), (3, 32, 32), 128, 16) == 16


class Dropping(nn.Module):
    """Batch normalisation, dropout and noise: all that a look at a network could disturb."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(), nn.Flatten(), nn.LazyLinear(2)
        )
        self.layers(torch.zeros(2, 3, 6, 6))
        self.layers[1].eval()

    def forward(self, x):
        return self.layers(x + 0.1 * torch.randn_like(x))


def test_counting_changes_nothing():
    network = Dropping().double()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    modes = [module.training for module in network.modules()]
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    assert threads_for(network, (3, 6, 6), 10, 4) == 1
    assert torch.equal(torch.rand(4), expected)
    assert [module.training for module in network.modules()] == modes
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])


class Refusing(nn.Module):
    def forward(self, x):
        raise RuntimeError("not this one")


def test_where_nothing_can_be_counted_all_threads_are_taken():
    assert threads_for(Refusing(), (3, 8, 8), 10, 6) == 6
    assert threads_for(nn.Flatten(), (3, 8, 8), 10, 6) == 6


def test_threads_hold_inside_the_block_only():
    before = torch.get_num_threads()
    with pytest.raises(KeyError), on_threads(before + 1):
        assert torch.get_num_threads() == before + 1
        raise KeyError
    assert torch.get_num_threads() == before
