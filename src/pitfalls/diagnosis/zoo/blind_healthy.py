"""Set-ups with nothing wrong, written apart from the rules and diagnosed once they were fixed."""

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import LBFGS, SGD, Adam, AdamW, NAdam, RMSprop
from torch.optim.lr_scheduler import OneCycleLR
from torch.utils.data import DataLoader, TensorDataset

from pitfalls.diagnosis.zoo.blind_networks import (
    Causal,
    Factors,
    Gated,
    GroupNormed,
    Patches,
    Recurrent,
    ResidualMlp,
    Temporal,
    TwoTables,
    Variational,
)
from pitfalls.diagnosis.zoo.networks import UShaped
from pitfalls.diagnosis.zoo.setup import (
    Case,
    classes_of_teacher,
    digits,
    generator,
    mlp,
    setup,
)

cross_entropy = functional.cross_entropy


@setup("causal-tied", "healthy", "blind")
def causal_tied(seed: int) -> Case:
    """The next symbol of a sequence with a rule, by masked attention; head and embedding are one."""
    g = generator(seed)
    rows = [torch.randint(0, 12, (600, 2), generator=g)]
    for _ in range(11):
        last = rows[-1] if rows[-1].ndim == 1 else rows[-1][:, 1]
        before = rows[-2] if len(rows) > 2 else rows[0][:, 0]
        rows.append((last + 2 * before + 1) % 12)
    x = torch.cat([rows[0], *[r[:, None] for r in rows[1:]]], 1)
    model = Causal(12, 32, 12)
    return Case(
        model,
        lambda o, t: cross_entropy(o.transpose(1, 2), t),
        x[:, :-1],
        x[:, 1:],
        AdamW(model.parameters(), 3e-3, weight_decay=0.1),
    )


@setup("gru-regression", "healthy", "blind")
def gru_regression(seed: int) -> Case:
    """A GRU that follows a running mean, Huber loss."""
    g = generator(seed)
    x = torch.randn(500, 20, 2, generator=g)
    y = x[:, -8:, 0].mean(1, keepdim=True) - x[:, -4:, 1].mean(1, keepdim=True)
    model = Recurrent(2, 32, 1)
    return Case(model, nn.HuberLoss(), x, y, Adam(model.parameters(), 5e-3))


@setup("u-net-pixels", "healthy", "blind")
def u_net_pixels(seed: int) -> Case:
    """Squares marked pixel by pixel, few of them bright; logistic loss with a weight."""
    g = generator(seed)
    corner = torch.randint(0, 10, (300, 2), generator=g)
    y = torch.zeros(300, 1, 16, 16)
    for i, (a, b) in enumerate(corner.tolist()):
        y[i, 0, a : a + 5, b : b + 5] = 1
    x = 0.8 * y + torch.randn(y.shape, generator=g)
    loss = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(4.0))
    model = UShaped()
    return Case(model, loss, x, y, Adam(model.parameters(), 3e-3))


@setup("vision-transformer", "healthy", "blind")
def vision_transformer(seed: int) -> Case:
    """Digits by patches, class token and attention; label smoothing."""
    x, y = digits(seed)
    model = Patches(10)
    loss = nn.CrossEntropyLoss(label_smoothing=0.1)
    return Case(model, loss, x.reshape(-1, 1, 8, 8), y, AdamW(model.parameters(), 1e-3))


@setup("many-labels", "healthy", "blind")
def many_labels(seed: int) -> Case:
    """Six yes-or-no labels at once, some of them rare."""
    g = generator(seed)
    x = torch.randn(900, 16, generator=g)
    scores = x @ torch.randn(16, 6, generator=g) / 4 - torch.tensor([0.0, 0.3, 0.6, 1.0, 1.4, 1.8])
    y = (scores + 0.3 * torch.randn(900, 6, generator=g) > 0).float()
    model = mlp(16, 64, 6, activation=nn.SiLU)
    return Case(model, nn.BCEWithLogitsLoss(), x, y, Adam(model.parameters(), 3e-3))


@setup("variational", "healthy", "blind")
def variational(seed: int) -> Case:
    """A variational autoencoder of digits: outputs are a tuple, and other ones at each pass."""
    x, _ = digits(seed, 900)
    model = Variational(64)

    def bound(outputs: tuple[Tensor, Tensor, Tensor], y: Tensor) -> Tensor:
        made, mean, log_variance = outputs
        divergence = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(1).mean()
        return ((made - y) ** 2).sum(1).mean() + 0.1 * divergence

    return Case(model, bound, x, x, Adam(model.parameters(), 3e-3))


@setup("contrastive", "healthy", "blind")
def contrastive(seed: int) -> Case:
    """Each input finds its own partner among those of the batch: a loss that mixes on purpose."""
    g = generator(seed)
    x = torch.randn(800, 20, generator=g)
    y = functional.normalize(torch.tanh(x @ torch.randn(20, 12, generator=g) / 4), dim=1)
    model = mlp(20, 64, 12)

    def partners(outputs: Tensor, labels: Tensor) -> Tensor:
        scores = functional.normalize(outputs, dim=1) @ labels.T / 0.2
        return cross_entropy(scores, torch.arange(len(scores)))

    return Case(model, partners, x, y, Adam(model.parameters(), 3e-3))


@setup("mixed-up", "healthy", "blind")
def mixed_up(seed: int) -> Case:
    """Digits and their labels mixed in pairs: labels are shares of classes."""
    x, y = digits(seed)
    g = generator(seed)
    share = torch.rand(len(x), 1, generator=g)
    other = torch.randperm(len(x), generator=g)
    hot = functional.one_hot(y, 10).float()
    model = mlp(64, 128, 10)
    return Case(
        model,
        cross_entropy,
        share * x + (1 - share) * x[other],
        share * hot + (1 - share) * hot[other],
        SGD(model.parameters(), 0.2, momentum=0.9),
    )


@setup("focal", "healthy", "blind")
def focal(seed: int) -> Case:
    """Three in a hundred are of the second class; focal loss."""
    g = generator(seed)
    y = (torch.rand(2500, generator=g) < 0.03).float()
    x = torch.randn(2500, 12, generator=g) + 1.2 * y[:, None]
    model = nn.Sequential(mlp(12, 48, 1), nn.Flatten(0))

    def focal_loss(outputs: Tensor, labels: Tensor) -> Tensor:
        plain = functional.binary_cross_entropy_with_logits(outputs, labels, reduction="none")
        return ((1 - torch.exp(-plain)) ** 2 * plain).mean()

    return Case(model, focal_loss, x, y, Adam(model.parameters(), 3e-3))


@setup("sixty-examples", "healthy", "blind")
def sixty_examples(seed: int) -> Case:
    """Two clouds of thirty points each."""
    g = generator(seed)
    y = torch.arange(60) % 2
    x = torch.randn(60, 5, generator=g) + 1.5 * y[:, None]
    model = mlp(5, 16, 2, activation=nn.Tanh)
    return Case(model, cross_entropy, x, y, Adam(model.parameters(), 1e-2))


@setup("group-norm", "healthy", "blind")
def group_norm(seed: int) -> Case:
    """Convolutions with SiLU and group norm, Nesterov's momentum, weight decay."""
    x, y = digits(seed)
    model = GroupNormed(10)
    optimizer = SGD(model.parameters(), 0.05, 0.9, weight_decay=5e-4, nesterov=True)
    return Case(model, cross_entropy, x.reshape(-1, 1, 8, 8), y, optimizer)


@setup("residual-gelu", "healthy", "blind")
def residual_gelu(seed: int) -> Case:
    """Residual blocks with layer norm, GELU and dropout on a teacher's classes."""
    x, y = classes_of_teacher(seed)
    model = ResidualMlp(20, 48, 4)
    return Case(model, cross_entropy, x, y, AdamW(model.parameters(), 1e-3, weight_decay=0.05))


@setup("counts", "healthy", "blind")
def counts(seed: int) -> Case:
    """Counts by their log rate, Poisson's likelihood."""
    g = generator(seed)
    x = torch.randn(800, 6, generator=g)
    rate = torch.exp(0.5 * x[:, 0] - 0.5 * x[:, 1] + 0.8)
    y = torch.poisson(rate, generator=g).unsqueeze(1)
    model = mlp(6, 32, 1, activation=nn.Softplus)
    return Case(model, nn.PoissonNLLLoss(), x, y, Adam(model.parameters(), 3e-3))


@setup("ratings", "healthy", "blind")
def ratings(seed: int) -> Case:
    """Ratings by embeddings of users and items: two inputs of ids."""
    g = generator(seed)
    users, items = torch.randn(40, 3, generator=g), torch.randn(30, 3, generator=g)
    liked = torch.randn(30, generator=g)
    u = torch.randint(0, 40, (2500,), generator=g)
    i = torch.randint(0, 30, (2500,), generator=g)
    y = (users[u] * items[i]).sum(1) / 2 + liked[i] + 0.2 * torch.randn(2500, generator=g)
    model = Factors(40, 30)
    return Case(model, nn.MSELoss(), (u, i), y, Adam(model.parameters(), 1e-2))


@setup("quantile", "healthy", "blind")
def quantile(seed: int) -> Case:
    """The upper tenth of a noisy number, pinball loss."""
    g = generator(seed)
    x = torch.rand(900, 3, generator=g) * 4 - 2
    y = (x[:, 0].abs() + x[:, 1] + (0.5 + x[:, 2].abs()) * torch.randn(900, generator=g))[:, None]
    model = mlp(3, 48, 1, activation=nn.LeakyReLU)

    def pinball(outputs: Tensor, labels: Tensor) -> Tensor:
        off = labels - outputs
        return torch.maximum(0.9 * off, -0.1 * off).mean()

    return Case(model, pinball, x, y, RMSprop(model.parameters(), 3e-3))


@setup("named-inputs", "healthy", "blind")
def named_inputs(seed: int) -> Case:
    """Inputs by name, a dict of outputs, and a loss of two parts."""
    g = generator(seed)
    numbers, kinds = torch.randn(900, 6, generator=g), torch.randint(0, 5, (900,), generator=g)
    side = torch.randn(5, generator=g)[kinds] + numbers[:, 0]
    y = {"class": (numbers[:, 1] + side > 0).long(), "number": side.unsqueeze(1)}
    model = TwoTables(6, 5, 2)

    def both(outputs: dict[str, Tensor], labels: dict[str, Tensor]) -> Tensor:
        squares = functional.mse_loss(outputs["side"], labels["number"])
        return cross_entropy(outputs["main"], labels["class"]) + 0.5 * squares

    x = {"numbers": numbers, "kinds": kinds}
    return Case(model, both, x, y, Adam(model.parameters(), 3e-3))


@setup("line-search", "healthy", "blind")
def line_search(seed: int) -> Case:
    """A small regression by L-BFGS, which calls the loss as often as it likes."""
    g = generator(seed)
    x = torch.randn(400, 5, generator=g)
    y = torch.sin(x[:, :1]) + x[:, 1:2] ** 2 + 0.1 * torch.randn(400, 1, generator=g)
    model = mlp(5, 24, 1, activation=nn.Tanh)
    return Case(
        model,
        nn.MSELoss(),
        x,
        y,
        LBFGS(model.parameters(), max_iter=5, line_search_fn="strong_wolfe"),
    )


@setup("loader-batch-norm", "healthy", "blind")
def loader_batch_norm(seed: int) -> Case:
    """Batch norm on batches of 50 from a shuffled loader."""
    x, y = classes_of_teacher(seed)
    model = nn.Sequential(
        nn.Linear(20, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 4)
    )
    loader = DataLoader(TensorDataset(x, y), 50, shuffle=True)
    return Case(model, cross_entropy, loader, None, NAdam(model.parameters(), 2e-3))


@setup("faint-regression", "healthy", "blind")
def faint_regression(seed: int) -> Case:
    """A fifth of the variance can be explained, no more; targets of size 50."""
    g = generator(seed)
    x = torch.randn(2000, 8, generator=g)
    y = 50 * (x[:, :1] / 2 + torch.randn(2000, 1, generator=g))
    model = mlp(8, 32, 1)
    return Case(model, nn.MSELoss(), x, y, SGD(model.parameters(), 3e-3))


@setup("time-series", "healthy", "blind")
def time_series(seed: int) -> Case:
    """Which of three rhythms a noisy series has; weight norm and leaky ReLU."""
    g = generator(seed)
    y = torch.randint(0, 3, (700,), generator=g)
    speed = torch.tensor([0.5, 1.0, 1.7])[y, None, None]
    start = 6.3 * torch.rand(700, 2, 1, generator=g)
    x = torch.sin(speed * torch.arange(32) + start) + 0.5 * torch.randn(700, 2, 32, generator=g)
    model = Temporal(2, 3)
    return Case(model, cross_entropy, x, y, Adam(model.parameters(), 5e-3))


@setup("margins", "healthy", "blind")
def margins(seed: int) -> Case:
    """Experts under a gate, the loss of margins between classes."""
    x, y = classes_of_teacher(seed)
    model = Gated(20, 32, 4)
    return Case(model, nn.MultiMarginLoss(), x, y, Adam(model.parameters(), 3e-3))


@setup("one-cycle", "healthy", "blind")
def one_cycle(seed: int) -> Case:
    """A rate that rises for a hundred steps before it falls."""
    x, y = digits(seed)
    model = mlp(64, 64, 64, 10, activation=nn.ELU)
    optimizer = SGD(model.parameters(), 0.2, momentum=0.9)
    OneCycleLR(optimizer, 0.2, total_steps=400)
    return Case(model, cross_entropy, x, y, optimizer)


@setup("log-softmax-twice", "healthy", "blind")
def log_softmax_twice(seed: int) -> Case:
    """A log-softmax before the cross-entropy's own: of its result it changes nothing."""
    x, y = digits(seed)
    model = mlp(64, 64, 10, last=nn.LogSoftmax(1))
    return Case(model, cross_entropy, x, y, SGD(model.parameters(), 0.1))


@setup("dead-half", "healthy", "blind")
def dead_half(seed: int) -> Case:
    """Half of a wide layer's units are dead and are not missed."""
    x, y = digits(seed)
    model = mlp(64, 256, 10)
    with torch.no_grad():
        model[0].bias[:128] = -30.0  # type: ignore[operator]
    return Case(model, cross_entropy, x, y, SGD(model.parameters(), 0.1, momentum=0.9))
