"""Faults of wiring: exact properties that a network, a loss or an optimizer should not have."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD, Adam

from pitfalls.diagnosis.zoo.networks import Convolutional, Through
from pitfalls.diagnosis.zoo.setup import (
    Case,
    classes_of_teacher,
    digits,
    generator,
    mlp,
    setup,
)

cross_entropy = functional.cross_entropy


def _number(seed: int, n: int = 600) -> tuple[Tensor, Tensor]:
    g = generator(seed)
    x = torch.randn(n, 6, generator=g)
    return x, x @ torch.randn(6, generator=g) + 0.1 * torch.randn(n, generator=g)


@setup("broadcast", "loss-mixes-samples", "tuning")
def broadcast(seed: int) -> Case:
    """Outputs (n, 1) against labels (n,) in a squared loss."""
    x, y = _number(seed)
    model = mlp(6, 32, 1)
    return Case(model, lambda o, t: ((o - t) ** 2).mean(), x, y, Adam(model.parameters(), 3e-3))


@setup("broadcast-labels", "loss-mixes-samples", "reported")
def broadcast_labels(seed: int) -> Case:
    """Outputs (n,) against labels (n, 1) in a logistic loss."""
    x, y = classes_of_teacher(seed, n_classes=2)
    model = nn.Sequential(mlp(20, 32, 1), nn.Flatten(0))
    signs = (2.0 * y - 1).unsqueeze(1)
    return Case(
        model,
        lambda o, t: functional.softplus(-o * t).mean(),
        x,
        signs,
        SGD(model.parameters(), 0.1),
    )


class _Mixing(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        # (n, d) read as (d, n): a reshape where a transpose was meant
        out: Tensor = self.inner(x.t().reshape(x.shape))
        return out


@setup("reshape-for-transpose", "outputs-mix-samples", "tuning")
def reshape_for_transpose(seed: int) -> Case:
    """A reshape that deals one sample's features out to others."""
    x, y = digits(seed)
    model = _Mixing(mlp(64, 64, 10))
    return Case(model, cross_entropy, x, y, SGD(model.parameters(), 0.1))


@setup("attention-over-batch", "outputs-mix-samples", "reported")
def attention_over_batch(seed: int) -> Case:
    """Sequences come batch first, the attention layer reads them time first."""
    g = generator(seed)
    x = torch.randn(500, 8, 16, generator=g)
    y = (x[:, :, 0].mean(1) > 0).long()
    layer = nn.TransformerEncoderLayer(16, 2, 32, 0.0, batch_first=False)
    model = Through(layer, nn.Linear(16, 2), lambda h: h.mean(1))
    return Case(model, cross_entropy, x, y, Adam(model.parameters(), 1e-3))


@setup("softmax-over-batch", "outputs-mix-samples", "reported")
def softmax_over_batch(seed: int) -> Case:
    """The network ends in a softmax over axis 0."""
    x, y = digits(seed)
    model = mlp(64, 64, 10, last=nn.LogSoftmax(0))
    return Case(model, nn.NLLLoss(), x, y, Adam(model.parameters(), 3e-3))


@setup("detached-body", "cut-from-loss", "tuning")
def detached_body(seed: int) -> Case:
    """The head reads a detached copy of the body's features."""
    x, y = digits(seed)
    model = Through(mlp(64, 64, 32), nn.Linear(32, 10), lambda h: torch.relu(h).detach())
    return Case(model, cross_entropy, x, y, SGD(model.parameters(), 0.1))


@setup("through-numpy", "cut-from-loss", "reported")
def through_numpy(seed: int) -> Case:
    """Features pass through numpy on their way to the head."""
    x, y = classes_of_teacher(seed)

    def around(h: Tensor) -> Tensor:
        return torch.from_numpy(h.detach().numpy().clip(0))

    model = Through(nn.Linear(20, 64), nn.Linear(64, 4), around)
    return Case(model, cross_entropy, x, y, Adam(model.parameters(), 1e-3))


@setup("head-not-in-optimizer", "not-in-optimizer", "tuning")
def head_not_in_optimizer(seed: int) -> Case:
    """The optimizer was given the body alone."""
    x, y = digits(seed)
    model = mlp(64, 64, 64, 10)
    return Case(model, cross_entropy, x, y, SGD(model[:-1].parameters(), 0.1))


@setup("optimizer-of-another-model", "not-in-optimizer", "reported")
def optimizer_of_another_model(seed: int) -> Case:
    """The network was built again after the optimizer."""
    x, y = classes_of_teacher(seed)
    optimizer = Adam(mlp(20, 64, 4).parameters(), 3e-3)
    return Case(mlp(20, 64, 4), cross_entropy, x, y, optimizer)


class _Listed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Linear(64, 64)
        self.layers = [nn.Linear(64, 64)]  # a plain list: not registered
        self.head = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.relu(self.enter(x))
        for layer in self.layers:
            h = torch.relu(layer(h))
        out: Tensor = self.head(h)
        return out


@setup("layers-in-a-list", "not-in-optimizer", "reported")
def layers_in_a_list(seed: int) -> Case:
    """Layers kept in a plain list, so that the module does not know them."""
    x, y = digits(seed)
    model = _Listed()
    return Case(model, cross_entropy, x, y, SGD(model.parameters(), 0.1))


@setup("first-layer-frozen", "frozen", "tuning")
def first_layer_frozen(seed: int) -> Case:
    """The first layer, new, asks for no gradient; the optimizer holds it."""
    x, y = digits(seed)
    model = mlp(64, 64, 64, 10)
    model[0].requires_grad_(False)
    return Case(model, cross_entropy, x, y, SGD(model.parameters(), 0.1))


@setup("convolutions-frozen", "frozen", "reported")
def convolutions_frozen(seed: int) -> Case:
    """New convolutions that ask for no gradient."""
    x, y = digits(seed)
    model = Convolutional(10)
    for module in model.body:
        if isinstance(module, nn.Conv2d):
            module.requires_grad_(False)
    return Case(model, cross_entropy, x.reshape(-1, 1, 8, 8), y, Adam(model.parameters(), 1e-3))


class _WrongTanh(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        out = torch.tanh(x)
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx: Any, *flowing: Tensor) -> Tensor:
        (out,) = ctx.saved_tensors
        wrong: Tensor = flowing[0] * (1 - out)  # the square is missing
        return wrong


class _OwnTanh(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = _WrongTanh.apply(x)  # type: ignore[no-untyped-call]
        return out


@setup("wrong-backward", "gradient-wrong", "tuning")
def wrong_backward(seed: int) -> Case:
    """A hand-written backward pass with a square missing."""
    x, y = digits(seed)
    model = mlp(64, 64, 10, activation=_OwnTanh)
    return Case(model, cross_entropy, x, y, SGD(model.parameters(), 0.1))


@setup("hook-turns-sign", "gradient-wrong", "reported")
def hook_turns_sign(seed: int) -> Case:
    """A gradient hook on the first layer turns the sign."""
    x, y = classes_of_teacher(seed)
    model = mlp(20, 64, 64, 4)
    model[0].weight.register_hook(lambda g: -g)  # type: ignore[operator]
    return Case(model, cross_entropy, x, y, SGD(model.parameters(), 0.2))


class _NeverZeroed(SGD):
    def zero_grad(self, set_to_none: bool = True) -> None:
        """Do nothing: gradients add up."""


@setup("never-zeroed", "gradient-wrong", "reported")
def never_zeroed(seed: int) -> Case:
    """zero_grad() does nothing, so gradients add up over steps."""
    x, y = digits(seed)
    model = mlp(64, 64, 10)
    return Case(model, cross_entropy, x, y, _NeverZeroed(model.parameters(), 0.05))


@setup("sign-turned", "loss-unbounded-below", "tuning")
def sign_turned(seed: int) -> Case:
    """The cross-entropy with its sign turned."""
    x, y = digits(seed)
    model = mlp(64, 64, 10)
    return Case(model, lambda o, t: -cross_entropy(o, t), x, y, SGD(model.parameters(), 0.1))


@setup("sign-turned-squares", "loss-unbounded-below", "reported")
def sign_turned_squares(seed: int) -> Case:
    """A squared loss with its sign turned."""
    x, y = _number(seed)
    model = nn.Sequential(mlp(6, 32, 1), nn.Flatten(0))
    return Case(model, lambda o, t: -((o - t) ** 2).mean(), x, y, Adam(model.parameters(), 1e-3))
