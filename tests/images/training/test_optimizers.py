import math

import pytest
import torch
from torch import nn

from pitfalls.errors import InputError
from pitfalls.images.networks.fastnet import FastNet
from pitfalls.images.training.memory import load_memory, optimizer_memory
from pitfalls.images.training.optimizers import Muon, make_optimizers, orthogonalize


@pytest.mark.parametrize("shape", [(4, 9), (9, 4), (5, 5)])
def test_orthogonalize_applies_the_quintic_to_the_singular_values(shape):
    torch.manual_seed(0)
    matrix = torch.randn(shape, dtype=torch.float64)
    u, s, vt = torch.linalg.svd(matrix / matrix.norm(), full_matrices=False)
    for _ in range(3):
        s = 3.4445 * s - 4.775 * s**3 + 2.0315 * s**5
    torch.testing.assert_close(orthogonalize(matrix), u @ s.diag() @ vt, atol=1e-5, rtol=0)


def test_orthogonalize_brings_singular_values_near_one():
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonalize(torch.randn(16, 64), steps=5))
    assert values.min() > 0.6
    assert values.max() < 1.3


def test_muon_steps_as_written_out():
    torch.manual_seed(0)
    weight = nn.Parameter(torch.randn(4, 3, 3, 3, dtype=torch.float64))
    gradients = torch.randn(3, *weight.shape, dtype=torch.float64)
    expected, velocity = weight.detach().clone(), torch.zeros_like(weight)
    for g in gradients:
        velocity = 0.6 * velocity + g
        expected = expected * (4**0.5 / expected.norm())
        step = orthogonalize((g + 0.6 * velocity).reshape(4, -1)).reshape(weight.shape)
        expected = expected - 0.1 * step
    muon = Muon([weight], lr=0.1)
    for g in gradients:
        weight.grad = g.clone()
        muon.step()
    torch.testing.assert_close(weight.detach(), expected)


def test_muon_takes_convolutions_and_sgd_the_rest():
    network = FastNet(widths=(4, 4, 4))
    sgd, muon = make_optimizers(network, optimizer="muon", weight_decay=1e-3)
    assert {p.ndim for group in muon.param_groups for p in group["params"]} == {4}
    biases, head = sgd.param_groups
    assert {p.ndim for p in biases["params"]} == {1}
    assert [p.ndim for p in head["params"]] == [2]
    # the same shrinkage a step in both groups
    assert biases["scale"] * biases["weight_decay"] == pytest.approx(1e-3)
    assert head["scale"] * head["weight_decay"] == pytest.approx(1e-3)


def test_memory_is_put_back_in_the_parameters_own_layout():
    network = nn.Conv2d(3, 4, 3)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's own lack
    optimizers = make_optimizers(network, momentum=0.9)
    network(torch.randn(1, 3, 5, 5)).sum().backward()
    optimizers[0].step()
    tensors, plain = optimizer_memory(network, optimizers)
    kept = {name: t.contiguous() for name, t in tensors.items()}
    fresh = make_optimizers(network, momentum=0.9)
    load_memory(network, fresh, kept, plain)
    memory = fresh[0].state[network.weight]["momentum_buffer"]
    assert memory.stride() == network.weight.stride()
    assert torch.equal(memory, kept["weight/momentum_buffer"])


def test_muon_moves_a_weight_that_starts_at_zero():
    layer = nn.Conv2d(2, 3, 1, bias=False)
    nn.init.zeros_(layer.weight)
    (layer(torch.ones(1, 2, 1, 1)) * torch.tensor([1.0, -2.0, 0.5])[:, None, None]).sum().backward()
    Muon(list(layer.parameters())).step()
    assert layer.weight.isfinite().all()
    assert layer.weight.norm() > 0.1


def test_vectors_are_not_for_muon():
    with pytest.raises(InputError, match="two dimensions"):
        Muon([nn.Parameter(torch.zeros(3))])


def test_unknown_optimizers_and_frozen_models_are_refused():
    with pytest.raises(InputError, match="sgd, adamw or muon"):
        make_optimizers(nn.Linear(2, 2), optimizer="adam")
    with pytest.raises(InputError, match="no parameter"):
        make_optimizers(nn.Linear(2, 2).requires_grad_(False))


def test_muon_calls_a_closure_with_gradients_and_returns_its_loss():
    torch.manual_seed(0)
    weight = nn.Parameter(torch.randn(4, 3))
    twin = nn.Parameter(weight.detach().clone())
    by_closure, by_hand = Muon([weight]), Muon([twin])

    def closure():
        by_closure.zero_grad()
        loss = (weight**2).sum() * weight[0, 0]
        loss.backward()
        return loss

    returned = by_closure.step(closure)
    loss = (twin**2).sum() * twin[0, 0]
    loss.backward()
    assert by_hand.step() is None
    assert returned.item() == loss.item()
    assert torch.equal(weight, twin)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"lr": -1.0}, "lr must be finite and not negative. Got -1.0"),
        ({"lr": math.nan}, "lr must be finite and not negative. Got nan"),
        ({"lr": math.inf}, "lr must be finite"),
        ({"momentum": 1.0}, r"momentum must be in \[0, 1\)"),
        ({"momentum": math.nan}, "momentum"),
        ({"steps": 0}, "steps must be a whole number"),
        ({"steps": 2.5}, "steps must be a whole number"),
    ],
)
def test_values_without_meaning_are_refused_for_all_and_for_one_group(wrong, says):
    weight = nn.Parameter(torch.ones(2, 2))
    with pytest.raises(InputError, match=says):
        Muon([weight], **wrong)
    muon = Muon([weight])
    with pytest.raises(InputError, match=says):
        muon.add_param_group({"params": [nn.Parameter(torch.ones(2, 2))], **wrong})
    assert len(muon.param_groups) == 1


def test_complex_weights_and_sparse_gradients_are_not_for_muon():
    with pytest.raises(InputError, match="must be real"):
        Muon([nn.Parameter(torch.ones(2, 2, dtype=torch.complex64))])
    table = nn.Embedding(5, 3, sparse=True)
    table(torch.tensor([1, 2])).sum().backward()
    with pytest.raises(InputError, match="must be dense"):
        Muon(table.parameters()).step()
