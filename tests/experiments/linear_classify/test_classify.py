import numpy as np
import pytest
from matplotlib.figure import Figure as MplFigure

from pitfalls.errors import DataError, InputError
from pitfalls.experiments.linear_classify import EXPERIMENT, ClassifyConfig
from pitfalls.experiments.linear_classify.figures import FIGURES
from pitfalls.experiments.linear_classify.run import fingerprint_of, read_layers
from pitfalls.experiments.linear_verdict import Sloping
from pitfalls.frame.experiment import run_experiment
from pitfalls.linear import DeepLinearNetwork, SquaredRisk, classify
from pitfalls.moments import SecondMoments
from pitfalls.plots import draw
from tests.experiments.linear_cases import planted, store  # noqa: F401
from tests.kinds import of_kind


@pytest.mark.parametrize("kind", ["global minimum", "strict saddle", "non-strict saddle"])
def test_classify_returns_the_kind_asked_for_and_draws_its_line(store, kind):  # noqa: F811
    result = run_experiment(EXPERIMENT, ClassifyConfig(kind=kind), store).result
    assert result.point.verdict == kind
    middle = len(result.lengths) // 2
    assert result.risk[middle] == pytest.approx(result.point.risk)
    if kind == "strict saddle":
        assert result.risk.min() < result.point.risk
    assert kind in draw(FIGURES[0], result, ("svg",)).alt


def weights_config(tmp_path, layers):
    path = tmp_path / "weights.npz"
    np.savez(path, **{f"w{i}": w for i, w in enumerate(layers, start=1)})
    return ClassifyConfig(weights=str(path), fingerprint=fingerprint_of(read_layers(path)))


def test_classify_takes_given_layers_and_keeps_them_as_arrays(store, tmp_path):  # noqa: F811
    network = DeepLinearNetwork([6, 5, 4])
    config = weights_config(tmp_path, [w.detach().numpy() for w in network.weights])
    finished = run_experiment(EXPERIMENT, config, store)
    assert finished.result.point.verdict == "not critical"
    assert isinstance(finished.result.point.witness, Sloping)
    np.testing.assert_array_equal(
        finished.result.layers[0], network.weights[0].detach().double().numpy()
    )
    assert (finished.run.path / "manifest.json").stat().st_size < 5000
    assert "A point that is not critical" in draw_title(finished.result)


@pytest.mark.parametrize(("dtype", "verdict"), [("f4", "strict saddle"), ("f8", "not critical")])
def test_layers_of_float32_are_judged_at_its_precision(store, tmp_path, dtype, verdict):  # noqa: F811
    made = run_experiment(EXPERIMENT, ClassifyConfig(kind="strict saddle"), store).result.layers
    rounded = [w.astype(np.float32).astype(dtype) for w in made]
    found = run_experiment(EXPERIMENT, weights_config(tmp_path, rounded), store).result
    assert found.point.verdict == verdict


def draw_title(result):
    import matplotlib.pyplot as plt

    figure = of_kind(MplFigure, FIGURES[0].draw(result).figure)
    plt.close(figure)
    return figure.axes[0].get_title()


def test_weights_that_changed_since_are_refused(store, tmp_path):  # noqa: F811
    config = weights_config(tmp_path, [np.eye(6), np.eye(6)[:4]])
    np.savez(tmp_path / "weights.npz", w1=np.eye(6), w2=2 * np.eye(6)[:4])
    with pytest.raises(DataError, match="have changed"):
        run_experiment(EXPERIMENT, config, store)


def test_no_mode_can_be_asked_for(store):  # noqa: F811
    config = ClassifyConfig(widths=(6, 4, 4), held=(0,))
    assert run_experiment(EXPERIMENT, config, store).result.point.modes == ()


def test_nothing_to_learn_makes_every_such_point_a_global_minimum(store):  # noqa: F811
    result = run_experiment(EXPERIMENT, ClassifyConfig(planted(0.0, 0.0)), store).result
    assert result.point.verdict == "global minimum"


@pytest.mark.parametrize("wrong", [{"tol": 0.0}, {"held": (0, 1)}, {"weights": "a", "held": (1,)}])
def test_bad_configs_are_refused(wrong):
    with pytest.raises(InputError):
        ClassifyConfig(**wrong)


def test_a_network_trained_by_torch_is_judged():
    import torch

    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((50, 4)), rng.standard_normal((50, 2))
    risk = SquaredRisk(SecondMoments.from_arrays(x, y))
    network = DeepLinearNetwork([4, 3, 2], dtype=torch.float64)
    optimizer = torch.optim.LBFGS(
        network.parameters(),
        max_iter=500,
        tolerance_grad=1e-12,
        tolerance_change=0,
        line_search_fn="strong_wolfe",
    )

    def closure():
        optimizer.zero_grad()
        loss = 0.5 * ((network(torch.tensor(x)) - torch.tensor(y)) ** 2).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert classify(risk, network, tol=1e-6).verdict == "global minimum"


def test_a_point_that_is_not_critical_holds_no_modes_and_none_are_named(store, tmp_path):  # noqa: F811
    rng = np.random.default_rng(0)
    layers = [rng.standard_normal((4, 6)), rng.standard_normal((4, 4))]
    result = run_experiment(EXPERIMENT, weights_config(tmp_path, layers), store).result
    assert draw_title(result) == "A point that is not critical"
    zero = weights_config(tmp_path, [0 * w for w in layers])
    title = draw_title(run_experiment(EXPERIMENT, zero, store).result)
    assert title == "A strict saddle, holding no mode"


def test_small_weights_are_drawn_along_their_gradient(store, tmp_path):  # noqa: F811
    rng = np.random.default_rng(0)
    layers = [1e-100 * rng.standard_normal(shape) for shape in ((5, 6), (5, 5), (4, 5))]
    result = run_experiment(EXPERIMENT, weights_config(tmp_path, layers), store).result
    assert result.point.verdict == "not critical"
    assert min(of_kind(Sloping, result.point.witness).norms) > 0
    assert np.isfinite(result.risk).all()
    assert "steepest descent" in draw(FIGURES[0], result, ()).alt
