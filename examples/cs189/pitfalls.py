"""The homework's first script by hand, in plain PyTorch: parity set (part a) and trained (part b).

python examples/cs189/pitfalls.py                  # both parts, at the homework's own size
python examples/cs189/pitfalls.py --part b --d 5 10 --iterations 5000
"""

import argparse

import matplotlib.pyplot as plt
import torch
from torch import Tensor, nn


class Network(nn.Module):
    """k ReLU units and one linear output with bias, in PyTorch's default initialisation."""

    def __init__(self, d: int, k: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(d, k)
        self.output = nn.Linear(k, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return f of shape (n,): a column (n, 1) times labels (n,) would be a table (n, n)."""
        return self.output(torch.relu(self.hidden(x))).squeeze(-1)


@torch.no_grad()
def set_weights_as_printed(network: Network, v: Tensor) -> None:
    """Set the weights of part (a) as the sheet prints them; its unit i is row i - 1 here."""
    d = len(v)
    for parameter in network.parameters():
        parameter.zero_()
    for i in range(1, 3 * d // 2 + 1):
        network.hidden.weight[i - 1] = v
    for i in range(d // 2 + 1):
        network.hidden.bias[3 * i] = -(2 * i - 1 / 2)
        network.hidden.bias[3 * i + 1] = -2 * i
        network.hidden.bias[3 * i + 2] = -(2 * i + 1 / 2)
        network.output.weight[0, 3 * i] = 4
        network.output.weight[0, 3 * i + 1] = -8
        network.output.weight[0, 3 * i + 2] = 4
    network.output.bias[0] = -1


@torch.no_grad()
def correct_weights(network: Network, v: Tensor) -> None:
    """Give the last tent the weight vectors that the printed count leaves out."""
    d = len(v)
    for i in range(3 * d // 2 + 1, 3 * (d // 2 + 1) + 1):
        network.hidden.weight[i - 1] = v


def myLoss(output: Tensor, label: Tensor) -> Tensor:  # noqa: N802 - the starter's name
    """Return the mean hinge loss of a batch."""
    if output.shape != label.shape:
        raise ValueError(f"myLoss: output {tuple(output.shape)}, labels {tuple(label.shape)}")
    return torch.clamp(1 - output * label, min=0).mean()


def parity(x: Tensor, v: Tensor) -> Tensor:
    """Return the labels (-1)^(v . x)."""
    return 1 - 2 * (x @ v % 2)


def random_bits(*shape: int) -> Tensor:
    """Draw from the uniform law on zeros and ones."""
    return torch.randint(2, shape).float()


@torch.no_grad()
def wrong_inputs(network: Network, v: Tensor, n_inputs: int) -> tuple[int, list[int]]:
    """Count wrong random inputs, one by one, and list the values of v.x at which f is wrong.

    All units look along v, so f sees of x only v.x: one input for each value decides about all.
    """
    x = random_bits(n_inputs, len(v))
    wrong = int((network(x) != parity(x, v)).sum())
    ones = v.nonzero()[:, 0]
    x = torch.stack([torch.zeros(len(v)).index_fill(0, ones[:s], 1) for s in range(len(ones) + 1)])
    return wrong, (network(x) != parity(x, v)).nonzero()[:, 0].tolist()


def check_by_hand(d: int, n_inputs: int) -> None:
    """Part (a): the sheet draws v; only v = (1, ..., 1) can show what its count leaves out."""
    for v in (random_bits(d), torch.ones(d)):
        network = Network(d, k=10 * d)
        for set_weights in (set_weights_as_printed, correct_weights):
            set_weights(network, v)
            wrong, failing = wrong_inputs(network, v, n_inputs)
            verdict = f"wrong wherever v.x = {failing[0]}" if failing else "exact on every input"
            what = f"d={d} m={int(v.sum())} {set_weights.__name__}"
            print(f"{what}: {wrong} of {n_inputs} random inputs wrong; {verdict}")


def train(network: Network, v: Tensor, iterations: int) -> list[float]:
    """Part (b): the starter's loop, a fresh batch of 100 at every iteration; returns its losses."""
    optimizer = torch.optim.SGD(network.parameters(), lr=0.001, momentum=0.9)
    losses = []
    for iteration in range(iterations):
        x = random_bits(100, len(v))
        loss = myLoss(network(x), parity(x, v))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if iteration % 5000 == 0:
            print(f"d={len(v)} m={int(v.sum())} iteration {iteration}: loss {losses[-1]:.4f}")
    return losses


def train_all(dimensions: list[int], iterations: int) -> None:
    """Train for each d and plot the losses: what is learned depends on m, so the title says it."""
    n = len(dimensions)
    figure, axes = plt.subplots(1, n, figsize=(4.2 * n, 3.2), squeeze=False, sharey=True)
    for ax, d in zip(axes[0], dimensions, strict=True):
        v = random_bits(d)
        network = Network(d, k=10 * d)
        losses = train(network, v, iterations)
        x = random_bits(10_000, d)
        right = int((network(x) * parity(x, v) > 0).sum())
        print(f"d={d} m={int(v.sum())}: {right} of 10000 fresh inputs right")
        ax.plot(losses, linewidth=0.7)
        ax.set(title=f"d = {d}, m = {int(v.sum())}", xlabel="iteration", ylabel="batch hinge loss")
    figure.savefig("losses.png", dpi=150, bbox_inches="tight")
    print("loss over iterations: losses.png")


def main() -> None:
    """Run the parts asked for."""
    parser = argparse.ArgumentParser(usage=argparse.SUPPRESS)
    parser.add_argument("--part", choices=("a", "b", "both"), default="both")
    parser.add_argument("--d", type=int, nargs="+", default=[5, 10, 30], help="of part b")
    parser.add_argument("--iterations", type=int, default=50_000)
    parser.add_argument("--inputs", type=int, default=10_000, help="random inputs of part a")
    parser.add_argument("--seed", type=int, default=123)
    arguments = parser.parse_args()
    for name, least in (("d", 1), ("iterations", 1), ("inputs", 1), ("seed", 0)):
        given = getattr(arguments, name)
        if min(given if name == "d" else [given]) < least:
            parser.error(f"--{name}: must be at least {least}. Got {given}.")
    torch.manual_seed(arguments.seed)
    if arguments.part in ("a", "both"):
        check_by_hand(10, arguments.inputs)
    if arguments.part in ("b", "both"):
        train_all(arguments.d, arguments.iterations)


if __name__ == "__main__":
    main()
