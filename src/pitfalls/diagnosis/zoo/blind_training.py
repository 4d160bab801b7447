"""Faults of units, capacity, start and schedule, written apart from the rules, diagnosed once."""

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD, Adam, AdamW, RMSprop
from torch.optim.lr_scheduler import LambdaLR

from pitfalls.diagnosis.zoo.blind_networks import Causal, Patches
from pitfalls.diagnosis.zoo.networks import Convolutional
from pitfalls.diagnosis.zoo.setup import (
    Case,
    classes_of_teacher,
    digits,
    generator,
    mlp,
    setup,
)

cross_entropy = functional.cross_entropy


def _line(seed: int, n: int = 600) -> tuple[Tensor, Tensor]:
    g = generator(seed)
    x = torch.randn(n, 10, generator=g)
    return x, x @ torch.randn(10, 1, generator=g) + 0.3 * torch.randn(n, 1, generator=g)


@setup("dead-after-a-burst", "dead-units", "blind")
def dead_after_a_burst(seed: int) -> Case:
    """One step at an enormous rate has pushed a whole layer's biases below everything."""
    x, y = classes_of_teacher(seed)
    model = mlp(20, 64, 64, 4)
    with torch.no_grad():
        model[2].bias.sub_(40.0)  # type: ignore[operator]
    return Case(model, cross_entropy, x, y, Adam(model.parameters(), 1e-3))


@setup("dead-channels", "dead-units", "blind")
def dead_channels(seed: int) -> Case:
    """Batch norms whose shifts start at -10: no channel is ever active."""
    x, y = digits(seed)
    model = Convolutional(10)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.constant_(module.bias, -10.0)
    return Case(model, cross_entropy, x.reshape(-1, 1, 8, 8), y, SGD(model.parameters(), 0.05, 0.9))


@setup("sigmoids-on-raw-numbers", "saturated-units", "blind")
def sigmoids_on_raw_numbers(seed: int) -> Case:
    """Sigmoids on features of the size of salaries and years."""
    x, y = classes_of_teacher(seed)
    model = mlp(20, 64, 4, activation=nn.Sigmoid)
    sizes = torch.logspace(3, 5, 20)
    return Case(model, cross_entropy, sizes * (x + 2), y, SGD(model.parameters(), 0.1))


@setup("tanh-weights-normal", "saturated-units", "blind")
def tanh_weights_normal(seed: int) -> Case:
    """Three tanh layers with weights drawn from a normal law of deviation four."""
    x, y = digits(seed)
    model = mlp(64, 128, 128, 128, 10, activation=nn.Tanh)
    for layer in list(model)[:-1]:
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=4.0)
    return Case(model, cross_entropy, x, y, SGD(model.parameters(), 1e-3))


@setup("sixteen-sigmoids", "vanishing-gradient", "blind")
def sixteen_sigmoids(seed: int) -> Case:
    """Sixteen sigmoid layers, Adam at a thousandth."""
    x, y = classes_of_teacher(seed)
    model = mlp(20, *[32] * 16, 4, activation=nn.Sigmoid)
    return Case(model, cross_entropy, x, y, Adam(model.parameters(), 1e-3))


@setup("thirty-small-tanh", ("vanishing-gradient", "saddle-at-init"), "blind")
def thirty_small_tanh(seed: int) -> Case:
    """Thirty tanh layers whose weights start at a third of what would keep the signal's size."""
    x, y = digits(seed)
    model = mlp(64, *[48] * 30, 10, activation=nn.Tanh)
    for layer in model:
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=0.33 / layer.in_features**0.5)
            nn.init.zeros_(layer.bias)
    return Case(model, cross_entropy, x, y, SGD(model.parameters(), 0.1))


class _Loop(nn.Module):
    """A hand-written recurrence."""

    def __init__(self, d: int, width: int, n_out: int, gain: float) -> None:
        super().__init__()
        self.enter, self.again = nn.Linear(d, width), nn.Linear(width, width, bias=False)
        self.head = nn.Linear(width, n_out)
        nn.init.orthogonal_(self.again.weight, gain)

    def forward(self, x: Tensor) -> Tensor:
        h = self.enter(x[:, 0])
        for t in range(1, x.shape[1]):
            h = self.enter(x[:, t]) + self.again(torch.relu(h))
        out: Tensor = self.head(h)
        return out


@setup("exploding-recurrence", ("exploding-gradient", "rate-too-high"), "blind")
def exploding_recurrence(seed: int) -> Case:
    """A ReLU recurrence over 30 steps whose matrix doubles what it gets."""
    g = generator(seed)
    x = torch.randn(600, 30, 3, generator=g)
    y = (x[:, :, 0].sum(1) > 0).long()
    model = _Loop(3, 32, 2, 3.0)
    return Case(model, cross_entropy, x, y, SGD(model.parameters(), 0.05))


@setup("exploding-linear", ("exploding-gradient", "rate-too-high"), "blind")
def exploding_linear(seed: int) -> Case:
    """Twelve layers without a norm, with weights of deviation one."""
    x, y = _line(seed)
    model = mlp(10, *[64] * 12, 1)
    for layer in model:
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight)
    return Case(model, nn.MSELoss(), x, y, SGD(model.parameters(), 1e-3))


@setup("sigmoid-before-logits", "cannot-memorise", "blind")
def sigmoid_before_logits(seed: int) -> Case:
    """A sigmoid before the logistic loss that has its own."""
    x, y = classes_of_teacher(seed, n_classes=2)
    model = mlp(20, 64, 1, last=nn.Sigmoid())
    labels = y.float().unsqueeze(1)
    return Case(model, nn.BCEWithLogitsLoss(), x, labels, Adam(model.parameters(), 3e-3))


@setup("relu-on-outputs", "cannot-memorise", "blind")
def relu_on_outputs(seed: int) -> Case:
    """A ReLU after the last layer of a regression whose targets are negative as often as not."""
    x, y = _line(seed)
    model = mlp(10, 64, 64, 1, last=nn.ReLU())
    return Case(model, nn.MSELoss(), x, y, Adam(model.parameters(), 3e-3))


class _OneChannel(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 1, 3, padding=1), nn.ReLU()
        )
        self.head = nn.Linear(1, 10)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.body(x).mean((2, 3)))
        return out


@setup("one-channel-mean", "cannot-memorise", "blind")
def one_channel_mean(seed: int) -> Case:
    """Ten classes read off the mean of one channel."""
    x, y = digits(seed)
    model = _OneChannel()
    return Case(model, cross_entropy, x.reshape(-1, 1, 8, 8), y, Adam(model.parameters(), 3e-3))


@setup(
    "softmax-of-one",
    ("cannot-memorise", "vanishing-gradient", "no-signal-in-gradient", "saddle-at-init"),
    "blind",
)
def softmax_of_one(seed: int) -> Case:
    """A softmax over a single output: it is one whatever comes."""
    x, y = classes_of_teacher(seed, n_classes=2)
    model = mlp(20, 64, 1, last=nn.Softmax(1))

    def squares(outputs: Tensor, labels: Tensor) -> Tensor:
        return ((outputs - labels) ** 2).mean()

    return Case(model, squares, x, y.float().unsqueeze(1), Adam(model.parameters(), 3e-3))


@setup("all-alike", "saddle-at-init", "blind")
def all_alike(seed: int) -> Case:
    """All weights start at 0.05: every unit of a layer is every other's twin."""
    x, y = classes_of_teacher(seed)
    model = mlp(20, 48, 48, 4, activation=nn.Tanh)
    for parameter in model.parameters():
        nn.init.constant_(parameter, 0.05)
    return Case(model, cross_entropy, x, y, Adam(model.parameters(), 3e-3))


@setup("zero-convolutions", ("saddle-at-init", "dead-units"), "blind")
def zero_convolutions(seed: int) -> Case:
    """Convolutions, head and biases start at zero."""
    x, y = digits(seed)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3), nn.ReLU(),
        nn.Flatten(), nn.Linear(576, 10),
    )  # fmt: skip
    for parameter in model.parameters():
        nn.init.zeros_(parameter)
    return Case(model, cross_entropy, x.reshape(-1, 1, 8, 8), y, SGD(model.parameters(), 0.05, 0.9))


@setup("factors-at-zero", ("saddle", "saddle-at-init"), "blind")
def factors_at_zero(seed: int) -> Case:
    """A linear network of two layers without biases, at zero but for rounding."""
    x, y = _line(seed)
    model = nn.Sequential(nn.Linear(10, 16, bias=False), nn.Linear(16, 1, bias=False))
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=1e-7)
    return Case(model, nn.MSELoss(), x, y, SGD(model.parameters(), 0.01))


@setup("regression-at-10", "rate-too-high", "blind")
def regression_at_10(seed: int) -> Case:
    """A regression by SGD at a rate of 10."""
    x, y = _line(seed)
    model = mlp(10, 64, 1)
    return Case(model, nn.MSELoss(), x, y, SGD(model.parameters(), 10.0))


@setup("attention-at-1", "rate-too-high", "blind")
def attention_at_1(seed: int) -> Case:
    """A vision transformer by Adam at a rate of 1."""
    x, y = digits(seed)
    model = Patches(10)
    return Case(model, cross_entropy, x.reshape(-1, 1, 8, 8), y, Adam(model.parameters(), 1.0))


@setup("prices-as-they-are", ("rate-too-high", "exploding-gradient"), "blind")
def prices_as_they_are(seed: int) -> Case:
    """Targets of the size of prices, at a rate meant for numbers near one."""
    x, y = _line(seed)
    model = mlp(10, 64, 64, 1)
    return Case(model, nn.MSELoss(), x, 2e4 * y + 1e5, SGD(model.parameters(), 0.01, 0.9))


@setup("one-feature-in-grams", ("rate-too-high", "exploding-gradient"), "blind")
def one_feature_in_grams(seed: int) -> Case:
    """One feature of ten is ten thousand times as large as the others."""
    x, y = _line(seed)
    x[:, 4] = 1e4 * (x[:, 4] + 3)
    model = mlp(10, 64, 1)
    return Case(model, nn.MSELoss(), x, y, SGD(model.parameters(), 1e-3))


@setup("root-mean-square-at-3", "rate-too-high", "blind")
def root_mean_square_at_3(seed: int) -> Case:
    """RMSprop at a rate of 3 on convolutions."""
    x, y = digits(seed)
    model = Convolutional(10)
    return Case(model, cross_entropy, x.reshape(-1, 1, 8, 8), y, RMSprop(model.parameters(), 3.0))


@setup("decay-of-100", "rate-too-high", "blind")
def decay_of_100(seed: int) -> Case:
    """AdamW at 0.005 with a weight decay of 100: half of each weight is taken at every step."""
    x, y = classes_of_teacher(seed)
    model = mlp(20, 64, 4)
    return Case(model, cross_entropy, x, y, AdamW(model.parameters(), 5e-3, weight_decay=100.0))


@setup("convolutions-at-1e-7", "rate-too-low", "blind")
def convolutions_at_1e_7(seed: int) -> Case:
    """Convolutions by SGD with momentum at a rate of 1e-7."""
    x, y = digits(seed)
    model = Convolutional(10)
    return Case(model, cross_entropy, x.reshape(-1, 1, 8, 8), y, SGD(model.parameters(), 1e-7, 0.9))


@setup("attention-at-1e-8", "rate-too-low", "blind")
def attention_at_1e_8(seed: int) -> Case:
    """A language model by AdamW at a rate of 1e-8."""
    g = generator(seed)
    x = torch.randint(0, 12, (500, 10), generator=g)
    model = Causal(12, 32, 10)
    return Case(
        model,
        lambda o, t: cross_entropy(o.transpose(1, 2), t),
        x,
        (5 * x + 1) % 12,
        AdamW(model.parameters(), 1e-8),
    )


@setup("loss-never-scaled-back", "rate-too-low", "blind")
def loss_never_scaled_back(seed: int) -> Case:
    """A loss divided by the size of the data set and once more by that of the batch; SGD."""
    x, y = digits(seed)
    model = mlp(64, 64, 10)
    return Case(
        model, lambda o, t: cross_entropy(o, t) / 2e6, x, y, SGD(model.parameters(), 0.1, 0.9)
    )


@setup("clipped-to-a-millionth", "rate-too-low", "blind")
def clipped_to_a_millionth(seed: int) -> Case:
    """The gradient's norm is clipped to a millionth before every step."""
    x, y = classes_of_teacher(seed)
    model = mlp(20, 64, 4)
    optimizer = SGD(model.parameters(), 0.1)

    def clip(*_: object) -> None:
        nn.utils.clip_grad_norm_(model.parameters(), 1e-6)

    optimizer.register_step_pre_hook(clip)
    return Case(model, cross_entropy, x, y, optimizer)


@setup("rate-gone-at-once", "rate-too-low", "blind")
def rate_gone_at_once(seed: int) -> Case:
    """A schedule in epochs is taken in batches: a tenth of the rate after every second one."""
    x, y = _line(seed)
    model = mlp(10, 64, 1, activation=nn.SiLU)
    optimizer = Adam(model.parameters(), 2e-3)
    schedule = LambdaLR(optimizer, lambda step: 0.1 ** (step // 2))
    optimizer.register_step_post_hook(lambda *_: schedule.step())
    return Case(model, nn.MSELoss(), x, y, optimizer)


class _Masked(nn.Module):
    """Attention whose mask hides every place."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.head = nn.Embedding(10, 16), mlp(16, 32, 3)

    def forward(self, x: Tensor) -> Tensor:
        shown = (x < 0).float().unsqueeze(2)  # symbols are never below zero
        out: Tensor = self.head((self.embed(x) * shown).sum(1))
        return out


@setup("mask-hides-all", ("no-signal-in-gradient", "cut-from-loss"), "blind")
def mask_hides_all(seed: int) -> Case:
    """The mask is turned the wrong way round and hides every symbol."""
    g = generator(seed)
    x = torch.randint(0, 10, (900, 7), generator=g)
    y = (torch.randn(10, 3, generator=g)[x].sum(1)).argmax(1)
    model = _Masked()
    return Case(model, cross_entropy, x, y, Adam(model.parameters(), 3e-3))


class _Clamped(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.inner(x.clamp(5, 6))
        return out


@setup("clamped-away", "no-signal-in-gradient", "blind")
def clamped_away(seed: int) -> Case:
    """Inputs are clamped to a range that they never reach."""
    x, y = classes_of_teacher(seed)
    model = _Clamped(mlp(20, 64, 4))
    return Case(model, cross_entropy, x, y, Adam(model.parameters(), 3e-3))
