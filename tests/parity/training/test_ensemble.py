import dataclasses
import threading

import pytest
import torch

from pitfalls.errors import InputError
from pitfalls.parity import LearningConfig, ParityTask, train, train_ensemble, training_batch
from pitfalls.parity.training.stacked import Stack
from pitfalls.parity.training.two_layer import _share_right, evaluation_inputs, initial_state
from tests.kinds import there

CPU = torch.device("cpu")


def mixed():
    """Replicas that differ in dimension, mask, width, rate, loss, optimiser and data."""
    short = LearningConfig(n_iterations=400, record_every=100)
    return (
        [ParityTask.random(d, i) for i, d in enumerate((5, 9, 9, 9, 70, 9))],
        [
            short,
            dataclasses.replace(short, seed=1),
            dataclasses.replace(short, seed=2, learning_rate=0.02, momentum=0.5),
            dataclasses.replace(short, seed=3, n_hidden=33, optimizer="adam"),
            dataclasses.replace(short, seed=4, loss="logistic", n_hidden=65, batch_size=7),
            dataclasses.replace(short, seed=5, loss="square", n_samples=40),
        ],
    )


def same(one, other):
    return all(
        torch.equal(value, other.state.tensors()[name])
        for name, value in one.state.tensors().items()
    )


def test_every_replica_has_the_bits_it_has_alone_whatever_the_threads():
    tasks, configs = mixed()
    alone = [train(task, config) for task, config in zip(tasks, configs, strict=True)]
    for n_threads in (1, 3):
        together = train_ensemble(tasks, configs, n_threads=n_threads)
        assert all(same(a, b) for a, b in zip(alone, together, strict=True))


def test_one_config_gives_each_replica_a_seed_of_its_own():
    task, config = ParityTask.random(6, 0), LearningConfig(n_iterations=200, seed=10)
    results = train_ensemble([task] * 3, config)
    assert [result.config.seed for result in results] == [10, 11, 12]
    assert same(results[2], train(task, dataclasses.replace(config, seed=12)))


def test_the_batched_engine_draws_the_kernels_inputs():
    tasks, configs = mixed()
    for task, config in zip(tasks, configs, strict=True):
        sizes = (task.n_features, config.width(task.n_features), 1)
        stack = Stack(sizes, "relu", [task], [config], [initial_state(task, config)], CPU)
        for step in (0, 1, 123_456_789):
            x, y = training_batch(task, config, step)
            drawn = stack.draw(step * config.batch_size, config.batch_size)
            assert torch.equal(drawn[0][0], x)
            assert torch.equal(drawn[1][0], y)


@pytest.mark.parametrize("engine", ["kernel", "torch"])
def test_an_output_of_zero_is_wrong_for_either_class_in_training_too(engine):
    task = ParityTask([1, 0, 1])
    config = LearningConfig(n_iterations=1, record_every=1, n_samples=30)
    state = initial_state(task, config)
    state = dataclasses.replace(state, parameters=torch.zeros_like(state.parameters))
    result = train_ensemble([task], config, engine=engine, states=[state])[0]
    assert result.curve.train_accuracy.tolist() == [0]  # of the batch, before its update
    stack = Stack((3, 30, 1), "relu", [task], [config], [state], CPU)
    assert stack._test_accuracy(*there(stack.test)).tolist() == [0]
    assert _share_right(state.network(3), *evaluation_inputs(task, config)) == 0


def test_the_batched_engine_agrees_with_the_kernel():
    tasks, configs = mixed()
    configs = [
        dataclasses.replace(config, dtype="float64", n_iterations=50, record_every=25)
        for config in configs
    ]
    kernel = train_ensemble(tasks, configs)
    batched = train_ensemble(tasks, configs, engine="torch")
    for a, b in zip(kernel, batched, strict=True):
        assert a.config == b.config
        for name, value in a.state.tensors().items():
            torch.testing.assert_close(
                value, b.state.tensors()[name], rtol=1e-9, atol=1e-11, msg=name
            )


def test_the_batched_engine_resumes_from_its_own_states():
    task, config = ParityTask.random(6, 0), LearningConfig(n_iterations=400, record_every=100)
    states = {}
    whole = train_ensemble(
        [task] * 2,
        config,
        engine="torch",
        on_record=lambda i, state: states.update({(i, state.step): state}),
    )
    assert set(states) == {(i, step) for i in range(2) for step in (100, 200, 300, 400)}
    resumed = train_ensemble(
        [task] * 2, config, engine="torch", states=[states[0, 200], states[1, 200]]
    )
    assert all(same(a, b) for a, b in zip(whole, resumed, strict=True))


@pytest.mark.parametrize("engine", ["kernel", "torch"])
def test_a_diverging_replica_ends_alone(engine):
    task = ParityTask.random(8, 0)
    good = LearningConfig(loss="square", n_iterations=600, seed=1)
    bad = dataclasses.replace(good, learning_rate=50.0)
    fine, wild = train_ensemble([task] * 2, [good, bad], engine=engine)
    assert not fine.diverged
    assert wild.diverged
    assert torch.isfinite(wild.state.parameters).all()
    if engine == "kernel":
        assert same(fine, train(task, good))


@pytest.mark.parametrize("engine", ["kernel", "torch"])
def test_results_and_progress_arrive_in_the_calling_thread(engine):
    seen, progress = {}, []
    config = LearningConfig(n_iterations=400)

    def on_result(i, result):
        assert threading.current_thread() is threading.main_thread()
        seen[i] = result

    results = train_ensemble(
        [ParityTask.random(5, i) for i in range(4)],
        config,
        engine=engine,
        on_result=on_result,
        on_progress=lambda done, total: progress.append((done, total)),
    )
    assert [seen[i] for i in range(4)] == results
    assert progress[-1] == (1600, 1600)
    assert progress == sorted(progress)


def test_an_interruption_stops_every_replica():
    def interrupt(i, result):
        raise KeyboardInterrupt

    tasks = [ParityTask([1, 0])] + [ParityTask.random(30, i) for i in range(3)]
    configs = [LearningConfig(n_iterations=10)] + [LearningConfig(n_iterations=10**7)] * 3
    with pytest.raises(KeyboardInterrupt):
        train_ensemble(tasks, configs, n_threads=2, on_result=interrupt)
    assert not [t for t in threading.enumerate() if t.name.startswith("replica")]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"config": [LearningConfig()]}, "one entry a task"),
        ({"states": [None]}, "one entry a task"),
        ({"engine": "jax"}, "kernel or torch"),
        ({"engine": "kernel", "device": "cuda"}, "engine 'torch'"),
        ({"device": "abacus"}, "Take 'cpu'"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(arguments, said):
    with pytest.raises(InputError, match=said) as caught:
        train_ensemble([ParityTask([1])] * 2, **arguments)
    assert "\n" not in str(caught.value)
