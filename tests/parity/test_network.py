import pytest
import torch
from torch import nn

from pitfalls.errors import InputError
from pitfalls.parity import TwoLayerReLU, cube
from tests.kinds import there


def test_initialisation_has_the_bits_of_nn_linear():
    network = TwoLayerReLU(7, 20, seed=11)
    torch.manual_seed(11)
    plain = nn.Sequential(nn.Linear(7, 20), nn.ReLU(), nn.Linear(20, 1))
    assert torch.equal(network.flat_parameters(), nn.utils.parameters_to_vector(plain.parameters()))


def test_building_with_a_seed_leaves_the_global_generator_alone():
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    TwoLayerReLU(3, 4, seed=5)
    assert torch.equal(before, torch.random.get_rng_state())


def test_flat_parameters_are_in_the_homeworks_order():
    d, k = 3, 4
    network = TwoLayerReLU(d, k, seed=0, dtype=torch.float64)
    p = torch.arange(network.n_parameters, dtype=torch.float64) / 10
    network.load_flat(p)
    w, b, alpha, beta = p[: d * k].view(k, d), p[d * k : -k - 1], p[-k - 1 : -1], p[-1]
    x = cube(d, dtype=torch.float64)
    expected = torch.relu(x @ w.T + b) @ alpha + beta
    torch.testing.assert_close(network(x), expected, rtol=1e-14, atol=0)
    assert torch.equal(network.flat_parameters(), p)


def test_gradient_equals_autograd_at_every_input():
    network = TwoLayerReLU(4, 9, seed=3, dtype=torch.float64)
    x = cube(4, dtype=torch.float64)
    ours = network.per_sample_gradient(x)
    for row, gradient in zip(x, ours, strict=True):
        network.zero_grad()
        network(row).backward()
        expected = torch.cat([there(p.grad).flatten() for p in network.parameters()])
        torch.testing.assert_close(gradient, expected, rtol=1e-14, atol=0)
    torch.testing.assert_close(network.gradient_squared_norm(x), ours.square().sum(1))


def test_bad_parameters_are_refused():
    network = TwoLayerReLU(2, 3)
    with pytest.raises(InputError, match=r"shape \(13,\)"):
        network.load_flat(torch.zeros(12))
    with pytest.raises(InputError, match="NaN"):
        network.load_flat(torch.full((13,), torch.nan))
    with pytest.raises(InputError, match="at least 1"):
        TwoLayerReLU(0, 3)
