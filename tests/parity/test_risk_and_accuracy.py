from fractions import Fraction

import pytest
import torch

from pitfalls.errors import DivergenceError, InputError
from pitfalls.parity import CustomLoss, LogisticLoss, ParityTask, TwoLayerReLU, evaluate


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


def test_a_sample_has_the_size_asked_for_and_the_error_of_a_share():
    task, network = ParityTask.random(9, 0), TwoLayerReLU(9, 30, seed=1)
    sampled = evaluate(network, task, exact_up_to=8, n_samples=777)
    share = sampled.accuracy
    assert sampled.n_inputs == 777
    assert share * 777 == pytest.approx(round(share * 777), abs=1e-9)
    assert sampled.accuracy_error == pytest.approx((share * (1 - share) / 777) ** 0.5, rel=1e-12)


def test_the_error_of_a_sampled_risk_is_the_losses_deviation_over_the_root_of_their_number():
    task, network = ParityTask.random(10, 0), TwoLayerReLU(10, 30, seed=1)
    x = task.all_inputs(dtype=torch.float64)
    with torch.no_grad():
        losses = torch.relu(1 - network.double()(x) * task.labels(x))
    sampled = evaluate(network, task, exact_up_to=9, n_samples=5000)
    assert sampled.risk_error == pytest.approx(losses.std().item() / 5000**0.5, rel=0.1)


def test_a_loss_that_is_infinite_at_a_single_input_is_no_risk():
    task, network = ParityTask([1, 1, 0]), TwoLayerReLU(3, 4, seed=0)
    highest = max(network.double()(task.all_inputs(dtype=torch.float64)).tolist())
    steep = CustomLoss(lambda f, y: torch.where(f >= highest - 1e-12, torch.inf, f * y).sum())
    with pytest.raises(DivergenceError, match="it has no risk"):
        evaluate(network, task, steep)


@pytest.mark.parametrize("mask", [[1, 0, 1], [0, 0, 0]])
def test_an_output_of_zero_is_wrong_for_either_class(mask):
    network = TwoLayerReLU(3, 2, seed=0)
    network.load_flat(torch.zeros(network.n_parameters))
    measured = evaluate(network, ParityTask(mask))
    assert measured.accuracy == 0
    assert measured.risk == 1


def test_losses_are_taken_by_name():
    task, network = ParityTask.random(5, 0), TwoLayerReLU(5, 4, seed=0)
    assert evaluate(network, task, "logistic") == evaluate(network, task, LogisticLoss())


def test_bad_sample_sizes_are_refused():
    task, network = ParityTask.random(5, 0), TwoLayerReLU(5, 4, seed=0)
    for wrong in (0, 2.5):
        with pytest.raises(InputError, match="n_samples"):
            evaluate(network, task, exact_up_to=2, n_samples=wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("level", [0.0, 1e6, 1e8])
def test_the_standard_error_is_the_samples_own_whatever_the_level_of_the_loss(level):
    class Level(torch.nn.Module):
        n_features = 24

        def __init__(self):
            super().__init__()
            self.scale = torch.nn.Parameter(torch.ones(()))

        def forward(self, x):
            return level + self.scale * x[:, 0]

    task = ParityTask([1, 1] + [0] * 22)
    found = evaluate(Level(), task, "square", n_samples=3000, seed=5)
    generator = torch.Generator().manual_seed(5)
    losses = []
    for n in (1024, 1024, 952):
        x, y = task.sample(n, generator, dtype=torch.float64)
        pairs = zip(x[:, 0].tolist(), y.tolist(), strict=True)
        losses += [(Fraction(level) + Fraction(a) - Fraction(b)) ** 2 / 2 for a, b in pairs]
    mean = sum(losses) / 3000
    variance = float(sum((value - mean) ** 2 for value in losses) / 3000)
    assert found.risk == pytest.approx(float(mean), rel=1e-12)
    assert found.risk_error == pytest.approx((variance / 3000) ** 0.5, rel=1e-3)
