"""What a network looks at adds up to its answer, and is the planted pixels."""

import sys

import numpy as np
import pytest
import torch
from torch import nn

from pitfalls.errors import InputError
from pitfalls.images import FastNet
from pitfalls.images.networks import normalize
from pitfalls.images.training import attribute
from tests.kinds import of_kind

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.3, 0.25)


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (3, 3, 8, 8), dtype=np.uint8)


def test_a_linear_network_s_maps_are_its_weights_times_the_pixels(images):
    network = nn.Sequential(nn.Flatten(), nn.Linear(192, 4))
    found = attribute(network, images, np.array([0, 3, 1]), MEAN, STD)
    x = normalize(torch.from_numpy(images), MEAN, STD).reshape(3, -1)
    weights = of_kind(nn.Linear, network[1]).weight[[0, 3, 1]]
    expected = (weights * x).reshape(3, 3, 8, 8).sum(1).detach().numpy()
    np.testing.assert_allclose(found.maps, expected, atol=1e-5)
    assert found.gaps.max() < 1e-4


def test_maps_add_up_to_the_answer_s_logit_less_that_of_the_mean_picture(images):
    torch.manual_seed(0)
    network = FastNet(4, 3, (4, 4, 4)).train()
    answers = np.array([0, 1, 2])
    found = attribute(network, images, answers, MEAN, STD, steps=200)
    assert network.training
    network.eval()
    x = normalize(torch.from_numpy(images), MEAN, STD)
    with torch.no_grad():
        difference = (network(x) - network(torch.zeros_like(x)))[range(3), answers].numpy()
    np.testing.assert_allclose(found.logits, difference, atol=1e-4)
    np.testing.assert_allclose(np.abs(found.maps.sum((1, 2)) - difference), found.gaps, atol=1e-4)
    assert (found.gaps < 0.05 * np.abs(difference) + 1e-3).all()


def test_only_the_pixels_that_a_network_reads_are_shown(images):
    first = nn.Linear(192, 2)
    network = nn.Sequential(nn.Flatten(), first, nn.ReLU(), nn.Linear(2, 2))
    read = torch.zeros(3, 8, 8)
    read[:, 2:4, 5:7] = 1
    with torch.no_grad():
        first.weight.mul_(read.flatten())
        first.bias.fill_(10.0)
    found = attribute(network, images, np.array([0, 1, 0]), MEAN, STD)
    assert np.all((found.maps != 0) == (read[0].numpy() == 1))


def test_without_captum_the_extra_is_named(images, monkeypatch):
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    with pytest.raises(InputError, match=r"pip install 'pitfalls\[attribution\]'"):
        attribute(nn.Flatten(), images, np.zeros(3, dtype=int), MEAN, STD)
