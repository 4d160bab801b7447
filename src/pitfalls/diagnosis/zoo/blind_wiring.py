"""Faults of wiring and data, written apart from the rules and diagnosed once they were fixed."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD, Adam, AdamW
from torch.utils.data import DataLoader, TensorDataset

from pitfalls.diagnosis.zoo.blind_networks import Causal, ResidualMlp
from pitfalls.diagnosis.zoo.networks import Convolutional, LastState, Through
from pitfalls.diagnosis.zoo.setup import (
    Case,
    classes_of_teacher,
    digits,
    generator,
    mlp,
    setup,
)

cross_entropy = functional.cross_entropy


def _smooth(seed: int, n: int = 700) -> tuple[Tensor, Tensor]:
    g = generator(seed)
    x = torch.randn(n, 8, generator=g)
    y = torch.sin(x[:, 0]) + 0.5 * x[:, 1] * x[:, 2] + x[:, 3]
    return x, y + 0.1 * torch.randn(n, generator=g)


@setup("broadcast-absolute", "loss-mixes-samples", "blind")
def broadcast_absolute(seed: int) -> Case:
    """Labels (n, 1) against squeezed outputs (n,), absolute loss."""
    x, y = _smooth(seed)
    model = nn.Sequential(mlp(8, 48, 1), nn.Flatten(0))
    return Case(model, nn.L1Loss(), x, y.unsqueeze(1), Adam(model.parameters(), 3e-3))


@setup("broadcast-hinge", "loss-mixes-samples", "blind")
def broadcast_hinge(seed: int) -> Case:
    """Outputs (n, 1) times labels (n,) in a hinge loss."""
    x, y = classes_of_teacher(seed, n_classes=2)
    model = mlp(20, 48, 1)
    return Case(
        model,
        lambda o, t: torch.relu(1 - o * t).mean(),
        x,
        2.0 * y - 1,
        SGD(model.parameters(), 0.05, 0.9),
    )


@setup("centred-by-batch", "outputs-mix-samples", "blind")
def centred_by_batch(seed: int) -> Case:
    """The batch's own mean is taken off inside the network, in evaluation too."""
    x, y = digits(seed)
    model = Through(nn.Linear(64, 64), nn.Linear(64, 10), lambda h: torch.relu(h - h.mean(0)))
    return Case(model, cross_entropy, x, y, SGD(model.parameters(), 0.1))


@setup("recurrent-over-batch", "outputs-mix-samples", "blind")
def recurrent_over_batch(seed: int) -> Case:
    """An LSTM that reads time first gets sequences batch first."""
    g = generator(seed)
    x = torch.randn(600, 10, 4, generator=g)
    y = (x[:, :, 0].sum(1) > 0).long()
    model = LastState(4, 24, 2)
    model.lstm.batch_first = False
    return Case(model, cross_entropy, x, y, Adam(model.parameters(), 5e-3))


@setup("running-sum-of-batch", "outputs-mix-samples", "blind")
def running_sum_of_batch(seed: int) -> Case:
    """A cumulative sum along axis 0 where the features' axis was meant."""
    x, y = classes_of_teacher(seed)
    model = Through(
        nn.Linear(20, 32), nn.Linear(32, 4), lambda h: torch.tanh(h.cumsum(0) / len(h) ** 0.5)
    )
    return Case(model, cross_entropy, x, y, Adam(model.parameters(), 3e-3))


@setup("loss-of-argmax", "cut-from-loss", "blind")
def loss_of_argmax(seed: int) -> Case:
    """The squared distance of the predicted class to the true one."""
    x, y = digits(seed)
    model = mlp(64, 64, 10)

    def distance(outputs: Tensor, labels: Tensor) -> Tensor:
        off = outputs.argmax(1) - labels
        return (off.float() ** 2).mean().requires_grad_()

    return Case(model, distance, x, y, SGD(model.parameters(), 0.1))


class _NoGrad(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            out: Tensor = self.inner(x)
        return out


@setup("body-without-grad", "cut-from-loss", "blind")
def body_without_grad(seed: int) -> Case:
    """Convolutions run under no_grad(), left over from an evaluation."""
    x, y = digits(seed)
    inner = Convolutional(10)
    inner.body = _NoGrad(inner.body)  # type: ignore[assignment]
    return Case(inner, cross_entropy, x.reshape(-1, 1, 8, 8), y, Adam(inner.parameters(), 1e-3))


@setup("rebuilt-from-data", "cut-from-loss", "blind")
def rebuilt_from_data(seed: int) -> Case:
    """A new tensor is made of the features' values."""
    x, y = _smooth(seed)
    model = Through(
        nn.Linear(8, 48), mlp(48, 32, 1), lambda h: torch.tensor(torch.relu(h).tolist())
    )
    return Case(model, nn.MSELoss(), x, y.unsqueeze(1), Adam(model.parameters(), 3e-3))


@setup("new-head-after-optimizer", "not-in-optimizer", "blind")
def new_head_after_optimizer(seed: int) -> Case:
    """The head is exchanged after the optimizer was made."""
    x, y = digits(seed)
    model = Convolutional(100)
    optimizer = AdamW(model.parameters(), 1e-3)
    model.head = nn.Linear(512, 10)
    return Case(model, cross_entropy, x.reshape(-1, 1, 8, 8), y, optimizer)


@setup("biases-alone", "not-in-optimizer", "blind")
def biases_alone(seed: int) -> Case:
    """Groups by decay, and the group of the weights is forgotten."""
    x, y = classes_of_teacher(seed)
    model = ResidualMlp(20, 48, 4)
    plain = [p for p in model.parameters() if p.ndim < 2]
    return Case(model, cross_entropy, x, y, AdamW(plain, 3e-3, weight_decay=0.0))


@setup("new-embedding-frozen", "frozen", "blind")
def new_embedding_frozen(seed: int) -> Case:
    """A random embedding asks for no gradient, as if it were a trained one."""
    g = generator(seed)
    x = torch.randint(0, 30, (800, 8), generator=g)
    worth = torch.randn(30, generator=g)
    y = (worth[x].sum(1) > 0).long()
    model = nn.Sequential(nn.Embedding(30, 4), nn.Flatten(), mlp(32, 32, 2))
    model[0].weight.requires_grad_(False)
    return Case(model, cross_entropy, x, y, Adam(model.parameters(), 3e-3))


@setup("all-but-head-frozen", "frozen", "blind")
def all_but_head_frozen(seed: int) -> Case:
    """A new network is treated like a trained one: all but the head is frozen."""
    x, y = digits(seed)
    model = mlp(64, 64, 64, 10, activation=nn.Tanh)
    for layer in list(model)[:-1]:
        layer.requires_grad_(False)
    return Case(model, cross_entropy, x, y, SGD(model.parameters(), 0.1, momentum=0.9))


class _Reversed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *flowing: Tensor) -> Tensor:
        return -0.5 * flowing[0]


@setup("gradient-reversed", "gradient-wrong", "blind")
def gradient_reversed(seed: int) -> Case:
    """A gradient reversal from another experiment is left in the body."""
    x, y = digits(seed)
    model = Through(nn.Sequential(nn.Linear(64, 64), nn.ReLU()), nn.Linear(64, 10), _Reversed.apply)
    return Case(model, cross_entropy, x, y, SGD(model.parameters(), 0.1))


@setup("hook-clips-to-nothing", "gradient-wrong", "blind")
def hook_clips(seed: int) -> Case:
    """Hooks clip every gradient to a thousandth, element by element."""
    x, y = classes_of_teacher(seed)
    model = mlp(20, 64, 64, 4)
    for parameter in model.parameters():
        parameter.register_hook(lambda g: g.clamp(-1e-3, 1e-3))  # type: ignore[no-untyped-call]
    return Case(model, cross_entropy, x, y, SGD(model.parameters(), 0.2))


@setup("likelihood-for-loss", "loss-unbounded-below", "blind")
def likelihood_for_loss(seed: int) -> Case:
    """The mean log-likelihood of the classes is minimised, not maximised."""
    x, y = classes_of_teacher(seed)
    model = mlp(20, 64, 4, last=nn.LogSoftmax(1))
    return Case(
        model,
        lambda o, t: o.gather(1, t[:, None]).mean(),
        x,
        y,
        Adam(model.parameters(), 3e-3),
    )


@setup("signs-for-zero-and-one", "loss-unbounded-below", "blind")
def signs_for_zero_and_one(seed: int) -> Case:
    """Labels -1 and 1 in a logistic loss for 0 and 1."""
    x, y = classes_of_teacher(seed, n_classes=2)
    model = mlp(20, 64, 1)
    labels = (2.0 * y - 1).unsqueeze(1)
    return Case(model, nn.BCEWithLogitsLoss(), x, labels, Adam(model.parameters(), 3e-3))


@setup("pairs-shuffled-apart", "no-signal", "blind")
def pairs_shuffled_apart(seed: int) -> Case:
    """Pictures and labels were shuffled one without the other."""
    x, y = digits(seed)
    x = x[torch.randperm(len(x), generator=generator(seed))]
    model = Convolutional(10)
    return Case(model, cross_entropy, x.reshape(-1, 1, 8, 8), y, SGD(model.parameters(), 0.05, 0.9))


@setup("targets-of-next-row", "no-signal", "blind")
def targets_of_next_row(seed: int) -> Case:
    """A regression whose table was shifted by two rows."""
    x, y = _smooth(seed)
    model = mlp(8, 64, 64, 1, activation=nn.SiLU)
    return Case(model, nn.MSELoss(), x, y.roll(2).unsqueeze(1), Adam(model.parameters(), 3e-3))


@setup("random-symbols", "no-signal", "blind")
def random_symbols(seed: int) -> Case:
    """The next symbol of sequences that have no rule."""
    x = torch.randint(0, 8, (400, 11), generator=generator(seed))
    model = Causal(8, 32, 10)
    return Case(
        model,
        lambda o, t: cross_entropy(o.transpose(1, 2), t),
        x[:, :-1],
        x[:, 1:],
        AdamW(model.parameters(), 3e-3),
    )


@setup("parity-24", "no-signal", "blind")
def parity_24(seed: int) -> Case:
    """Parity of eleven of 24 signs, logistic loss."""
    x = 2.0 * torch.randint(0, 2, (2000, 24), generator=generator(seed)) - 1
    y = (x[:, :11].prod(1, keepdim=True) > 0).float()
    model = mlp(24, 128, 1)
    return Case(model, nn.BCEWithLogitsLoss(), x, y, Adam(model.parameters(), 1e-3))


@setup("scaled-to-nothing", "data-degenerate", "blind")
def scaled_to_nothing(seed: int) -> Case:
    """Inputs are divided by 255 three times over and rounded to whole numbers."""
    x, y = digits(seed)
    x = ((x + 1) * 127 / 255**3).round()
    model = mlp(64, 64, 10)
    return Case(model, cross_entropy, x, y, Adam(model.parameters(), 1e-3))


@setup("five-rows", "data-degenerate", "blind")
def five_rows(seed: int) -> Case:
    """A thousand rows, five of them distinct."""
    x, y = classes_of_teacher(seed)
    pick = torch.randint(0, 5, (1000,), generator=generator(seed))
    model = mlp(20, 64, 4)
    return Case(model, cross_entropy, x[pick], y[pick], SGD(model.parameters(), 0.1))


@setup("targets-constant", "data-degenerate", "blind")
def targets_constant(seed: int) -> Case:
    """A regression whose target column holds one number."""
    x, y = _smooth(seed)
    model = mlp(8, 64, 1)
    labels = torch.full((len(y), 1), 3.0)
    return Case(model, nn.MSELoss(), x, labels, Adam(model.parameters(), 3e-3))


@setup("nan-in-weights", "numbers-not-finite", "blind")
def nan_in_weights(seed: int) -> Case:
    """One weight was saved after a burst."""
    x, y = digits(seed)
    model = Convolutional(10)
    model.head.weight.data[3, 5] = float("nan")
    return Case(model, cross_entropy, x.reshape(-1, 1, 8, 8), y, Adam(model.parameters(), 1e-3))


@setup("zero-over-zero", "numbers-not-finite", "blind")
def zero_over_zero(seed: int) -> Case:
    """Pixels standardised by a spread that is zero at the corners."""
    x, y = digits(seed)
    x = (x - x.mean(0)) / x.std(0)
    x = torch.cat([x, (x[:, :1] * 0) / 0], 1)
    model = mlp(65, 64, 10)
    loader = DataLoader(TensorDataset(x, y), 64)
    return Case(model, cross_entropy, loader, None, Adam(model.parameters(), 1e-3))


@setup("root-at-zero", "numbers-not-finite", "blind")
def root_at_zero(seed: int) -> Case:
    """A norm by the root of a sum of squares that is zero: its slope is infinite."""
    x, y = classes_of_teacher(seed)
    x[::7] = 0
    first = nn.Linear(20, 32, bias=False)
    model = Through(
        first, nn.Linear(32, 4), lambda h: h / (1 + torch.sqrt((h**2).sum(1, keepdim=True)))
    )
    return Case(model, cross_entropy, x, y, SGD(model.parameters(), 0.1))
