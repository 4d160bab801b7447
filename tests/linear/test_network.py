import numpy as np
import pytest
import torch

from pitfalls.errors import InputError
from pitfalls.linear import DeepLinearNetwork, balancedness, end_to_end
from tests.linear.problems import random_weights


def test_forward_is_the_end_to_end_map():
    network = DeepLinearNetwork([5, 4, 2, 3], dtype=torch.float64)
    x = torch.randn(7, 5, dtype=torch.float64)
    torch.testing.assert_close(network(x), x @ network.end_to_end().T)


def test_partial_products_multiply_up_to_the_whole():
    network = DeepLinearNetwork([5, 4, 2, 3], dtype=torch.float64)
    whole = network.partial_product(3, 3) @ network.partial_product(2)
    torch.testing.assert_close(whole, network.end_to_end())
    torch.testing.assert_close(network.partial_product(0), torch.eye(5, dtype=torch.float64))
    torch.testing.assert_close(network.partial_product(3, 4), torch.eye(3, dtype=torch.float64))


@pytest.mark.parametrize(("last", "first"), [(4, 1), (0, 3), (2, 0), (-1, 1)])
def test_partial_products_outside_the_network_are_refused(last, first):
    with pytest.raises(InputError, match="do not exist"):
        DeepLinearNetwork([5, 4, 2, 3]).partial_product(last, first)


def test_network_is_differentiable_and_holds_given_weights():
    weights = random_weights([4, 3, 2])
    network = DeepLinearNetwork.from_weights(weights)
    np.testing.assert_allclose(network.end_to_end().detach().numpy(), end_to_end(weights))
    network.end_to_end().sum().backward()
    assert all(w.grad is not None for w in network.weights)
    weights[0][:] = 0  # a copy was taken
    assert network.weights[0].abs().sum() > 0
    assert "widths=4-3-2" in repr(network)


def test_balancedness_of_one_layer_is_zero():
    assert balancedness(random_weights([3, 2])) == 0
    assert balancedness([np.eye(2), 2 * np.eye(2)]) == pytest.approx(3 * 2**0.5)


@pytest.mark.parametrize("widths", [[3], [], [3, 0, 2], [-1, 2]])
def test_bad_widths_are_refused(widths):
    with pytest.raises(InputError, match="at least two positive integers"):
        DeepLinearNetwork(widths)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([], "no layers"),
        ([np.ones((3, 4)), np.ones((2, 4))], r"layer 2 of shape \(2, 4\) does not follow"),
        ([np.ones(4)], "layer 1 must be a matrix"),
        ([np.full((2, 2), np.nan)], "layer 1 has NaN"),
    ],
)
def test_bad_weights_are_refused(weights, message):
    with pytest.raises(InputError, match=message):
        DeepLinearNetwork.from_weights(weights)


def test_products_of_short_integers_do_not_wrap_and_networks_are_taken():
    short = [np.full((2, 2), 100, dtype=np.int8)] * 2
    np.testing.assert_array_equal(end_to_end(short), np.full((2, 2), 20_000.0))
    assert balancedness([short[0], 0 * short[0]]) == 40_000.0
    network = DeepLinearNetwork([3, 2, 2])
    whole = network.end_to_end().detach().numpy()
    np.testing.assert_allclose(end_to_end(network), whole, rtol=1e-6)
    assert balancedness(network) == balancedness([w.detach() for w in network.weights])
