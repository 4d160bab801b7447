"""Set-ups with nothing wrong: they learn when they are trained longer, whatever they look like."""

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD, Adam, AdamW
from torch.optim.lr_scheduler import LambdaLR

from pitfalls.diagnosis.zoo.networks import (
    Attention,
    Convolutional,
    LastState,
    Residual,
    UShaped,
)
from pitfalls.diagnosis.zoo.setup import (
    Case,
    classes_of_teacher,
    digits,
    generator,
    mlp,
    setup,
)

cross_entropy = functional.cross_entropy


@setup("mlp-sgd", "healthy", "tuning")
def mlp_sgd(seed: int) -> Case:
    """Two hidden layers on digits, SGD at 0.1."""
    x, y = digits(seed)
    model = mlp(64, 64, 64, 10)
    return Case(model, cross_entropy, x, y, SGD(model.parameters(), 0.1))


@setup("mlp-adam", "healthy", "reported")
def mlp_adam(seed: int) -> Case:
    """One hidden layer on a teacher's classes, Adam at 0.003."""
    x, y = classes_of_teacher(seed)
    model = mlp(20, 128, 4)
    return Case(model, cross_entropy, x, y, Adam(model.parameters(), 3e-3))


@setup("linear", "healthy", "tuning")
def linear(seed: int) -> Case:
    """A linear classifier on digits: it cannot memorise, and need not."""
    x, y = digits(seed)
    model = nn.Linear(64, 10)
    return Case(model, cross_entropy, x, y, SGD(model.parameters(), 0.1))


@setup("linear-regression", "healthy", "reported")
def linear_regression(seed: int) -> Case:
    """A linear map of 12 inputs to 3 noisy outputs, squared loss."""
    g = generator(seed)
    x = torch.randn(400, 12, generator=g)
    y = x @ torch.randn(12, 3, generator=g) / 3 + 0.5 * torch.randn(400, 3, generator=g)
    model = nn.Linear(12, 3)
    return Case(model, nn.MSELoss(), x, y, SGD(model.parameters(), 0.05))


@setup("deep-tanh", "healthy", "reported")
def deep_tanh(seed: int) -> Case:
    """Four tanh layers on digits, SGD with momentum."""
    x, y = digits(seed)
    model = mlp(64, 64, 64, 64, 64, 10, activation=nn.Tanh)
    return Case(model, cross_entropy, x, y, SGD(model.parameters(), 0.1, momentum=0.9))


@setup("cnn-batch-norm", "healthy", "tuning")
def cnn_batch_norm(seed: int) -> Case:
    """Convolutions with batch norm on digits, SGD with momentum."""
    x, y = digits(seed)
    model = Convolutional(10)
    return Case(model, cross_entropy, x.reshape(-1, 1, 8, 8), y, SGD(model.parameters(), 0.05, 0.9))


@setup("dropout", "healthy", "reported")
def dropout(seed: int) -> Case:
    """Half of the hidden units dropped, Adam at 0.001."""
    x, y = digits(seed)
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10))
    return Case(model, cross_entropy, x, y, Adam(model.parameters(), 1e-3))


@setup("regression", "healthy", "tuning")
def regression(seed: int) -> Case:
    """A smooth function of five inputs with noise, squared loss."""
    g = generator(seed)
    x = torch.randn(600, 5, generator=g)
    y = (x[:, 0] * x[:, 1] + x[:, 2]).unsqueeze(1) + 0.3 * torch.randn(600, 1, generator=g)
    model = mlp(5, 64, 64, 1)
    return Case(model, nn.MSELoss(), x, y, Adam(model.parameters(), 3e-3))


@setup("parity-8-of-3", "healthy", "tuning")
def parity(seed: int) -> Case:
    """Parity of three of eight bits, 4,096 examples: learnable, and slow to start."""
    g = generator(seed)
    x = torch.randint(0, 2, (4096, 8), generator=g).float()
    y = 1 - 2 * (x[:, :3].sum(1) % 2)
    model = nn.Sequential(mlp(8, 128, 1), nn.Flatten(0))

    def hinge(outputs: Tensor, labels: Tensor) -> Tensor:
        return torch.relu(1 - outputs * labels).mean()

    return Case(model, hinge, x, y, SGD(model.parameters(), 0.05, momentum=0.9))


@setup("recurrent", "healthy", "reported")
def recurrent(seed: int) -> Case:
    """An LSTM that tells the sign of a sequence's sum."""
    g = generator(seed)
    x = torch.randn(800, 12, 3, generator=g)
    y = (x.sum((1, 2)) > 0).long()
    model = LastState(3, 32, 2)
    return Case(model, cross_entropy, x, y, Adam(model.parameters(), 1e-2))


@setup("transformer", "healthy", "tuning")
def transformer(seed: int) -> Case:
    """Attention over 10 symbols, and which of two marks comes more often; fixed sinusoids."""
    g = generator(seed)
    x = torch.randint(0, 12, (800, 10), generator=g)
    y = ((x == 0).sum(1) + (x == 1).sum(1) > (x == 2).sum(1) + (x == 3).sum(1)).long()
    model = Attention(12, 32, 2)
    return Case(model, cross_entropy, x, y, AdamW(model.parameters(), 3e-3))


@setup("u-net-dice", "healthy", "reported")
def u_net(seed: int) -> Case:
    """A U-shaped network marks bright discs in noise; the Dice loss looks at a batch as a whole."""
    g = generator(seed)
    centre = torch.randint(4, 12, (240, 2), generator=g).float()
    grid = torch.arange(16).float()
    far = (grid[None, :, None] - centre[:, :1, None]) ** 2 + (
        grid[None, None, :] - centre[:, 1:, None]
    ) ** 2
    y = (far <= 9).float().unsqueeze(1)
    x = y + 0.7 * torch.randn(y.shape, generator=g)

    def dice(outputs: Tensor, labels: Tensor) -> Tensor:
        p = torch.sigmoid(outputs)
        return 1 - (2 * (p * labels).sum() + 1) / (p.sum() + labels.sum() + 1)

    model = UShaped()
    return Case(model, dice, x, y, Adam(model.parameters(), 1e-2))


@setup("label-noise", "healthy", "reported")
def label_noise(seed: int) -> Case:
    """Half of the digits' labels are drawn at random."""
    x, y = digits(seed, 1700)
    g = generator(seed)
    noisy = torch.rand(len(y), generator=g) < 0.5
    y = torch.where(noisy, torch.randint(0, 10, y.shape, generator=g), y)
    model = mlp(64, 128, 10)
    return Case(model, cross_entropy, x, y, Adam(model.parameters(), 1e-3))


@setup("imbalance", "healthy", "tuning")
def imbalance(seed: int) -> Case:
    """One example in a hundred is of the second class."""
    g = generator(seed)
    n = 3000
    y = (torch.rand(n, generator=g) < 0.01).long()
    x = torch.randn(n, 10, generator=g) + 1.5 * y[:, None]
    model = mlp(10, 64, 2)
    return Case(model, cross_entropy, x, y, Adam(model.parameters(), 3e-3))


@setup("imbalance-weighted", "healthy", "reported")
def imbalance_weighted(seed: int) -> Case:
    """The same shares with class weights in the loss: a weighted mean."""
    case = imbalance(seed)
    loss = nn.CrossEntropyLoss(weight=torch.tensor([0.05, 1.0]))
    return Case(case.model, loss, case.x, case.y, case.optimizer)


@setup("heavy-tails", "healthy", "tuning")
def heavy_tails(seed: int) -> Case:
    """Inputs with Student's t at two degrees of freedom."""
    g = generator(seed)
    normal = torch.randn(1000, 10, generator=g)
    chi = torch.randn(1000, 10, 2, generator=g).square().sum(-1) / 2
    x = normal / chi.sqrt()
    y = (x[:, :3].sign().sum(1) > 0).long()
    model = mlp(10, 64, 2)
    return Case(model, cross_entropy, x, y, Adam(model.parameters(), 1e-3))


@setup("zero-head", "healthy", "tuning")
def zero_head(seed: int) -> Case:
    """The last layer starts at zero, as residual networks often do: gradients behind it are zero."""
    x, y = digits(seed)
    model = mlp(64, 64, 64, 10)
    nn.init.zeros_(model[-1].weight)  # type: ignore[arg-type]
    nn.init.zeros_(model[-1].bias)  # type: ignore[arg-type]
    return Case(model, cross_entropy, x, y, SGD(model.parameters(), 0.1, momentum=0.9))


@setup("residual-zero-gain", "healthy", "reported")
def residual_zero_gain(seed: int) -> Case:
    """Residual blocks whose last batch norm has a gain of zero at the start."""
    x, y = digits(seed)
    model = Residual(10)
    return Case(model, cross_entropy, x.reshape(-1, 1, 8, 8), y, SGD(model.parameters(), 0.05, 0.9))


@setup("frozen-trained-body", "healthy", "tuning")
def frozen_trained_body(seed: int) -> Case:
    """A trained body, frozen and left out of the optimizer; a new head."""
    x, y = digits(seed)
    model = mlp(64, 64, 10)
    first = Adam(model.parameters(), 1e-2)
    for _ in range(100):
        first.zero_grad()
        cross_entropy(model(x), y).backward()  # type: ignore[no-untyped-call]
        first.step()
    model[0].requires_grad_(False)
    head = nn.Linear(64, 10)
    model[-1] = head
    return Case(model, cross_entropy, x, y, SGD(head.parameters(), 0.1))


@setup("likelihood", "healthy", "reported")
def likelihood(seed: int) -> Case:
    """Mean and log variance by maximum likelihood: a loss that may well be negative."""
    g = generator(seed)
    x = torch.rand(800, 2, generator=g) * 2 - 1
    noise = 0.02 + 0.1 * (x[:, 1:] > 0)
    y = torch.sin(3 * x[:, :1]) + noise * torch.randn(800, 1, generator=g)
    model = mlp(2, 64, 64, 2, activation=nn.Tanh)

    def negative_log_likelihood(outputs: Tensor, labels: Tensor) -> Tensor:
        mean, log_variance = outputs[:, :1], outputs[:, 1:].clamp(-12, 12)
        return (0.5 * (labels - mean) ** 2 * torch.exp(-log_variance) + 0.5 * log_variance).mean()

    return Case(model, negative_log_likelihood, x, y, Adam(model.parameters(), 3e-3))


@setup("autoencoder", "healthy", "reported")
def autoencoder(seed: int) -> Case:
    """Eight numbers for a picture of 64: a narrow place that is meant."""
    x, _ = digits(seed, 800)
    model = mlp(64, 32, 8, 32, 64)
    return Case(model, nn.MSELoss(), x, x, Adam(model.parameters(), 3e-3))


@setup("probabilities", "healthy", "tuning")
def probabilities(seed: int) -> Case:
    """A sigmoid at the end, and the loss that takes probabilities."""
    x, y = classes_of_teacher(seed, n_classes=2)
    model = mlp(20, 64, 1, last=nn.Sigmoid())
    return Case(model, nn.BCELoss(), x, y.float().unsqueeze(1), Adam(model.parameters(), 3e-3))


@setup("log-probabilities", "healthy", "reported")
def log_probabilities(seed: int) -> Case:
    """A log-softmax at the end, and the loss that takes it: unbounded for free outputs."""
    x, y = classes_of_teacher(seed)
    model = mlp(20, 64, 4, last=nn.LogSoftmax(1))
    return Case(model, nn.NLLLoss(), x, y, SGD(model.parameters(), 0.2))


@setup("tokens", "healthy", "tuning")
def tokens(seed: int) -> Case:
    """The next symbol at each of 12 places, some of them left out: a loss over (n, T)."""
    g = generator(seed)
    table = torch.randint(0, 9, (9,), generator=g)
    x = torch.randint(0, 9, (500, 12), generator=g)
    y = table[x]
    y = torch.where(torch.rand(y.shape, generator=g) < 0.2, -100, y)
    model = nn.Sequential(nn.Embedding(9, 24), nn.Linear(24, 48), nn.ReLU(), nn.Linear(48, 9))

    def by_place(outputs: Tensor, labels: Tensor) -> Tensor:
        return cross_entropy(outputs.flatten(0, 1), labels.flatten(), ignore_index=-100)

    return Case(model, by_place, x, y, Adam(model.parameters(), 3e-3))


@setup("warm-up", "healthy", "reported")
def warm_up(seed: int) -> Case:
    """A scheduler starts the rate a thousand times too low, on purpose."""
    x, y = digits(seed)
    model = mlp(64, 64, 10)
    optimizer = SGD(model.parameters(), 0.2)
    LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / 1000))
    return Case(model, cross_entropy, x, y, optimizer)


@setup("trained", "healthy", "tuning")
def trained(seed: int) -> Case:
    """A network at the end of its training: sixty steps more change next to nothing."""
    x, y = digits(seed)
    model = mlp(64, 64, 10)
    optimizer = Adam(model.parameters(), 3e-3)
    for _ in range(400):
        optimizer.zero_grad()
        cross_entropy(model(x), y).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return Case(model, cross_entropy, x, y, SGD(model.parameters(), 1e-3))
