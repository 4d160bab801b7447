import dataclasses
import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pitfalls.errors import DivergenceError, InputError, ResourceError
from pitfalls.parity import (
    LearningConfig,
    LearningState,
    ParityTask,
    evaluation_inputs,
    first_reached,
    initial_state,
    named_loss,
    train,
    training_batch,
)
from pitfalls.parity.training import two_layer_kernel as kernel

LOSSES = ["hinge", "square", "logistic"]
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "sgd": {"optimizer": "sgd", "momentum": 0.0, "learning_rate": 0.05},
    "momentum": {"optimizer": "sgd", "momentum": 0.9, "learning_rate": 0.01},
    "adam": {"optimizer": "adam", "learning_rate": 0.003},
}


def plain_loop(task, config, n_steps):
    """The starter's loop in plain PyTorch, on the same inputs."""
    network = initial_state(task, config).network(task.n_features)
    optimizer: torch.optim.Optimizer
    if config.optimizer == "adam":
        optimizer = torch.optim.Adam(
            network.parameters(), config.learning_rate, config.betas, config.epsilon
        )
    else:
        optimizer = torch.optim.SGD(
            network.parameters(), config.learning_rate, momentum=config.momentum
        )
    loss = named_loss(config.loss)
    seen = []
    for step in range(n_steps):
        x, y = training_batch(task, config, step)
        optimizer.zero_grad()
        outputs = network(x)
        value = loss(outputs, y)
        value.backward()
        optimizer.step()
        seen.append((value.item(), (outputs * y > 0).double().mean().item()))
    return network.flat_parameters(), np.array(seen)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("loss", LOSSES)
def test_fifty_steps_equal_plain_autograd_in_float64(loss, optimizer):
    task = ParityTask.random(11, 3)
    config = LearningConfig(
        n_hidden=70,
        loss=loss,
        n_iterations=50,
        record_every=10,
        dtype="float64",
        seed=5,
        **OPTIMIZERS[optimizer],
    )
    expected, seen = plain_loop(task, config, 50)
    result = train(task, config)
    torch.testing.assert_close(result.state.parameters, expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(result.curve.batch_loss, seen[9::10, 0], rtol=1e-11)
    np.testing.assert_allclose(result.curve.loss, seen[:, 0].reshape(5, 10).mean(1), rtol=1e-11)
    np.testing.assert_allclose(result.curve.train_accuracy, seen[:, 1].reshape(5, 10).mean(1))


@pytest.mark.parametrize(
    ("d", "width", "batch"), [(1, 1, 1), (5, 50, 100), (30, 300, 100), (63, 7, 9), (65, 130, 33)]
)
def test_any_shape_equals_plain_autograd(d, width, batch):
    task = ParityTask.random(d, 1)
    config = LearningConfig(
        n_hidden=width, batch_size=batch, n_iterations=50, dtype="float64", learning_rate=0.02
    )
    expected, _ = plain_loop(task, config, 50)
    torch.testing.assert_close(
        train(task, config).state.parameters, expected, rtol=1e-9, atol=1e-11
    )


def test_float32_follows_float64_up_to_rounding():
    task = ParityTask.random(30, 2)
    double = LearningConfig(n_iterations=50, dtype="float64", learning_rate=0.01)
    # the same weights in both: the initial draw is made in float32
    single = train(task, dataclasses.replace(double, dtype="float32")).state.parameters
    torch.testing.assert_close(
        single.double(), train(task, double).state.parameters, rtol=1e-3, atol=1e-5
    )


def test_initial_weights_are_pytorchs_default():
    state = initial_state(ParityTask.random(20, 0), LearningConfig(n_hidden=400))
    w, rest = state.parameters[:8000], state.parameters[8000:]
    bound = 1 / math.sqrt(20)
    assert 0.99 * bound < w.abs().max() < bound
    assert rest[400:].abs().max() < 1 / math.sqrt(400)


def test_the_inputs_are_balanced_and_uncorrelated():
    task = ParityTask.random(70, 0)
    config = LearningConfig(batch_size=2000)
    x = torch.cat([training_batch(task, config, step)[0] for step in range(10)])
    signs = 2 * x - 1  # (20000, 70)
    correlation = (signs.T @ signs / len(x)).fill_diagonal_(0)
    assert signs.mean(0).abs().max() < 5 / math.sqrt(len(x))
    assert correlation.abs().max() < 5.5 / math.sqrt(len(x))
    assert len(torch.unique(x, dim=0)) == len(x)


def test_a_fixed_set_repeats_its_inputs_and_fresh_ones_differ_by_seed():
    task = ParityTask.random(40, 0)
    fixed = LearningConfig(n_samples=8, batch_size=300)
    x, y = training_batch(task, fixed, 3)
    assert len(torch.unique(x, dim=0)) == 8
    assert torch.equal(y, task.labels(x))
    one, other = (training_batch(task, LearningConfig(seed=seed), 0)[0] for seed in (0, 1))
    assert not torch.equal(one, other)


@given(d=st.integers(1, 130), n=st.integers(1, 5), k=st.integers(1, 150), seed=st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_packing_is_undone(d, n, k, seed):
    generator = np.random.default_rng(seed)
    bits = generator.integers(0, 2, (n, d))
    assert np.array_equal(kernel.bits_of_words(kernel.words_of_bits(bits), d), bits)
    flat = generator.normal(size=k * (d + 2) + 1)
    packed, beta = kernel.pack(flat, d, k)
    assert np.array_equal(kernel.unpack(packed, beta, d, k), flat)


def test_with_fresh_inputs_training_and_test_accuracy_are_the_same_numbers():
    curve = train(ParityTask.random(9, 4), LearningConfig(n_iterations=600)).curve
    assert curve.test_accuracy.tolist() == curve.train_accuracy.tolist()


@pytest.mark.parametrize("d", [8, 20])
def test_a_set_known_by_heart_is_no_parity_learned(d):
    task = ParityTask.random(d, 1, weight=d // 2)
    config = LearningConfig(
        n_iterations=3000, n_samples=30, learning_rate=0.01, record_every=500, n_hidden=200
    )
    states: list[LearningState] = []
    result = train(task, config, on_record=states.append)
    assert result.curve.train_accuracy[-1] == 1
    assert result.evaluation.accuracy < 0.9
    assert result.curve.iterations_to() is None
    assert first_reached(result.curve.step, result.curve.train_accuracy) is not None
    x, y = evaluation_inputs(task, config)
    assert len(x) == min(2**d, 4096)
    for state, seen in zip(states, result.curve.test_accuracy, strict=True):
        with torch.no_grad():
            right = state.network(d)(x) * y > 0
        assert seen == right.double().mean().item()
    if d == 8:
        assert result.curve.test_accuracy[-1] == result.evaluation.accuracy
    else:
        assert abs(result.curve.test_accuracy[-1] - result.evaluation.accuracy) < 0.05


def test_evaluation_inputs_are_drawn_apart_from_those_trained_on_and_the_same_every_time():
    task, config = ParityTask.random(40, 0), LearningConfig(n_samples=1000, seed=3)
    x, y = evaluation_inputs(task, config)
    again, _ = evaluation_inputs(task, dataclasses.replace(config, n_samples=5))
    other, _ = evaluation_inputs(task, dataclasses.replace(config, seed=4))
    trained, _ = training_batch(task, dataclasses.replace(config, batch_size=3000), 0)
    assert torch.equal(x, again)
    assert not torch.equal(x, other)
    assert torch.equal(y, task.labels(x))
    assert not {tuple(row) for row in x.tolist()} & {tuple(row) for row in trained.tolist()}


@pytest.mark.parametrize("extra", [{}, {"optimizer": "adam"}, {"n_samples": 50}])
def test_training_resumed_at_any_record_gives_the_same_bits(extra):
    task = ParityTask.random(9, 4)
    config = LearningConfig(n_iterations=950, record_every=100, seed=2, **extra)
    states: list[LearningState] = []
    whole = train(task, config, on_record=states.append)
    assert [state.step for state in states] == [*range(100, 1000, 100), 950]
    for state in states[::3]:
        saved = LearningState.from_tensors(
            state.step, {name: value.clone() for name, value in state.tensors().items()}
        )
        resumed = train(task, config, state=saved)
        for name, value in whole.state.tensors().items():
            assert torch.equal(resumed.state.tensors()[name], value), name
        assert resumed.evaluation == whole.evaluation


def test_progress_that_raises_ends_training():
    seen = []

    def stop(done, total):
        seen.append((done, total))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(ParityTask([1, 1]), LearningConfig(n_iterations=1000), on_progress=stop)
    assert seen == [(200, 1000)]


@pytest.mark.parametrize("seed", range(3))
def test_parity_of_five_bits_is_learned_with_the_homeworks_settings(seed):
    result = train(ParityTask.random(5, seed), LearningConfig(seed=seed))
    assert result.evaluation.accuracy == 1
    assert result.evaluation.risk < 1e-3
    assert result.evaluation.exact


def test_a_sparse_parity_is_learned_at_thirty_features_and_a_dense_one_is_not():
    config = LearningConfig(n_iterations=5_000)
    sparse = train(ParityTask.random(30, 0, weight=2), config)
    dense = train(ParityTask.random(30, 0, weight=15), config)
    assert sparse.evaluation.accuracy > 0.99
    assert (sparse.curve.iterations_to(0.99) or math.inf) < 5_000
    assert abs(dense.evaluation.accuracy - 0.5) < 0.01
    assert dense.curve.iterations_to(0.99) is None
    assert abs(dense.evaluation.risk - 1) < 0.05


def test_divergence_is_named_and_the_last_good_state_is_finite():
    task, config = ParityTask.random(8, 0), LearningConfig(loss="square", learning_rate=50.0)
    states: list[LearningState] = []
    with pytest.raises(DivergenceError, match="smaller learning rate") as caught:
        train(task, config, on_record=states.append)
    last = caught.value.last
    assert isinstance(last, LearningState)
    assert torch.isfinite(last.parameters).all()
    assert last.step == (states[-1].step if states else 0)


def test_a_state_of_another_shape_or_with_nan_is_refused():
    task, config = ParityTask([1, 0, 1]), LearningConfig(n_iterations=10)
    state = train(task, config).state
    with pytest.raises(InputError, match="resume with the task and config"):
        train(ParityTask([1, 0]), config, state=state)
    with pytest.raises(InputError, match="beyond n_iterations"):
        train(task, dataclasses.replace(config, n_iterations=5), state=state)
    state.parameters[0] = math.nan
    with pytest.raises(InputError, match="NaN"):
        train(task, dataclasses.replace(config, n_iterations=20), state=state)


def test_a_network_beyond_memory_is_refused_with_the_estimate():
    with pytest.raises(ResourceError, match="GiB"):
        initial_state(ParityTask.random(1000, 0), LearningConfig(n_hidden=10**9))
