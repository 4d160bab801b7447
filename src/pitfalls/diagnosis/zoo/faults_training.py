"""Faults of data, units, capacity, start and schedule."""

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD, Adam
from torch.optim.lr_scheduler import ExponentialLR

from pitfalls.diagnosis.zoo.setup import (
    Case,
    classes_of_teacher,
    digits,
    generator,
    mlp,
    setup,
)

cross_entropy = functional.cross_entropy


@setup("labels-shuffled", "no-signal", "tuning")
def labels_shuffled(seed: int) -> Case:
    """Digits with their labels in another order."""
    x, y = digits(seed)
    y = y[torch.randperm(len(y), generator=generator(seed))]
    model = mlp(64, 64, 10)
    return Case(model, cross_entropy, x, y, Adam(model.parameters(), 1e-3))


@setup("rows-off-by-one", "no-signal", "reported")
def rows_off_by_one(seed: int) -> Case:
    """Every input has its neighbour's label."""
    x, y = classes_of_teacher(seed)
    model = mlp(20, 64, 4)
    return Case(model, cross_entropy, x, y.roll(1), SGD(model.parameters(), 0.1))


@setup("parity-30", "no-signal", "tuning")
def parity_30(seed: int) -> Case:
    """Parity of fifteen of thirty bits: representable, and out of reach."""
    g = generator(seed)
    x = torch.randint(0, 2, (2000, 30), generator=g).float()
    y = 1 - 2 * (x[:, :15].sum(1) % 2)
    model = nn.Sequential(mlp(30, 300, 1), nn.Flatten(0))
    return Case(
        model,
        lambda o, t: torch.relu(1 - o * t).mean(),
        x,
        y,
        SGD(model.parameters(), 0.01, momentum=0.9),
    )


@setup("noise-for-targets", "no-signal", "reported")
def noise_for_targets(seed: int) -> Case:
    """Regression on numbers that have nothing to do with the inputs."""
    g = generator(seed)
    x, y = torch.randn(800, 10, generator=g), torch.randn(800, 1, generator=g)
    model = mlp(10, 64, 1)
    return Case(model, nn.MSELoss(), x, y, Adam(model.parameters(), 1e-3))


class _Blind(nn.Module):
    """Multiplies its input by zero on the way in."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.inner(x * 0)
        return out


@setup("inputs-multiplied-by-zero", "no-signal-in-gradient", "tuning")
def inputs_multiplied_by_zero(seed: int) -> Case:
    """A mask that covers the whole input."""
    x, y = digits(seed)
    model = _Blind(mlp(64, 64, 10))
    return Case(model, cross_entropy, x, y, Adam(model.parameters(), 1e-3))


class _Scrambled(nn.Module):
    """Adds so large a constant that float32 forgets the input."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.inner((x + 3e8) / 3e8)
        return out


@setup("inputs-lost-in-rounding", "no-signal-in-gradient", "reported")
def inputs_lost_in_rounding(seed: int) -> Case:
    """An offset so large that float32 rounds the inputs away."""
    x, y = classes_of_teacher(seed)
    model = _Scrambled(mlp(20, 64, 4))
    return Case(model, cross_entropy, x, y, Adam(model.parameters(), 1e-3))


@setup("one-batch-repeated", "data-degenerate", "tuning")
def one_batch_repeated(seed: int) -> Case:
    """The loader gives the same 32 examples again and again."""
    x, y = digits(seed, 32)
    model = mlp(64, 64, 10)
    return Case(model, cross_entropy, x.repeat(30, 1), y.repeat(30), SGD(model.parameters(), 0.1))


@setup("inputs-constant", "data-degenerate", "reported")
def inputs_constant(seed: int) -> Case:
    """Every input is the same picture."""
    x, y = digits(seed, 600)
    model = mlp(64, 64, 10)
    return Case(model, cross_entropy, x[:1].repeat(600, 1), y, Adam(model.parameters(), 1e-3))


@setup("labels-constant", "data-degenerate", "reported")
def labels_constant(seed: int) -> Case:
    """Every label is the same."""
    x, y = digits(seed, 600)
    model = mlp(64, 64, 10)
    return Case(model, cross_entropy, x, torch.zeros_like(y), SGD(model.parameters(), 0.1))


@setup("nan-in-inputs", "numbers-not-finite", "tuning")
def nan_in_inputs(seed: int) -> Case:
    """One input is NaN."""
    x, y = digits(seed)
    x[7, 3] = float("nan")
    model = mlp(64, 64, 10)
    return Case(model, cross_entropy, x, y, SGD(model.parameters(), 0.1))


@setup("logarithm-of-zero", "numbers-not-finite", "reported")
def logarithm_of_zero(seed: int) -> Case:
    """The logarithm of pixels, some of them zero."""
    x, y = digits(seed)
    model = mlp(64, 64, 10)
    return Case(model, cross_entropy, torch.log(x + 1), y, Adam(model.parameters(), 1e-3))


@setup("first-bias-minus-20", "dead-units", "tuning")
def first_bias_minus_20(seed: int) -> Case:
    """The first layer's biases start at -20: no unit is ever active."""
    x, y = digits(seed)
    model = mlp(64, 64, 64, 10)
    nn.init.constant_(model[0].bias, -20.0)  # type: ignore[arg-type]
    return Case(model, cross_entropy, x, y, SGD(model.parameters(), 0.1))


@setup("hidden-layer-dead", "dead-units", "reported")
def hidden_layer_dead(seed: int) -> Case:
    """A hidden layer with negative weights on positive inputs."""
    x, y = classes_of_teacher(seed)
    model = mlp(20, 64, 64, 4)
    with torch.no_grad():
        model[2].weight.copy_(-model[2].weight.abs())  # type: ignore[operator]
        model[2].bias.fill_(-0.5)  # type: ignore[operator]
    return Case(model, cross_entropy, x, y, Adam(model.parameters(), 1e-3))


@setup("inputs-times-1000", "saturated-units", "tuning")
def inputs_times_1000(seed: int) -> Case:
    """Tanh layers on inputs a thousand times too large."""
    x, y = digits(seed)
    model = mlp(64, 64, 64, 10, activation=nn.Tanh)
    return Case(model, cross_entropy, 1000 * x, y, SGD(model.parameters(), 1e-2))


@setup("weights-too-large", ("saturated-units", "exploding-gradient"), "reported")
def weights_too_large(seed: int) -> Case:
    """Sigmoid layers whose weights start fifty times too large."""
    x, y = classes_of_teacher(seed)
    model = mlp(20, 64, 64, 64, 4, activation=nn.Sigmoid)
    with torch.no_grad():
        for layer in model:
            if isinstance(layer, nn.Linear):
                layer.weight.mul_(50)
    return Case(model, cross_entropy, x, y, SGD(model.parameters(), 1e-3))


@setup("eight-sigmoids", "vanishing-gradient", "tuning")
def eight_sigmoids(seed: int) -> Case:
    """Eight sigmoid layers, SGD."""
    x, y = digits(seed)
    model = mlp(64, *[32] * 8, 10, activation=nn.Sigmoid)
    return Case(model, cross_entropy, x, y, SGD(model.parameters(), 0.1))


@setup("small-weights-deep", ("vanishing-gradient", "saddle-at-init", "saddle"), "reported")
def small_weights_deep(seed: int) -> Case:
    """Ten tanh layers whose weights start at a twentieth of the usual size."""
    x, y = classes_of_teacher(seed)
    model = mlp(20, *[32] * 10, 4, activation=nn.Tanh)
    with torch.no_grad():
        for layer in model:
            if isinstance(layer, nn.Linear):
                layer.weight.mul_(0.05)
    return Case(model, cross_entropy, x, y, Adam(model.parameters(), 1e-4))


@setup("ten-layers-times-six", "exploding-gradient", "reported")
def ten_layers_times_six(seed: int) -> Case:
    """Ten ReLU layers whose weights start six times too large."""
    x, y = digits(seed)
    model = mlp(64, *[64] * 10, 10)
    with torch.no_grad():
        for layer in model:
            if isinstance(layer, nn.Linear):
                layer.weight.mul_(6 * 6**0.5)
    return Case(model, cross_entropy, x, y, SGD(model.parameters(), 1e-2))


@setup("one-unit-bottleneck", "cannot-memorise", "tuning")
def one_unit_bottleneck(seed: int) -> Case:
    """All ten classes through one unit."""
    x, y = digits(seed)
    model = mlp(64, 64, 1, 64, 10)
    return Case(model, cross_entropy, x, y, SGD(model.parameters(), 0.1))


@setup("linear-bottleneck", "cannot-memorise", "reported")
def linear_bottleneck(seed: int) -> Case:
    """A linear network of rank one for a map of rank eight."""
    g = generator(seed)
    x = torch.randn(600, 10, generator=g)
    y = x @ torch.linalg.qr(torch.randn(10, 10, generator=g))[0][:, :8]
    model = nn.Sequential(nn.Linear(10, 16), nn.Linear(16, 1), nn.Linear(1, 8))
    return Case(model, nn.MSELoss(), x, y, Adam(model.parameters(), 1e-2))


@setup("softmax-twice", "cannot-memorise", "tuning")
def softmax_twice(seed: int) -> Case:
    """A softmax before the cross-entropy, which has its own."""
    x, y = digits(seed)
    model = mlp(64, 64, 10, last=nn.Softmax(1))
    return Case(model, cross_entropy, x, y, SGD(model.parameters(), 0.1))


@setup("tanh-on-outputs", "cannot-memorise", "reported")
def tanh_on_outputs(seed: int) -> Case:
    """Outputs between -1 and 1 for targets that reach 20."""
    g = generator(seed)
    x = torch.randn(600, 6, generator=g)
    y = 8 * (x @ torch.randn(6, 1, generator=g)) + 5
    model = mlp(6, 64, 1, last=nn.Tanh())
    return Case(model, nn.MSELoss(), x, y, Adam(model.parameters(), 3e-3))


@setup("all-zero", "saddle-at-init", "tuning")
def all_zero(seed: int) -> Case:
    """All weights and biases start at zero."""
    x, y = digits(seed)
    model = mlp(64, 64, 64, 10)
    for parameter in model.parameters():
        nn.init.zeros_(parameter)
    return Case(model, cross_entropy, x, y, SGD(model.parameters(), 0.1))


@setup("all-zero-tanh", ("saddle-at-init", "saddle"), "reported")
def all_zero_tanh(seed: int) -> Case:
    """Three tanh layers, all at zero, squared loss."""
    g = generator(seed)
    x = torch.randn(600, 6, generator=g)
    y = torch.sin(x[:, :2])
    model = mlp(6, 32, 32, 2, activation=nn.Tanh)
    for parameter in model.parameters():
        nn.init.zeros_(parameter)
    return Case(model, nn.MSELoss(), x, y, Adam(model.parameters(), 3e-3))


@setup("linear-network-at-a-saddle", "saddle", "reported")
def linear_network_at_a_saddle(seed: int) -> Case:
    """A deep linear network that holds the second mode and not the first: critical, not minimal."""
    from pitfalls.linear import DeepLinearNetwork, SquaredRisk
    from pitfalls.moments import SecondMoments

    g = generator(seed)
    x = torch.randn(400, 5, generator=g).double()
    y = x @ torch.linalg.qr(torch.randn(5, 5, generator=g).double())[0]
    y = y @ torch.diag(torch.tensor([3.0, 1.5, 0.5, 0.3, 0.2], dtype=torch.float64))
    risk = SquaredRisk(SecondMoments.from_arrays(x, y))
    best = torch.from_numpy(risk.minimum().map)
    moments = risk.moments
    sigma = torch.from_numpy(moments.syx) @ best.T
    vectors = torch.linalg.eigh(sigma).eigenvectors.flip(1)
    second = vectors[:, 1:2]
    wide, tall = torch.zeros(4, 5).double(), torch.zeros(5, 4).double()
    wide[0], tall[:, 0] = (second.T @ best)[0], second[:, 0]
    model = DeepLinearNetwork.from_weights([wide, tall])
    return Case(
        model, lambda o, t: ((o - t) ** 2).sum(1).mean() / 2, x, y, SGD(model.parameters(), 0.01)
    )


@setup("rate-30", "rate-too-high", "tuning")
def rate_30(seed: int) -> Case:
    """SGD at a rate of 30."""
    x, y = digits(seed)
    model = mlp(64, 64, 10)
    return Case(model, cross_entropy, x, y, SGD(model.parameters(), 30.0))


@setup("adam-at-3", "rate-too-high", "reported")
def adam_at_3(seed: int) -> Case:
    """Adam at a rate of 3."""
    x, y = classes_of_teacher(seed)
    model = mlp(20, 64, 64, 4)
    return Case(model, cross_entropy, x, y, Adam(model.parameters(), 3.0))


@setup("sum-for-mean", "rate-too-high", "reported")
def sum_for_mean(seed: int) -> Case:
    """A rate meant for the mean of a batch, with the sum of its losses."""
    x, y = digits(seed)
    model = mlp(64, 64, 10)
    loss = nn.CrossEntropyLoss(reduction="sum")
    return Case(model, loss, x, y, SGD(model.parameters(), 0.3))


@setup("momentum-999", "rate-too-high", "reported")
def momentum_999(seed: int) -> Case:
    """Momentum of 0.999, so that steps add up a thousandfold."""
    x, y = digits(seed)
    model = mlp(64, 64, 10)
    return Case(model, cross_entropy, x, y, SGD(model.parameters(), 0.5, momentum=0.999))


@setup("inputs-0-to-255", ("rate-too-high", "exploding-gradient"), "tuning")
def inputs_0_to_255(seed: int) -> Case:
    """Pixels from 0 to 255 at a rate meant for inputs of size one."""
    x, y = digits(seed)
    model = mlp(64, 64, 64, 10)
    return Case(model, cross_entropy, (x + 1) * 127.5, y, SGD(model.parameters(), 0.1))


@setup("weight-decay-10", "rate-too-high", "tuning")
def weight_decay_10(seed: int) -> Case:
    """A weight decay of 10: each step takes the weights back to nothing."""
    x, y = digits(seed)
    model = mlp(64, 64, 10)
    return Case(model, cross_entropy, x, y, SGD(model.parameters(), 0.1, weight_decay=10.0))


@setup("rate-1e-6", "rate-too-low", "tuning")
def rate_1e_6(seed: int) -> Case:
    """SGD at a rate of a millionth."""
    x, y = digits(seed)
    model = mlp(64, 64, 10)
    return Case(model, cross_entropy, x, y, SGD(model.parameters(), 1e-6))


@setup("adam-at-1e-7", "rate-too-low", "reported")
def adam_at_1e_7(seed: int) -> Case:
    """Adam at a rate of 1e-7."""
    x, y = classes_of_teacher(seed)
    model = mlp(20, 64, 4)
    return Case(model, cross_entropy, x, y, Adam(model.parameters(), 1e-7))


@setup("scheduler-every-batch", "rate-too-low", "reported")
def scheduler_every_batch(seed: int) -> Case:
    """A decay meant for epochs taken at every batch: after a few steps the rate is gone."""
    x, y = digits(seed)
    model = mlp(64, 64, 10)
    optimizer = SGD(model.parameters(), 0.02)
    scheduler = ExponentialLR(optimizer, 0.5)
    optimizer.register_step_post_hook(lambda *_: scheduler.step())
    return Case(model, cross_entropy, x, y, optimizer)


class _Half(nn.Module):
    """Computes in half precision, where small gradients are zero."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        weights = {name: p.half() for name, p in self.inner.named_parameters()}
        out: Tensor = torch.func.functional_call(self.inner, weights, (x.half(),))
        return out.float()


@setup("half-precision-underflow", "vanishing-gradient", "reported")
def half_precision_underflow(seed: int) -> Case:
    """Deep sigmoids in float16: gradients of the first layers round to zero."""
    x, y = classes_of_teacher(seed)
    model = _Half(mlp(20, *[32] * 6, 4, activation=nn.Sigmoid))
    return Case(model, cross_entropy, x, y, SGD(model.parameters(), 0.1))
