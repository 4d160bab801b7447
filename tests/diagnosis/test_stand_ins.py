"""Gradients that are no slopes on purpose: none is to be accused, and a wrong one beside them is."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Adam

from pitfalls import diagnose
from pitfalls.diagnosis import ask_wiring
from pitfalls.diagnosis.evidence.wiring import WiringEvidence
from tests.kinds import of_kind


def classes(n=400, d=16, k=3):
    x = torch.randn(n, d, generator=torch.Generator().manual_seed(0))
    return x, x[:, :k].argmax(1)


class _Signs(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return torch.where(x >= 0, 1.0, -1.0).to(x)

    @staticmethod
    def backward(ctx: Any, flowing: Tensor) -> Tensor:
        return flowing


class _ScaledSigns(torch.autograd.Function):
    """Signs and their scale in one: the loss is not level, and the gradient is not its slope."""

    @staticmethod
    def forward(ctx: Any, w: Tensor) -> Tensor:
        return torch.sign(w) * w.abs().mean()

    @staticmethod
    def backward(ctx: Any, flowing: Tensor) -> Tensor:
        return flowing


class _Rounds(torch.autograd.Function):
    """Rounded to a learned step, whose own gradient stands in too."""

    @staticmethod
    def forward(ctx: Any, w: Tensor, step: Tensor) -> Tensor:
        ctx.save_for_backward(w, step)
        return (w / step).round().clamp(-4, 3) * step

    @staticmethod
    def backward(ctx: Any, flowing: Tensor) -> tuple[Tensor, Tensor]:
        w, step = ctx.saved_tensors
        q = w / step
        inside = (q >= -4) & (q <= 3)
        slope = torch.where(inside, q.round() - q, q.clamp(-4, 3).sign() * 4)
        return flowing * inside, (flowing * slope).sum()


class _Spikes(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, v: Tensor) -> Tensor:
        ctx.save_for_backward(v)
        return (v > 0).to(v)

    @staticmethod
    def backward(ctx: Any, flowing: Tensor) -> Tensor:
        (v,) = ctx.saved_tensors
        back: Tensor = flowing / (1 + 10 * v.abs()) ** 2
        return back


class _Own(nn.Linear):
    """A layer whose weight passes a function of ours."""

    def __init__(self, enter, leave, how):
        super().__init__(enter, leave)
        self.how, self.step = how, nn.Parameter(self.weight.detach().abs().mean())

    def forward(self, x):
        w = self.weight
        if self.how == "signs of weights and of inputs":
            return functional.linear(
                _Signs.apply(x), _Signs.apply(w) * w.abs().mean(1, keepdim=True)
            )
        if self.how == "rounded to a learned step":
            return functional.linear(x, _Rounds.apply(w, self.step))
        if self.how == "fake quantisation":
            scale = float(w.detach().abs().max() / 7)
            return functional.linear(x, torch.fake_quantize_per_tensor_affine(w, scale, 0, -8, 7))
        if self.how == "by .data":
            return functional.linear(x, w + (torch.sign(w) * w.abs().mean() - w).data)
        if self.how == "spikes and what leads to them":
            v = functional.linear(x, w) * self.step
            return _Spikes.apply(v) + 0.1 * v
        return functional.linear(x, _ScaledSigns.apply(w))


STEPS = (
    "signs of weights and of inputs",
    "signs and scale in one",
    "rounded to a learned step",
    "fake quantisation",
    "by .data",
    "spikes and what leads to them",
)


@pytest.mark.parametrize("how", STEPS)
def test_what_stands_in_for_steps_beside_a_slope_is_no_wrong_gradient(how):
    x, y = classes()
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(16, 48), nn.BatchNorm1d(48), _Own(48, 48, how), nn.Linear(48, 3)
    )
    found = diagnose(
        model, functional.cross_entropy, x, y, Adam(model.parameters(), 1e-2),
        questions=["wiring", "schedule"], budget=5,
    )  # fmt: skip
    card = found.card("wiring")
    assert card.verdict == "stopped-gradient"
    assert of_kind(WiringEvidence, card.evidence).wrong_slopes == ()
    assert card.check(model, functional.cross_entropy, x, y)
    assert found.cause == "healthy"


class _Taught(nn.Module):
    """Its own soft answer to the input moved a little is a second label."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(nn.Linear(16, 32), nn.Tanh(), nn.Linear(32, 3))

    def forward(self, x):
        with torch.no_grad():
            soft = self.body(x + 0.1).softmax(1)
        return self.body(x), soft


def taught(outputs, y):
    own, soft = outputs
    return functional.cross_entropy(own, y) + functional.cross_entropy(own, soft)


def focal(outputs, y):
    each = functional.cross_entropy(outputs, y, reduction="none")
    with torch.no_grad():
        share = (1 - torch.exp(-each)) ** 2
    return (share * each).mean()


class _Reversed(torch.autograd.Function):
    """Hands on what it is given, and turns the gradient: made for what it does on the way back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, flowing: Tensor) -> Tensor:
        return -flowing


class _Heads(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.body, self.one, self.two = nn.Linear(16, 32), nn.Linear(32, 3), nn.Linear(32, 2)

    def forward(self, x):
        h = torch.tanh(self.body(x))
        return self.one(h), self.two(_Reversed.apply(h))


def adverse(outputs, y):
    return functional.cross_entropy(outputs[0], y) + functional.cross_entropy(outputs[1], y % 2)


def plain():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(16, 32), nn.Tanh(), nn.Linear(32, 3))


def scaled_within():
    model = plain()

    def hook(module, into, out):
        return tuple(None if g is None else 0.1 * g for g in into)

    model[2].register_full_backward_hook(hook)
    return model


class _ScaledState(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.body, self.head = nn.Linear(16, 32), nn.Linear(32, 3)

    def forward(self, x):
        h = torch.tanh(self.body(x))
        if h.requires_grad:
            h.register_hook(lambda g: 0.1 * g)
        return self.head(h)


def frequent():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Embedding(9, 8, scale_grad_by_freq=True), nn.Flatten(), nn.Linear(128, 3)
    )


ON_PURPOSE = {
    "a teacher without gradients": (_Taught, taught),
    "weights without gradients": (plain, focal),
    "a reversed gradient": (_Heads, adverse),
    "a module's hook": (scaled_within, functional.cross_entropy),
    "a state's hook": (_ScaledState, functional.cross_entropy),
    "shares by frequency": (frequent, functional.cross_entropy),
}


@pytest.mark.parametrize(("make", "loss"), ON_PURPOSE.values(), ids=ON_PURPOSE)
def test_a_gradient_that_is_stopped_or_changed_on_purpose_is_no_wrong_one(make, loss):
    x, y = classes()
    model = make()
    if make is frequent:
        x = torch.randint(0, 9, (400, 16), generator=torch.Generator().manual_seed(0))
        y = (x[:, :8] < 3).sum(1).div(3).long().clamp(max=2)
    hooks = [len(p._backward_hooks or {}) for p in model.parameters()]
    card = ask_wiring(model, loss, x, y, Adam(model.parameters(), 1e-2))
    assert card.verdict == "stopped-gradient"
    assert "hook" in card.evidence.findings[0]
    assert of_kind(WiringEvidence, card.evidence).wrong_slopes == ()
    assert card.check(model, loss, x, y)
    assert [len(p._backward_hooks or {}) for p in model.parameters()] == hooks
    assert "apply" not in vars(_Reversed)


class _Off(torch.autograd.Function):
    """A ReLU whose backward pass forgets where it is zero."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, flowing: Tensor) -> Tensor:
        return flowing


def test_a_wrong_backward_pass_is_wrong_beside_hooks_and_what_has_no_gradient():
    x, y = classes()

    class Wrong(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.body, self.head = nn.Linear(16, 32), nn.Linear(32, 3)

        def forward(self, x):
            return self.head(_Off.apply(self.body(x)))

    model = Wrong()
    for p in model.parameters():
        p.register_hook(lambda g: 0.5 * g)
    card = ask_wiring(model, focal, x, y)
    assert card.verdict == "gradient-wrong"
    assert card.check(model, focal, x, y)


class _Queue(nn.Module):
    """Keeps what it saw, written without gradients."""

    seen: Tensor

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Linear(16, 3)
        self.register_buffer("seen", torch.zeros(3))

    def forward(self, x):
        out = self.body(x)
        with torch.no_grad():
            self.seen.copy_(out.mean(0))
            self.seen.mul_(0.5)
        return out


def test_what_a_model_writes_without_gradients_has_no_graph_afterwards():
    x, y = classes()
    model = _Queue()
    assert ask_wiring(model, focal, x, y).verdict == "stopped-gradient"
    assert model.seen.is_leaf
    assert torch.equal(model.seen, torch.zeros(3))


def test_steps_within_the_backward_pass_are_set_aside_and_their_state_is_kept():
    x, y = classes()
    model = plain()
    steppers = {p: Adam([p], 1e-2) for p in model.parameters()}

    def step(p: Tensor) -> None:
        steppers[p].step()
        steppers[p].zero_grad()

    for p in model.parameters():
        p.register_post_accumulate_grad_hook(step)
    before = [p.detach().clone() for p in model.parameters()]
    found = diagnose(model, functional.cross_entropy, x, y, budget=5)
    assert found.cause == "healthy"
    assert found.card("wiring").verdict == "sound"
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    assert not any(stepper.state for stepper in steppers.values())
    functional.cross_entropy(model(x), y).backward()
    assert all(stepper.state for stepper in steppers.values())


@pytest.mark.parametrize("change", [lambda g: -g, lambda g: g.clamp(-1e-3, 1e-3)])
def test_a_hook_on_a_weight_that_changes_its_gradient_makes_it_wrong(change):
    x, y = classes()
    model = plain()
    model[0].weight.register_hook(change)
    optimizer = Adam(model.parameters(), 1e-2)
    assert diagnose(model, functional.cross_entropy, x, y, optimizer).causes == ("gradient-wrong",)
