from dataclasses import dataclass

import pytest
import torch

from pitfalls.errors import InputError
from pitfalls.parity import (
    CustomLoss,
    HingeLoss,
    LogisticLoss,
    SquareLoss,
    as_loss,
    hinge_loss,
    logistic_loss,
    named_loss,
    square_loss,
)

LOSSES = [HingeLoss(), HingeLoss("clamp"), HingeLoss("max"), SquareLoss(), LogisticLoss()]


def slope(loss, f, y):
    f = f.clone().requires_grad_()
    loss.per_sample(f, torch.full_like(f, y)).sum().backward()
    return f.grad


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_weights_are_the_even_and_odd_half_of_the_autograd_slope_kinks_included(loss):
    f = torch.tensor([-3.0, -1.0, -0.25, 0.0, 0.7, 1.0, 2.0], dtype=torch.float64)
    even, odd = loss.weights(f)
    plus, minus = slope(loss, f, 1.0), slope(loss, f, -1.0)
    torch.testing.assert_close(even, (plus + minus) / 2, rtol=1e-14, atol=1e-16)
    torch.testing.assert_close(odd, (plus - minus) / 2, rtol=1e-14, atol=1e-16)


@pytest.mark.parametrize(("boundary", "indicator"), [("relu", 0.0), ("clamp", 1.0), ("max", 0.5)])
def test_boundary_convention_is_what_it_says(boundary, indicator):
    even, odd = HingeLoss(boundary).weights(torch.tensor([1.0]))
    assert float(even) == (1 - indicator) / 2
    assert float(odd) == -(1 + indicator) / 2


def test_values_are_the_formulas():
    f, y = torch.tensor([0.5, -2.0, 3.0]), torch.tensor([1.0, 1.0, -1.0])
    assert hinge_loss(f, y).item() == pytest.approx((0.5 + 3 + 4) / 3)
    assert square_loss(f, y).item() == pytest.approx((0.25 + 9 + 16) / 6)
    assert logistic_loss(f, y).item() == pytest.approx(torch.log1p(torch.exp(-f * y)).mean().item())


@pytest.mark.parametrize("function", [hinge_loss, square_loss, logistic_loss])
def test_shapes_that_would_broadcast_are_refused(function):
    with pytest.raises(InputError, match=r"\(4, 1\) and \(4,\)"):
        function(torch.zeros(4, 1), torch.ones(4))


def test_losses_are_found_by_name_and_unknown_names_are_refused():
    assert [named_loss(n).name for n in ("hinge", "square", "logistic")] == [
        "hinge",
        "square",
        "logistic",
    ]
    with pytest.raises(InputError, match="one of hinge, square, logistic"):
        named_loss("l2")
    with pytest.raises(InputError, match="boundary"):
        HingeLoss("abs")  # type: ignore[arg-type]


def test_what_is_no_loss_is_refused_and_any_callable_is_one():
    for nothing in (3, None, HingeLoss, torch.nn.MSELoss):
        with pytest.raises(InputError, match="loss must be a name, a Loss or a function"):
            as_loss(nothing)  # type: ignore[arg-type]

    @dataclass
    class Scaled:  # compares by its fields, so it has no hash
        scale: float = 2.0

        def __call__(self, outputs, labels):
            return self.scale * ((outputs - labels) ** 2).mean()

    assert isinstance(as_loss(Scaled()), CustomLoss)
    assert isinstance(as_loss(hinge_loss), HingeLoss)
