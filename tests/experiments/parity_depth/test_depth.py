from dataclasses import replace

import numpy as np
import pytest

from pitfalls.errors import InputError
from pitfalls.experiments.parity_depth import (
    EXPERIMENT,
    DepthConfig,
    DepthResult,
    DepthStart,
    TrainedDepth,
)
from pitfalls.experiments.parity_depth.figures import FIGURES, _fading
from pitfalls.experiments.parity_depth.words import account, basis, contrast, fading
from pitfalls.frame.experiment import run_experiment
from pitfalls.parity import DeepNetwork, LearningConfig, ParityTask
from pitfalls.plots import draw
from pitfalls.prose import Table, plain
from pitfalls.runs import RunStore
from tests.experiments.interruption import assert_goes_on
from tests.kinds import of_kind, there

SHORT = LearningConfig(n_iterations=600, record_every=200, seed=3, learning_rate=0.1)
CONFIG = DepthConfig(width=8, depths=(1, 2), shown=3, n_seeds=2, training=SHORT)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return RunStore(tmp_path_factory.mktemp("runs"))


def test_a_run_interrupted_after_its_first_kind_goes_on_to_the_same_numbers(
    store, tmp_path, monkeypatch
):
    assert_goes_on(EXPERIMENT, CONFIG, store, tmp_path, monkeypatch)


def test_every_figure_is_drawn_with_words(store):
    result = run_experiment(EXPERIMENT, CONFIG, store).result
    for figure in FIGURES:
        assert "nan" not in draw(figure, result, ("svg",)).alt


def test_a_sigmoid_layer_multiplies_the_message_by_less_than_its_bound(store):
    for start in run_experiment(EXPERIMENT, CONFIG, store).result.starts:
        assert there(start.factor_a_layer) < there(start.bound_a_layer)
        assert (start.message_norm <= start.message_bound * (1 + 1e-12)).all()


@pytest.mark.parametrize(
    "bad",
    [
        {"activations": ("softplus",)},
        {"activations": ()},
        {"activations": ("relu", "relu")},
        {"depths": (0,)},
        {"depths": ()},
        {"depths": (1, 1)},
        {"weight": 6},
        {"n_seeds": 0},
    ],
)
def test_bad_configs_are_refused(bad):
    with pytest.raises(InputError):
        DepthConfig(**bad)


def trained(activation, depth, accuracies):
    n = len(accuracies)
    made = np.array(accuracies)
    return TrainedDepth(
        activation, depth, np.array([200, 400]), np.ones((n, 2)), np.stack([made, made], 1),
        np.full((n, 3), 0.25), made, 1 - made,
    )  # fmt: skip


def start(activation, layers, factor=0.1):
    norm = np.tile(factor ** np.arange(layers, 0, -1.0), (2, 1))
    return DepthStart(activation, norm, norm, norm * 2)


def result_of(*cells, layers=4):
    names = dict.fromkeys(cell.activation for cell in cells)
    starts = tuple(start(name, layers) for name in names)
    return DepthResult(starts, cells, 5, 3, 8, layers - 1, cells[0].n, 400, 0.1)


RELU = trained("relu", 2, [1.0, 1.0])
SIGMOID = trained("sigmoid", 2, [0.5, 0.6])


def test_activations_are_contrasted_only_at_a_depth_that_both_were_trained_at():
    said = plain(contrast(result_of(RELU, SIGMOID)))
    assert said == "With 2 hidden layers every ReLU network learned and no sigmoid network did. "
    assert contrast(result_of(RELU, trained("sigmoid", 3, [0.5, 0.6]))) == ()
    assert contrast(result_of(trained("relu", 2, [1.0, 0.5]), SIGMOID)) == ()
    assert contrast(result_of(SIGMOID)) == ()
    assert contrast(result_of(RELU)) == ()
    assert contrast(result_of(RELU, trained("sigmoid", 2, [1.0, 0.5]))) == ()


def test_sigmoid_networks_that_learned_are_named_beside_those_that_did_not():
    result = result_of(
        RELU, SIGMOID, trained("relu", 1, [1.0, 1.0]), trained("sigmoid", 1, [1.0, 1.0])
    )
    said = plain(contrast(result))
    assert "Sigmoid networks with 1 hidden layer learned every time" in said


def test_one_training_each_is_said_so():
    result = result_of(trained("relu", 1, [1.0]), trained("sigmoid", 1, [0.5]))
    assert "With 1 hidden layer the one ReLU network learned" in plain(contrast(result))
    assert basis(result).spread == "none, one each"
    assert "Median" not in plain(of_kind(Table, account(result)[2]).header[3])


def test_the_factor_a_layer_needs_two_hidden_layers():
    assert "multiplies what comes back by 0.1 for relu" in plain(fading(result_of(RELU)))
    assert fading(result_of(RELU, layers=2)) == ()


def test_the_factor_leaves_the_output_layer_out():
    norm = np.array([[0.01, 0.1, 1.0, 7.0]])
    assert replace(start("relu", 4), message_norm=norm).factor_a_layer == pytest.approx(0.1)


def test_one_hidden_layer_has_no_layer_to_fade_through():
    assert "one hidden layer" in draw(FIGURES[0], result_of(RELU, layers=2), ("svg",)).caption
    assert _fading(result_of(RELU, layers=2)) == "One hidden layer: nothing to fade through"
    assert _fading(result_of(RELU)).startswith("relu: messages fade 10-fold")


def test_gradients_over_sampled_inputs_are_said_to_be(tmp_path):
    wide = DepthConfig(
        n_features=26, weight=2, width=4, depths=(1,), shown=2, activations=("relu",), n_seeds=1,
        training=replace(SHORT, n_iterations=200),
    )  # fmt: skip
    result = run_experiment(EXPERIMENT, wide, RunStore(tmp_path)).result
    for figure in FIGURES:
        assert "over 4,096 random inputs" in draw(figure, result, ("svg",)).caption
    for figure in FIGURES:
        assert "over all 2" in draw(figure, result_of(RELU, SIGMOID), ("svg",)).caption


def test_a_message_that_dies_on_its_way_back_is_multiplied_by_nothing(tmp_path):
    config = replace(CONFIG, width=1, depths=(1,), shown=8, activations=("relu",), n_seeds=3)
    result = run_experiment(EXPERIMENT, config, RunStore(tmp_path)).result
    (start,) = result.starts
    assert (start.message_norm[:, 0] == 0).any()
    assert start.factor_a_layer == 0
    assert start.first_over_last == 0
    assert "by 0 for relu" in plain(fading(result))
    assert _fading(result) == "relu: messages do not reach the first layer"
    for figure in FIGURES:
        assert "nan" not in draw(figure, result, ("svg",)).alt


def test_the_gradients_before_training_are_of_the_loss_that_was_asked_for(tmp_path):
    training = replace(SHORT, loss="square", n_iterations=200)
    config = replace(CONFIG, n_features=4, weight=2, n_seeds=1, training=training)
    for start in run_experiment(EXPERIMENT, config, RunStore(tmp_path)).result.starts:
        network = DeepNetwork(4, [8] * 3, start.activation, seed=3).double()
        task = ParityTask.random(4, 3, 2)
        x = task.all_inputs().double()
        (0.5 * (network(x) - task.labels(x)) ** 2).mean().backward()
        slow = [there(p.grad).norm().item() for p in network.parameters() if p.ndim == 2]
        np.testing.assert_allclose(start.gradient_norm[0], slow, rtol=1e-9)
