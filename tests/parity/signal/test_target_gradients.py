"""All targets' gradients against autograd, the plain transform and the streamed signal."""

import numpy as np
import pytest
import torch
from torch import nn

from pitfalls.errors import InputError, ResourceError
from pitfalls.parity import (
    HingeLoss,
    LogisticLoss,
    ParityTask,
    SquareLoss,
    TwoLayerReLU,
    cube,
    gradient_signal,
    stream_target_gradients,
    target_gradients,
)

LOSSES = [HingeLoss(), HingeLoss("max"), SquareLoss(), LogisticLoss()]


def network_of(d, k, scale=1.0, seed=0):
    network = TwoLayerReLU(d, k, seed=seed, dtype=torch.float64)
    return network.load_flat(network.flat_parameters() * scale)


@pytest.mark.parametrize("loss", LOSSES, ids=str)
@pytest.mark.parametrize("d", [1, 2, 5])
def test_every_targets_distance_equals_autograd(d, loss):
    network = network_of(d, 9, 3.0, seed=d)
    shared = gradient_signal(network, loss).shared
    x = cube(d, dtype=torch.float64)
    gradients = target_gradients(network, loss)
    for mask in cube(d):
        task = ParityTask(mask)
        network.zero_grad()
        loss(network(x), task.labels(x)).backward()
        gradient = torch.cat([p.grad.flatten() for p in network.parameters()]).numpy()
        assert gradients.of(task) == pytest.approx(((gradient - shared) ** 2).sum(), rel=1e-11)


@pytest.mark.parametrize(("d", "k"), [(1, 2), (4, 7), (9, 12)])
def test_one_transform_a_unit_equals_one_a_parameter(d, k):
    network = network_of(d, k, 2.5, seed=4)
    plain = sum(values**2 for _, values in stream_target_gradients(network))
    np.testing.assert_allclose(target_gradients(network).squared_distance, plain, rtol=1e-10)


@pytest.mark.parametrize("loss", LOSSES, ids=str)
@pytest.mark.parametrize(("d", "scale"), [(6, 3.0), (11, 1.0), (14, 2.0)])
def test_mean_over_targets_equals_the_mean_over_inputs(d, scale, loss):
    network = network_of(d, 20, scale)
    signal = gradient_signal(network, loss).signal
    assert target_gradients(network, loss).signal == pytest.approx(signal, rel=1e-12)


def test_blocks_do_not_change_the_result(monkeypatch):
    network = network_of(9, 6, 2.0)
    whole = target_gradients(network).squared_distance
    monkeypatch.setattr("pitfalls.parity.signal.target_gradients._BLOCK", 16)
    np.testing.assert_allclose(target_gradients(network).squared_distance, whole, rtol=1e-11)


def test_components_are_the_gradients_themselves():
    d = 4
    network = network_of(d, 5, 2.0)
    loss = HingeLoss()
    shared = gradient_signal(network, loss).shared
    components = np.stack([values for _, values in stream_target_gradients(network, loss)], axis=1)
    task = ParityTask([0, 1, 1, 0])
    x = cube(d, dtype=torch.float64)
    loss(network(x), task.labels(x)).backward()
    gradient = torch.cat([p.grad.flatten() for p in network.parameters()]).numpy()
    np.testing.assert_allclose(components[task.index] + shared, gradient, atol=1e-14)


def test_by_weight_averages_to_the_signal_and_orders_its_quantiles():
    gradients = target_gradients(network_of(8, 30))
    rows = gradients.by_weight()
    shares = np.bincount(gradients.weights) / 2**8
    assert rows.shape == (9, 4)
    assert shares @ rows[:, 0] == pytest.approx(gradients.signal)
    assert (np.diff(rows[:, 1:], axis=1) >= 0).all()


def test_at_initialisation_low_weights_are_seen_and_high_ones_are_not():
    rows = target_gradients(network_of(10, 100)).by_weight()
    assert rows[1, 0] > 100 * rows[6, 0]


def test_any_module_equals_its_own_autograd():
    torch.manual_seed(0)
    d = 4
    network = nn.Sequential(nn.Linear(d, 5), nn.Tanh(), nn.Linear(5, 1)).double()
    seen = []
    gradients = target_gradients(
        network, n_features=d, on_progress=lambda done, total: seen.append((done, total))
    )
    signal = gradient_signal(network, n_features=d)
    assert gradients.signal == pytest.approx(signal.signal, rel=1e-12)
    assert seen[-1] == (31, 31)


def test_progress_counts_units_and_an_interrupt_passes_through():
    def stop(done, total):
        assert total == 6
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        target_gradients(network_of(5, 6), on_progress=stop)


def test_bad_input_is_refused():
    with pytest.raises(ResourceError, match="limit is d = 26"):
        target_gradients(TwoLayerReLU(27, 2))
    with pytest.raises(ResourceError, match="GiB"):
        next(stream_target_gradients(TwoLayerReLU(18, 100)))
    with pytest.raises(InputError, match="n_features"):
        target_gradients(nn.Linear(3, 1))
    with pytest.raises(InputError, match="2 features"):
        target_gradients(TwoLayerReLU(3, 2)).of(ParityTask([1, 0]))
    broken = TwoLayerReLU(2, 2)
    with torch.no_grad():
        broken.output.bias.fill_(torch.nan)
    with pytest.raises(InputError, match="NaN"):
        target_gradients(broken)


def test_sharing_a_unit_between_threads_changes_nothing(monkeypatch):
    network = network_of(13, 6, 2.0)
    apart = target_gradients(network).squared_distance
    monkeypatch.setattr("pitfalls.parity.signal.target_gradients._UNITS_APART", 5)
    together = target_gradients(network).squared_distance
    np.testing.assert_allclose(together, apart, rtol=1e-11)
