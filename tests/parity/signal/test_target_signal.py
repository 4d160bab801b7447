import pytest
import torch
from torch import nn

from pitfalls.errors import ResourceError
from pitfalls.parity import (
    ParityTask,
    TwoLayerReLU,
    gradient_signal,
    named_loss,
    target_signal,
)
from tests.kinds import there


@pytest.mark.parametrize("loss", ["hinge", "square", "logistic"])
def test_it_is_the_distance_of_the_risks_gradient_from_the_shared_part(loss):
    task, network = ParityTask.random(7, 1), TwoLayerReLU(7, 30, seed=2, dtype=torch.float64)
    shared = torch.from_numpy(gradient_signal(network, loss).shared)
    x = task.all_inputs(dtype=torch.float64)
    named_loss(loss)(network(x), task.labels(x)).backward()
    gradient = nn.utils.parameters_to_vector([there(p.grad) for p in network.parameters()])
    expected = (gradient - shared).square().sum().item()
    assert target_signal(network, task, loss) == pytest.approx(expected, rel=1e-9)


def test_its_mean_over_all_targets_is_the_exact_signal():
    network = TwoLayerReLU(5, 20, seed=3)
    masks = [ParityTask([i >> j & 1 for j in range(5)]) for i in range(32)]
    mean = sum(target_signal(network, task) for task in masks) / 32
    assert mean == pytest.approx(gradient_signal(network).signal, rel=1e-12)


def test_chunks_add_up_and_report_their_progress(monkeypatch):
    network, task = TwoLayerReLU(8, 5, seed=0), ParityTask.random(8, 0)
    whole, seen = target_signal(network, task), []
    monkeypatch.setattr("pitfalls.parity.signal.target_signal._CHUNK", 100)
    assert target_signal(network, task, on_progress=lambda *at: seen.append(at)) == pytest.approx(
        whole, rel=1e-12
    )
    assert seen == [(100, 256), (200, 256), (256, 256)]


def test_the_network_and_its_gradients_are_left_alone():
    network = TwoLayerReLU(5, 6, seed=0)
    target_signal(network, ParityTask([1] * 5))
    assert all(parameter.grad is None for parameter in network.parameters())


def test_a_dimension_beyond_reach_is_refused_with_the_alternative():
    with pytest.raises(ResourceError, match="gradient_signal"):
        target_signal(TwoLayerReLU(27, 2), ParityTask([1] * 27))
