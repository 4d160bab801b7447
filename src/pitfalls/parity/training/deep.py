"""Training deep networks on parity, watching the gradient of every layer (homework 3d)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor, nn

from pitfalls.display import Displayed
from pitfalls.errors import DivergenceError, InputError
from pitfalls.parity.deep_network import Activation, DeepNetwork
from pitfalls.parity.loss import named_loss
from pitfalls.parity.risk_and_accuracy import RiskAndAccuracy, evaluate
from pitfalls.parity.signal.layer_gradients import LayerGradients, layer_gradients
from pitfalls.parity.task import ParityTask
from pitfalls.parity.training.config import LearningConfig
from pitfalls.parity.training.records import LearningCurve
from pitfalls.parity.training.stacked import Stack
from pitfalls.parity.training.two_layer import initial_seed, starting_at

__all__ = ["DeepResult", "train_deep"]


@dataclass(frozen=True, eq=False, repr=False)
class DeepResult(Displayed):
    """A trained deep network.

    Attributes
    ----------
    curve : LearningCurve
        As for the two-layer network.
    gradient_norm, gradient_bound : array of shape (records + 1, L + 1)
        :func:`layer_gradients` at the start and at every record.
    evaluation : RiskAndAccuracy
        Of the last network.
    """

    task: ParityTask
    config: LearningConfig
    curve: LearningCurve
    gradient_norm: Float64[np.ndarray, "probes layers"]
    gradient_bound: Float64[np.ndarray, "probes layers"]
    evaluation: RiskAndAccuracy
    network: DeepNetwork = field(repr=False)


def train_deep(
    tasks: Sequence[ParityTask],
    widths: Sequence[int],
    activation: Activation = "sigmoid",
    config: LearningConfig | None = None,
    *,
    n_probe: int = 4096,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[DeepResult]:
    """Train one deep network a task, all side by side, watching the gradient of every layer.

    Parameters
    ----------
    tasks : sequence of ParityTask
        All of one dimension d. Replica i takes the seed ``config.seed + i``.
    widths, activation
        As of :class:`DeepNetwork`.
    config : LearningConfig, optional
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
    >>> config = LearningConfig(n_iterations=400, learning_rate=0.01)
    >>> deep = train_deep([ParityTask([1, 1, 0])], [20, 20], "sigmoid", config)[0]
    >>> deep.gradient_norm.shape              # the start and two records; three layers
    (3, 3)
    """
    config = config or LearningConfig()
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

    def load() -> None:
        for r, network in enumerate(networks):
            nn.utils.vector_to_parameters(stack.state(r).parameters, network.parameters())

    def look() -> list[LayerGradients]:
        load()
        return [
            layer_gradients(network, *probe, loss)
            for network, probe in zip(networks, probes, strict=True)
        ]

    seen = [look()]
    for _ in stack.records():
        if stack.diverged.any():
            load()
            raise DivergenceError(
                f"train_deep: left the finite numbers before iteration {stack.step}. Take a "
                f"smaller learning rate than {config.learning_rate}.",
                last=networks,
            )
        seen.append(look())
        if on_progress is not None:
            on_progress(stack.step, config.n_iterations)
    return [
        DeepResult(
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
