"""Deep networks on parity: how gradients shrink from layer to layer (homework 3d).

Write z_l = W_l h_{l-1} + b_l, h_l = phi(z_l), h_0 = x, f = z_{L+1}, and delta_l for the derivative
of a sample's loss in z_l. Backpropagation is delta_l = phi'(z_l) * W_{l+1}^T delta_{l+1}, so with
c = max |phi'| (1/4 for the sigmoid) every layer multiplies the message by at most c ||W_{l+1}||_2:

    ||delta_l|| <= |delta_{L+1}| prod_{j > l} c ||W_j||_2                                     (1)

and, as dR/dW_l = E[delta_l h_{l-1}^T], by Cauchy and Schwarz

    ||dR/dW_l||_F <= rms ||h_{l-1}|| * rms ||delta_l||.                                       (2)

Both are inequalities for every network and every input, not estimates.
"""

import copy
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor, nn

from pitfalls.errors import DivergenceError, InputError
from pitfalls.parity.batched import ACTIVATIONS, Stack
from pitfalls.parity.checks import require_integer
from pitfalls.parity.evaluation import Evaluation, evaluate
from pitfalls.parity.loss import Loss, named_loss
from pitfalls.parity.network import is_plain
from pitfalls.parity.serial import one_torch_thread
from pitfalls.parity.task import ParityTask
from pitfalls.parity.train_config import TrainingConfig
from pitfalls.parity.train_records import TrainingCurve
from pitfalls.parity.training import initial_seed, starting_at

__all__ = [
    "Activation",
    "DeepNetwork",
    "DeepTrainingResult",
    "LayerGradients",
    "layer_gradients",
    "train_deep",
]

Activation = Literal["sigmoid", "tanh", "relu"]

_STEEPEST = {"sigmoid": 0.25, "tanh": 1.0, "relu": 1.0}


class DeepNetwork(nn.Module):
    """A fully connected network with one linear output.

    Parameters
    ----------
    n_features : int
        d, the number of inputs.
    widths : sequence of int
        Hidden widths, first layer first; their number is the depth. Empty: a linear function.
    activation : {"sigmoid", "tanh", "relu"}
    seed : int, optional
        Decides the initial weights, PyTorch's default for ``nn.Linear``; by default they come
        from PyTorch's global generator.

    Examples
    --------
    >>> network = DeepNetwork(5, [50, 50, 50], "sigmoid", seed=0)
    >>> network(torch.zeros(7, 5)).shape
    torch.Size([7])
    """

    def __init__(
        self,
        n_features: int,
        widths: Sequence[int],
        activation: Activation = "sigmoid",
        *,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        n_features = require_integer("DeepNetwork", "n_features", n_features, 1)
        widths = [require_integer("DeepNetwork", "a width", width, 1) for width in widths]
        sizes = [n_features, *widths, 1]
        if activation not in ACTIVATIONS:
            raise InputError(
                f"DeepNetwork: activation must be one of {', '.join(get_args(Activation))}. "
                f"Got {activation!r} instead."
            )
        self.n_features = n_features
        self.widths = tuple(widths)
        self.activation: Activation = activation
        with torch.random.fork_rng(devices=[], enabled=seed is not None):
            if seed is not None:
                torch.manual_seed(require_integer("DeepNetwork", "seed", seed))
            pairs = itertools.pairwise(sizes)
            self.layers = nn.ModuleList(nn.Linear(n_in, n_out) for n_in, n_out in pairs)

    @property
    def steepest(self) -> float:
        """c, the largest slope of the activation: 1/4 for the sigmoid, 1 for tanh and ReLU."""
        return _STEEPEST[self.activation]

    def forward(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch"]:
        """Evaluate f; no trailing axis, so that outputs meet labels of shape (n,)."""
        for layer in self.layers[:-1]:
            x = ACTIVATIONS[self.activation][0](layer(x))
        values: Tensor = self.layers[-1](x)
        return values.squeeze(-1)


@dataclass(frozen=True, eq=False)
class LayerGradients:
    """Gradients layer by layer, first layer first, the output layer last: L + 1 entries each.

    Attributes
    ----------
    gradient_norm : Tensor
        ||dR/dW_l||_F of the mean loss.
    gradient_bound : Tensor
        The right side of (2), with (1) for the message; never below ``gradient_norm``.
    message_norm : Tensor
        Root mean square over the inputs of ||delta_l||.
    message_bound : Tensor
        The right side of (1), root mean square; never below ``message_norm``.
    spectral_norm : Tensor
        ||W_l||_2.
    """

    gradient_norm: Float[Tensor, " layers"]
    gradient_bound: Float[Tensor, " layers"]
    message_norm: Float[Tensor, " layers"]
    message_bound: Float[Tensor, " layers"]
    spectral_norm: Float[Tensor, " layers"]


@one_torch_thread()
def layer_gradients(
    network: DeepNetwork,
    x: Float[Tensor, "n d"],
    y: Float[Tensor, " n"],
    loss: Loss | None = None,
) -> LayerGradients:
    """Measure the gradient of the mean loss in each layer, beside its bound by spectral norms.

    Parameters
    ----------
    network : DeepNetwork
        Itself, without subclass or hooks, whose layers are the ones below. Not modified;
        differentiated in float64.
    x, y : Tensor of shape (n, d) and (n,)
        Inputs and labels; all 2^d inputs give the gradients of the risk itself.
    loss : Loss, optional
        Hinge by default.

    Raises
    ------
    InputError
        If the network computes something else than its layers say.
    DivergenceError
        If a gradient or a bound is not finite.

    Examples
    --------
    >>> task = ParityTask([1, 1, 0, 1, 0])
    >>> x = task.all_inputs()
    >>> network = DeepNetwork(5, [50] * 4, "sigmoid", seed=0)
    >>> seen = layer_gradients(network, x, task.labels(x))
    >>> bool((seen.gradient_norm <= seen.gradient_bound).all())
    True
    >>> bool(seen.message_norm[0] < seen.message_norm[-1] / 500)
    True
    """
    loss = loss or named_loss("hinge")
    if not is_plain(network, DeepNetwork):
        raise InputError(
            "layer_gradients: network must be a DeepNetwork itself, without subclass, hooks or "
            f"exchanged layers. Got {type(network).__name__}."
        )
    network = copy.deepcopy(network).double()
    h, y = x.double(), y.double()
    phi = ACTIVATIONS[network.activation][0]
    before, inputs = [], []  # z_l and h_{l-1}
    for layer in network.layers:
        inputs.append(h)
        z = layer(h)
        before.append(z)
        h = phi(z)
    per_sample = loss.per_sample(before[-1].squeeze(-1), y)
    messages = torch.autograd.grad(per_sample.sum(), before)
    with torch.no_grad():
        gradients = [delta.T @ h / len(x) for delta, h in zip(messages, inputs, strict=True)]
        spectral = torch.stack(
            [torch.linalg.matrix_norm(layer.weight, 2) for layer in network.layers]
        )
        rms = torch.stack([_root_mean_square(delta) for delta in messages])
        size = torch.stack([_root_mean_square(h) for h in inputs])
        factor = torch.cat([network.steepest * spectral[1:], spectral.new_ones(1)])
        bound = rms[-1] * factor.flip(0).cumprod(0).flip(0)
        return LayerGradients(
            gradient_norm=torch.stack([gradient.norm() for gradient in gradients]),
            gradient_bound=size * bound,
            message_norm=rms,
            message_bound=bound,
            spectral_norm=spectral,
        )


def _root_mean_square(rows: Float[Tensor, "n width"]) -> Float[Tensor, ""]:
    return rows.square().sum(1).mean().sqrt()


@dataclass(frozen=True, eq=False)
class DeepTrainingResult:
    """A trained deep network.

    Attributes
    ----------
    curve : TrainingCurve
        As for the two-layer network.
    gradient_norm, gradient_bound : array of shape (records + 1, L + 1)
        :func:`layer_gradients` at the start and at every record.
    evaluation : Evaluation
        Of the last network.
    """

    task: ParityTask
    config: TrainingConfig
    curve: TrainingCurve
    gradient_norm: Float64[np.ndarray, "probes layers"]
    gradient_bound: Float64[np.ndarray, "probes layers"]
    evaluation: Evaluation
    network: DeepNetwork = field(repr=False)


def train_deep(
    tasks: Sequence[ParityTask],
    widths: Sequence[int],
    activation: Activation = "sigmoid",
    config: TrainingConfig | None = None,
    *,
    n_probe: int = 4096,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[DeepTrainingResult]:
    """Train one deep network a task, all side by side, watching the gradient of every layer.

    Parameters
    ----------
    tasks : sequence of ParityTask
        All of one dimension d. Replica i takes the seed ``config.seed + i``.
    widths, activation
        As of :class:`DeepNetwork`.
    config : TrainingConfig, optional
        Everything but ``n_hidden``, which ``widths`` replaces.
    n_probe : int
        Gradients are measured over all 2^d inputs if that is no more than ``n_probe``, else on
        so many sampled ones.
    on_progress : callable, optional
        Called with (iterations done, all) at every record.

    Raises
    ------
    DivergenceError
        If a replica leaves the finite numbers; ``last`` holds the networks at the last record.

    Examples
    --------
    >>> config = TrainingConfig(n_iterations=400, learning_rate=0.01)
    >>> deep = train_deep([ParityTask([1, 1, 0])], [20, 20], "sigmoid", config)[0]
    >>> deep.gradient_norm.shape              # the start and two records; three layers
    (3, 3)
    """
    config = config or TrainingConfig()
    tasks = list(tasks)
    if not tasks or len({task.n_features for task in tasks}) != 1:
        raise InputError("train_deep: tasks must be one or more of one dimension.")
    d = tasks[0].n_features
    configs = [replace(config, seed=config.seed + i) for i in range(len(tasks))]
    networks = [
        DeepNetwork(d, widths, activation, seed=initial_seed(c)).to(getattr(torch, c.dtype))
        for c in configs
    ]
    probes = [_probe(task, n_probe, c.seed) for task, c in zip(tasks, configs, strict=True)]
    loss = named_loss(config.loss)
    flat = [nn.utils.parameters_to_vector(n.parameters()).detach() for n in networks]
    stack = Stack(
        (d, *widths, 1),
        activation,
        tasks,
        configs,
        [starting_at(parameters) for parameters in flat],
        torch.device("cpu"),
    )

    def look() -> list[LayerGradients]:
        for r, network in enumerate(networks):
            nn.utils.vector_to_parameters(stack.state(r).parameters, network.parameters())
        return [
            layer_gradients(network, *probe, loss)
            for network, probe in zip(networks, probes, strict=True)
        ]

    seen = [look()]
    for _ in stack.records():
        seen.append(look())
        if stack.diverged.any():
            raise DivergenceError(
                f"train_deep: left the finite numbers before iteration {stack.step}. Take a "
                f"smaller learning rate than {config.learning_rate}.",
                last=networks,
            )
        if on_progress is not None:
            on_progress(stack.step, config.n_iterations)
    return [
        DeepTrainingResult(
            task=task,
            config=configs[r],
            curve=stack.state(r).curve,
            gradient_norm=torch.stack([at[r].gradient_norm for at in seen]).numpy(),
            gradient_bound=torch.stack([at[r].gradient_bound for at in seen]).numpy(),
            evaluation=evaluate(networks[r], task, loss),
            network=networks[r],
        )
        for r, task in enumerate(tasks)
    ]


def _probe(
    task: ParityTask, n_probe: int, seed: int
) -> tuple[Float[Tensor, "n d"], Float[Tensor, " n"]]:
    if 1 << task.n_features <= n_probe:
        x = task.all_inputs()
        return x, task.labels(x)
    return task.sample(n_probe, torch.Generator().manual_seed(seed))
