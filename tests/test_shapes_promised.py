"""The shapes that the labs' annotations promise are really checked under test."""

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import jaxtyping
import numpy as np
import pytest
import torch
from torch import Tensor

import pitfalls.linear as linear
import pitfalls.moments as moments
import pitfalls.parity as parity
from pitfalls.linear import DeepLinearNetwork, Minimum, mode_strength
from pitfalls.linear.network import Weights
from pitfalls.moments import SecondMoments, whiten_inputs
from pitfalls.parity import LearningCurve, ParityTask, TwoLayerReLU, hinge_loss

# what takes arrays of any shape, or says its shape in words that no annotation has
ANY_SHAPE = {
    "ParityTask.__init__.mask",
    "exact_network.mask",
    "verify_exact.mask",
    "LearningState.tensors.return",
    "numerical_rank.target",
}
LABS = {parity: 150, linear: 150, moments: 40}  # and so many annotations at least


def bare_arrays(hint):
    """Find arrays in an annotation that come without a shape."""
    if isinstance(hint, type) and issubclass(hint, jaxtyping.AbstractArray):
        return []
    if hint in (
        Weights,
        Weights | None,
    ):  # layers of any kind and type: read, and refused, in words
        return []
    origin = get_origin(hint)
    if hint is Tensor or origin is np.ndarray or hint is np.ndarray:
        return [hint]
    if origin is Callable or isinstance(hint, TypeVar):
        return []
    return [found for part in get_args(hint) for found in bare_arrays(part)]


def promised(lab):
    """Give (name, annotation) for every public function, method and field."""
    for name in lab.__all__:
        thing = getattr(lab, name)
        functions = {name: thing}
        if inspect.isclass(thing):
            hints = get_type_hints(thing)
            yield from ((f"{name}.{field}", h) for field, h in hints.items() if field[0] != "_")
            functions = {
                f"{name}.{key}": value
                for key, value in vars(thing).items()
                if inspect.isfunction(value) and (key == "__init__" or key[0] != "_")
            }
        for key, function in functions.items():
            if inspect.isroutine(function):
                hints = get_type_hints(inspect.unwrap(function), localns={"Axes": object})
                yield from ((f"{key}.{argument}", hint) for argument, hint in hints.items())


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.__name__)
def test_every_public_array_comes_with_its_shape(lab):
    bare = {name for name, hint in promised(lab) if bare_arrays(hint)}
    assert bare - ANY_SHAPE == set()
    assert len(list(promised(lab))) > LABS[lab]


def noise():
    rng = np.random.default_rng(0)
    return SecondMoments.from_arrays(rng.standard_normal((9, 2)), rng.standard_normal((9, 2)))


def modes_of_noise():
    return linear.SquaredRisk(noise()).modes


def whitened():
    return whiten_inputs(noise())


@pytest.mark.parametrize(
    "call",
    [
        lambda: TwoLayerReLU(3, 2).gradient_squared_norm(torch.zeros(3)),
        lambda: TwoLayerReLU(3, 2)(torch.zeros(5, 4)),
        lambda: TwoLayerReLU(3, 2).load_flat(torch.zeros(3, 5)),
        lambda: hinge_loss(torch.zeros(3, dtype=torch.int64), torch.zeros(3)),
        lambda: LearningCurve(np.arange(3), np.zeros(3), np.zeros(3), np.zeros(3), np.zeros(2)),
        lambda: ParityTask.labels(ParityTask([1, 0]), torch.tensor(1.0)),
        lambda: DeepLinearNetwork([3, 2])(torch.zeros(3)),
        lambda: mode_strength(np.zeros((2, 2)), 1.0, 0.1, 2),
        lambda: Minimum(np.zeros(3), 0.0, 0.0, True, 1),
        lambda: replace(modes_of_noise(), left=np.zeros((2, 3))),
        lambda: modes_of_noise().excess(np.zeros(3), 1),
        lambda: replace(whitened(), mean=np.zeros(3)),
        lambda: whitened().solve(np.zeros(2)),
        lambda: whitened().lift(np.zeros(2)),
    ],
)
def test_a_shape_that_breaks_its_promise_fails_under_test(call: Callable[[], Any]):
    with pytest.raises(jaxtyping.TypeCheckError):
        call()


def test_a_result_of_another_shape_than_promised_fails_under_test(monkeypatch):
    network = TwoLayerReLU(3, 2)
    monkeypatch.setattr(network.output, "forward", lambda h: h[:1, :1])
    with pytest.raises(jaxtyping.TypeCheckError):
        network(torch.zeros(5, 3))


def test_a_whitening_of_another_shape_than_promised_fails_under_test(monkeypatch):
    white = whitened()
    monkeypatch.setattr(type(white.factor), "solve", lambda self, b: b[:, :1])
    with pytest.raises(jaxtyping.TypeCheckError):
        white.project(np.zeros((2, 4)))


def test_modes_of_another_shape_than_promised_fail_under_test(monkeypatch):
    modes = modes_of_noise()
    monkeypatch.setattr(type(modes), "whiten", np.zeros((2, 2, 2)))
    with pytest.raises(jaxtyping.TypeCheckError):
        _ = modes.lift
