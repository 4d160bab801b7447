"""What is taken as weights, wherever weights are."""

import copy
import inspect

import numpy as np
import pytest
import torch
from torch import nn

from pitfalls import linear
from pitfalls.errors import InputError
from pitfalls.linear import (
    DeepLinearNetwork,
    SquaredRisk,
    balancedness,
    classify,
    critical_point,
    curvature_along,
    dense_hessian,
    descend,
    end_to_end,
    factorize,
    lowest_curvature,
    nearest_representable,
    numerical_rank,
    optimality_certificate,
    risk_along,
)
from pitfalls.linear.network import as_weights
from pitfalls.moments import SecondMoments
from tests.linear.problems import make_risk, random_weights

WIDTHS = (5, 4, 4, 3)
TAKE_WEIGHTS = {
    "value": lambda r, w: r.value(w),
    "excess": lambda r, w: r.excess(w),
    "end_to_end_gradient": lambda r, w: r.end_to_end_gradient(w),
    "layer_gradients": lambda r, w: r.layer_gradients(w),
    "hessian_vector_product": lambda r, w: r.hessian_vector_product(w, random_weights(WIDTHS)),
    "classify": lambda r, w: classify(r, w).excess,
    "certificate": lambda r, w: optimality_certificate(r, w).excess,
    "curvature_along": lambda r, w: curvature_along(r, w, random_weights(WIDTHS)),
    "lowest_curvature": lambda r, w: lowest_curvature(r, w).value,
    "dense_hessian": lambda r, w: dense_hessian(r, w),
    "descend": lambda r, w: descend(r, w, steps=2).weights,
    "risk_along": lambda r, w: risk_along(r, w, random_weights(WIDTHS), np.array([0.0, 0.1])),
    "end_to_end": lambda _, w: end_to_end(w),
    "balancedness": lambda _, w: balancedness(w),
    "from_weights": lambda _, w: DeepLinearNetwork.from_weights(w).end_to_end(),
}


def values(found):
    if isinstance(found, tuple | list):
        return np.concatenate([np.ravel(values(part)) for part in found])
    return found.detach().numpy() if isinstance(found, torch.Tensor) else np.asarray(found)


def sequential(weights):
    layers = []
    for w in weights:
        layer = nn.Linear(w.shape[1], w.shape[0], bias=False, dtype=torch.float64)
        layer.weight.data.copy_(torch.from_numpy(w))
        layers.append(layer)
    return nn.Sequential(layers[0], nn.Sequential(*layers[1:]))


@pytest.mark.parametrize("name", TAKE_WEIGHTS)
def test_a_sequential_of_linear_layers_is_taken_wherever_weights_are(name):
    risk, weights = make_risk(), random_weights(WIDTHS, seed=1)
    wanted = values(TAKE_WEIGHTS[name](risk, weights))
    np.testing.assert_allclose(
        values(TAKE_WEIGHTS[name](risk, sequential(weights))), wanted, rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize("name", TAKE_WEIGHTS)
@pytest.mark.parametrize("kind", ["tensor", "array"])
def test_whole_numbers_give_what_the_same_floats_give(name, kind):
    rng = np.random.default_rng(2)
    whole = [np.rint(3 * w).astype(np.int64) for w in random_weights(WIDTHS, seed=1)]
    risk = SquaredRisk(
        SecondMoments.from_arrays(rng.standard_normal((20, 5)), rng.standard_normal((20, 3)))
    )
    wanted = values(TAKE_WEIGHTS[name](risk, [w.astype(float) for w in whole]))
    given = [torch.from_numpy(w) for w in whole] if kind == "tensor" else whole
    found = values(TAKE_WEIGHTS[name](risk, given))
    assert found.dtype.kind == "f"
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.int64, torch.uint8, torch.bool])
def test_maps_of_whole_numbers_are_not_truncated(dtype):
    target = torch.tensor([[1, 0, 1], [1, 1, 0]]).to(dtype)
    layers = factorize(target, (3, 2, 2))
    torch.testing.assert_close(layers[1] @ layers[0], target.double())
    nearest = nearest_representable(target, (3, 1, 2))
    left, s, right = np.linalg.svd(target.double().numpy(), full_matrices=False)
    np.testing.assert_allclose(nearest.numpy(), s[0] * np.outer(left[:, 0], right[0]))
    assert numerical_rank(target) == 2


BAD = {
    "complex array": ([np.ones((3, 5)) * 1j], "must hold real numbers. Got dtype complex128"),
    "complex tensor": ([torch.ones(3, 5, dtype=torch.complex64)], "Got torch.complex64"),
    "strings": ([np.array([["a", "b"]])], "must hold real numbers"),
    "objects": ([np.array([[None, 1.0]])], "must hold real numbers"),
    "ragged": ([[[1.0, 2.0], [1.0]]], "is not a matrix"),
    "masked": ([np.ma.masked_equal(np.ones((3, 5)), 2.0)], r"masked array; fill it first"),
    "a bias": (nn.Sequential(nn.Linear(5, 3)), "Got Linear with a bias"),
    "an activation": (nn.Sequential(nn.Linear(5, 3, bias=False), nn.ReLU()), "Got ReLU"),
    "another module": (nn.Conv2d(3, 3, 1, bias=False), "Got Conv2d"),
    "an empty one": (nn.Sequential(), "no layers came"),
}


@pytest.mark.parametrize("name", TAKE_WEIGHTS)
@pytest.mark.parametrize("bad", BAD)
def test_what_is_no_real_matrix_or_no_linear_map_is_refused(name, bad):
    weights, message = BAD[bad]
    with pytest.raises(InputError, match=message):
        TAKE_WEIGHTS[name](make_risk(), weights)


def test_a_linear_layer_that_does_something_else_is_refused():
    class Squared(nn.Linear):
        def forward(self, x):
            return super().forward(x) ** 2

    hooked = nn.Linear(5, 3, bias=False)
    hooked.register_forward_hook(lambda module, args, out: out + 1)
    for layer in (Squared(5, 3, bias=False), hooked):
        with pytest.raises(InputError, match="a module must be"):
            make_risk().value(nn.Sequential(layer))


def test_a_network_that_does_more_than_its_layers_is_refused():
    class Rectified(nn.Sequential):
        def forward(self, x):
            return torch.relu(super().forward(x))

    class Residual(DeepLinearNetwork):
        def forward(self, x):
            return super().forward(x) + x[:, :3]

    layer = nn.Linear(5, 3, bias=False)
    for network in (nn.Sequential(layer), DeepLinearNetwork([5, 3])):
        hooked = copy.deepcopy(network)
        hooked.register_forward_hook(lambda module, args, out: torch.relu(out))
        overruled = copy.deepcopy(network)
        overruled.forward = lambda x: torch.zeros(len(x), 3)  # type: ignore[method-assign]
        for changed in (hooked, overruled):
            with pytest.raises(InputError, match=r"with hooks|a forward pass of its own"):
                make_risk().value(changed)
    for changed in (Rectified(layer), Residual([5, 3])):
        with pytest.raises(InputError, match="with a forward pass of its own"):
            make_risk().value(changed)


def test_a_subclass_that_changes_nothing_and_a_layer_that_stands_twice_are_taken():
    class Named(nn.Sequential):
        pass

    class Mine(DeepLinearNetwork):
        pass

    shared = nn.Linear(5, 5, bias=False)
    weight = shared.weight.detach().numpy()
    taken = as_weights(Named(shared, shared, *Named(shared)), "value")
    assert [layer.tolist() for layer in taken] == 3 * [weight.tolist()]
    assert len(as_weights(Mine([5, 4, 3]), "value")) == 2


def test_a_sequential_stays_differentiable():
    network = sequential(random_weights(WIDTHS))
    risk = make_risk()
    risk.value(network).backward()
    wanted = risk.layer_gradients(random_weights(WIDTHS))
    for parameter, gradient in zip(network.parameters(), wanted, strict=True):
        np.testing.assert_allclose(parameter.grad.numpy(), gradient)


@pytest.mark.parametrize(
    "name",
    [n for n in linear.__all__ if inspect.isfunction(getattr(linear, n))],
)
def test_the_risk_comes_first_wherever_there_is_one(name):
    parameters = list(inspect.signature(getattr(linear, name)).parameters)
    assert "risk" not in parameters[1:]


@pytest.mark.parametrize(
    "name", ["classify", "certificate", "curvature_along", "lowest_curvature", "dense_hessian"]
)
def test_weights_are_checked_once_a_call(name, monkeypatch):
    from pitfalls.linear import certificate, classification, curvature, network, risk

    calls = []
    real = network.layers_of

    def counted(weights, who):
        calls.append(who)
        return real(weights, who)

    for module in (network, risk):
        monkeypatch.setattr(module, "layers_of", counted)
    for module in (certificate, classification, curvature):
        if hasattr(module, "layers_of"):
            monkeypatch.setattr(module, "layers_of", counted)
    problem = make_risk()
    for kind in ("global minimum", "strict saddle", "non-strict saddle"):
        point = critical_point(problem, WIDTHS, kind=kind)
        calls.clear()
        TAKE_WEIGHTS[name](problem, point)
        direction = ["curvature_along: direction"] if name == "curvature_along" else []
        assert len(calls) == 1 + len(direction)
        assert calls[1:] == direction
