import pytest
import torch

from pitfalls.parity import ParityTask, TwoLayerReLU, evaluate


def test_evaluation_equals_the_mean_over_all_inputs():
    task, network = ParityTask.random(7, 0), TwoLayerReLU(7, 20, seed=1)
    x = task.all_inputs(dtype=torch.float64)
    with torch.no_grad():
        outputs = network.double()(x)
    measured = evaluate(network, task)
    labels = task.labels(x)
    assert measured.risk == pytest.approx(torch.relu(1 - outputs * labels).mean().item(), rel=1e-13)
    assert measured.accuracy == (outputs * labels > 0).double().mean().item()
    assert (measured.n_inputs, measured.exact, measured.risk_error) == (128, True, 0.0)


def test_a_sampled_evaluation_agrees_with_the_exact_one_within_its_error():
    task, network = ParityTask.random(12, 0), TwoLayerReLU(12, 30, seed=1)
    exact = evaluate(network, task)
    sampled = evaluate(network, task, exact_up_to=11, n_samples=20_000)
    assert not sampled.exact
    assert sampled.risk_error > 0
    assert abs(sampled.risk - exact.risk) < 5 * sampled.risk_error
    assert abs(sampled.accuracy - exact.accuracy) < 5 * sampled.accuracy_error
