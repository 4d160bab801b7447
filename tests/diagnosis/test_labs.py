"""The homework's own networks: the cards say what the labs prove."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.optim import SGD
from torch.optim.lr_scheduler import ExponentialLR

from pitfalls.diagnosis import (
    ask_capacity,
    ask_data,
    ask_saddle,
    ask_schedule,
    ask_signal,
    ask_units,
)
from pitfalls.diagnosis.evidence.capacity import CapacityEvidence
from pitfalls.diagnosis.evidence.saddle import SaddleEvidence
from pitfalls.linear import DeepLinearNetwork, SquaredRisk
from pitfalls.moments import SecondMoments
from pitfalls.parity import TwoLayerReLU
from tests.kinds import of_kind, there


def hinge(outputs, y):
    return torch.relu(1 - outputs * y).mean()


def half_squares(outputs, y):
    return ((outputs - y) ** 2).sum(1).mean() / 2


def regression(n=200, d=6):
    g = torch.Generator().manual_seed(0)
    x = torch.randn(n, d, generator=g).double()
    return x, x @ torch.randn(d, 4, generator=g).double()


def test_a_parity_of_half_of_thirty_bits_gives_no_signal_and_one_of_a_single_bit_does():
    g = torch.Generator().manual_seed(0)
    x = torch.randint(0, 2, (2000, 30), generator=g).float()
    network = TwoLayerReLU(30, 300, seed=0)
    half, single = 1 - 2 * (x[:, :15].sum(1) % 2), 1 - 2 * x[:, 0]
    unseen = ask_signal(network, hinge, x, half, budget=10)
    assert unseen.verdict == "labels not seen"
    assert any("look alike" in finding for finding in unseen.evidence.findings)
    assert ask_data(network, hinge, x, half).verdict == "labels not seen"
    assert ask_signal(network, hinge, x, single, budget=10).verdict == "labels seen"


def test_deep_sigmoids_have_a_vanishing_gradient_and_shallow_ones_have_not():
    g = torch.Generator().manual_seed(0)
    x = torch.randn(200, 10, generator=g)
    y = x[:, :3].argmax(1)

    def sigmoids(depth):
        torch.manual_seed(0)
        body = [part for _ in range(depth) for part in (nn.Linear(10, 10), nn.Sigmoid())]
        return nn.Sequential(*body, nn.Linear(10, 3))

    verdicts = [ask_units(sigmoids(k), functional.cross_entropy, x, y).verdict for k in (1, 8)]
    assert verdicts == ["alive", "vanishing-gradient"]


def test_weights_of_zero_are_a_strict_saddle_of_two_linear_layers():
    x, y = regression()
    network = DeepLinearNetwork.from_weights(
        [torch.zeros(5, 6).double(), torch.zeros(4, 5).double()]
    )
    card = ask_saddle(network, half_squares, x, y, budget=30)
    assert card.verdict == "saddle"
    # the Hessian at zero pairs the layers through S_yx: its extremes are its singular values
    largest = np.linalg.norm((y.T @ x / len(x)).numpy(), 2)
    assert of_kind(SaddleEvidence, card.evidence).lowest == pytest.approx(-largest, rel=1e-6)
    assert card.check(network, half_squares, x, y)


def test_a_bottleneck_leaves_the_risk_of_its_rank():
    x, y = regression()
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(6, 2), nn.Linear(2, 4)).double()
    card = ask_capacity(network, half_squares, x, y, budget=600)
    risk = SquaredRisk(SecondMoments.from_arrays(x.numpy(), y.numpy(), center=True))
    total = 0.5 * np.trace(risk.moments.syy)
    assert card.verdict == "cannot-memorise"
    linear = there(of_kind(CapacityEvidence, card.evidence).linear)
    assert linear.explained == pytest.approx(1 - risk.minimum(2).value / total)


@pytest.mark.parametrize(("decay", "verdict"), [(1.0, "learns"), (0.5, "rate-too-low")])
def test_a_rate_annealed_at_every_step_stops_what_a_constant_one_learns(decay, verdict):
    g = torch.Generator().manual_seed(0)
    x = torch.randn(400, 10, generator=g)
    y = x[:, :3].argmax(1)
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 3))
    optimizer = SGD(network.parameters(), 0.05)
    annealed = ExponentialLR(optimizer, decay)
    optimizer.register_step_post_hook(lambda *_: annealed.step())
    card = ask_schedule(network, functional.cross_entropy, x, y, optimizer, budget=20)
    assert card.verdict == verdict
