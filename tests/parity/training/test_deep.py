import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from pitfalls.errors import DivergenceError, InputError
from pitfalls.parity import (
    DeepNetwork,
    LearningConfig,
    ParityTask,
    layer_gradients,
    named_loss,
    train,
    train_deep,
    training_batch,
)
from pitfalls.parity.training.two_layer import initial_seed
from tests.kinds import of_kind, there

ACTIVATIONS = ["sigmoid", "tanh", "relu"]
LOSSES = ["hinge", "square", "logistic"]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
def test_layer_norms_equal_autograd(activation, loss):
    task = ParityTask.random(6, 0)
    x = task.all_inputs(dtype=torch.float64)
    network = DeepNetwork(6, [9, 4, 7], activation, seed=1).double()
    seen = layer_gradients(network, x, task.labels(x), named_loss(loss))
    named_loss(loss)(network(x), task.labels(x)).backward()
    weights = [of_kind(nn.Linear, layer).weight for layer in network.layers]
    expected = torch.stack([there(weight.grad).norm() for weight in weights])
    torch.testing.assert_close(seen.gradient_norm, expected, rtol=1e-11, atol=1e-14)
    for layer, norm in zip(network.layers, seen.spectral_norm, strict=True):
        assert norm == pytest.approx(torch.linalg.svdvals(layer.weight)[0].item())


@given(
    activation=st.sampled_from(ACTIVATIONS),
    loss=st.sampled_from(LOSSES),
    widths=st.lists(st.integers(1, 6), max_size=4),
    scale=st.floats(0.1, 10),
    seed=st.integers(0, 10_000),
)
@settings(max_examples=60, deadline=None)
def test_the_bounds_hold_for_every_network(activation, loss, widths, scale, seed):
    task = ParityTask.random(4, seed)
    network = DeepNetwork(4, widths, activation, seed=seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(scale)
    x = task.all_inputs()
    seen = layer_gradients(network, x, task.labels(x), named_loss(loss))
    slack = 1 + 1e-9
    assert (seen.message_norm <= seen.message_bound * slack).all()
    assert (seen.gradient_norm <= seen.gradient_bound * slack + 1e-300).all()
    assert seen.message_norm[-1] == pytest.approx(seen.message_bound[-1].item())


def test_the_message_bound_is_reached_where_every_factor_is():
    # width one, all pre-activations 0: the sigmoid's slope is exactly 1/4
    network = DeepNetwork(1, [1, 1], "sigmoid", seed=0)
    layers = [of_kind(nn.Linear, layer) for layer in network.layers]
    with torch.no_grad():
        for layer in layers:
            layer.weight.fill_(2.0)
            layer.bias.fill_(-1.0)
        layers[0].bias.zero_()
    x, y = torch.zeros(1, 1), torch.ones(1)
    seen = layer_gradients(network, x, y, named_loss("square"))
    torch.testing.assert_close(seen.message_norm, seen.message_bound)
    assert (seen.message_norm[:-1] / seen.message_norm[1:]).tolist() == pytest.approx([0.5, 0.5])


def test_gradients_of_a_deep_sigmoid_network_shrink_by_a_quarter_of_the_norm_a_layer():
    task = ParityTask.random(5, 0)
    x = task.all_inputs()
    seen = layer_gradients(DeepNetwork(5, [50] * 8, seed=0), x, task.labels(x))
    factor = seen.message_norm[:-1] / seen.message_norm[1:]
    assert (factor < seen.spectral_norm[1:] / 4).all()
    assert seen.message_norm[0] < 1e-4 * seen.message_norm[-1]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("extra", [{"momentum": 0.9}, {"optimizer": "adam"}, {"n_samples": 20}])
def test_training_equals_plain_autograd(activation, extra):
    tasks = [ParityTask.random(6, seed) for seed in range(2)]
    config = LearningConfig(
        n_iterations=40, record_every=20, dtype="float64", learning_rate=0.02, seed=7, **extra
    )
    results = train_deep(tasks, [12, 5], activation, config)
    for i, (task, result) in enumerate(zip(tasks, results, strict=True)):
        own = dataclasses.replace(config, seed=7 + i)
        network = DeepNetwork(6, [12, 5], activation, seed=initial_seed(own)).double()
        parameters = network.parameters()
        optimizer = (
            torch.optim.Adam(parameters, own.learning_rate)
            if own.optimizer == "adam"
            else torch.optim.SGD(parameters, own.learning_rate, momentum=own.momentum)
        )
        losses = []
        for step in range(40):
            x, y = training_batch(task, own, step)
            optimizer.zero_grad()
            value = named_loss("hinge")(network(x), y)
            value.backward()
            optimizer.step()
            losses.append(value.item())
        torch.testing.assert_close(
            nn.utils.parameters_to_vector(result.network.parameters()),
            nn.utils.parameters_to_vector(network.parameters()),
            rtol=1e-9,
            atol=1e-12,
        )
        assert result.curve.loss.tolist() == pytest.approx(
            [sum(losses[:20]) / 20, sum(losses[20:]) / 20]
        )
        assert result.gradient_norm.shape == (3, 3)
        assert (result.gradient_norm <= result.gradient_bound * (1 + 1e-9)).all()


def test_one_hidden_layer_is_the_two_layer_network():
    task, config = ParityTask.random(5, 0), LearningConfig(n_iterations=40, dtype="float64")
    deep = train_deep([task], [50], "relu", config)[0]
    torch.testing.assert_close(
        nn.utils.parameters_to_vector(deep.network.parameters()),
        train(task, config).state.parameters,
        rtol=1e-9,
        atol=1e-12,
    )


def test_a_deep_sigmoid_network_fails_where_the_relu_network_learns():
    config = LearningConfig(n_iterations=800, learning_rate=0.1)
    tasks = [ParityTask.random(5, seed, weight=3) for seed in range(2)]
    relu = train_deep(tasks, [50, 50], "relu", config)
    sigmoid = train_deep(tasks, [50, 50, 50], "sigmoid", config)
    assert [result.evaluation.accuracy for result in relu] == [1, 1]
    assert all(abs(result.evaluation.accuracy - 0.5) < 0.2 for result in sigmoid)
    assert sigmoid[0].gradient_norm[:, 0].max() < 1e-3


def test_beyond_the_probe_gradients_are_measured_on_a_sample():
    result = train_deep(
        [ParityTask.random(12, 0)], [5], config=LearningConfig(n_iterations=10), n_probe=64
    )[0]
    assert result.gradient_norm.shape == (2, 2)


def test_progress_and_divergence_are_reported():
    seen = []
    config = LearningConfig(n_iterations=450)
    train_deep([ParityTask([1, 1])], [3], config=config, on_progress=lambda *at: seen.append(at))
    assert seen == [(200, 450), (400, 450), (450, 450)]
    wild = LearningConfig(n_iterations=400, learning_rate=1e6, loss="square")
    with pytest.raises(DivergenceError, match="smaller learning rate") as caught:
        train_deep([ParityTask([1, 1])], [3, 3], "relu", wild)
    networks = of_kind(list, caught.value.last)
    assert all(bool(p.isfinite().all()) for p in networks[0].parameters())


def test_bad_networks_and_tasks_are_refused():
    with pytest.raises(InputError, match="at least 1"):
        DeepNetwork(3, [4, 0])
    with pytest.raises(InputError, match="sigmoid, tanh, relu"):
        DeepNetwork(3, [4], "softplus")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="one dimension"):
        train_deep([ParityTask([1]), ParityTask([1, 0])], [3])
    with pytest.raises(InputError, match="one dimension"):
        train_deep([], [3])


def test_gradients_that_are_no_numbers_are_refused():
    network = DeepNetwork(3, [4], "relu", seed=0)
    torch.nn.init.constant_(of_kind(nn.Linear, network.layers[0]).weight, float("nan"))
    task = ParityTask([1, 1, 0])
    with pytest.raises(DivergenceError, match="gradient_norm is not finite"):
        layer_gradients(network, task.all_inputs(), task.labels(task.all_inputs()))


def test_hooks_on_the_way_back_change_no_gradient_of_the_network():
    task = ParityTask([1, 1, 0])
    x = task.all_inputs()
    network = DeepNetwork(3, [4, 4], "sigmoid", seed=0)
    plain = layer_gradients(network, x, task.labels(x))

    def louder(layer, given, got):
        return (1000 * given[0],)

    network.layers[1].register_full_backward_hook(louder)
    hooked = layer_gradients(network, x, task.labels(x))
    assert torch.equal(plain.gradient_norm, hooked.gradient_norm)
    assert torch.equal(plain.message_norm, hooked.message_norm)
