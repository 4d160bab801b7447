"""Optimisers over one model: parameter groups whose rates are multiples of the schedule's."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from pitfalls.errors import InputError
from pitfalls.named import is_named, load_named, own_code

__all__ = ["Muon", "OptimizerFunction", "make_optimizers", "orthogonalize", "take_step"]

TINY = 1e-7
# Chosen to push small singular values up fast, not to converge: they land in [0.7, 1.2].
NEWTON_SCHULZ = (3.4445, -4.775, 2.0315)


def orthogonalize(matrix: Tensor, steps: int = 3) -> Tensor:
    """Push every singular value of a matrix towards 1, keeping its singular vectors.

    Parameters
    ----------
    matrix : Tensor of shape (m, n)
        Any shape; not modified.
    steps : int, default=3
        Newton–Schulz steps; singular values above about a hundredth of the Frobenius norm arrive
        within five.

    Returns
    -------
    Tensor of shape (m, n)

    References
    ----------
    Jordan et al. Muon: an optimizer for hidden layers in neural networks. 2024.
    """
    a, b, c = NEWTON_SCHULZ
    wide = matrix.shape[0] <= matrix.shape[1]
    x = matrix if wide else matrix.T
    x = x / (x.norm() + TINY)
    for _ in range(steps):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x if wide else x.T


class Muon(torch.optim.Optimizer):
    """Momentum whose step is orthogonalised, for convolution weights.

    Before each step a weight is scaled to Frobenius norm √(output channels), so that the rate is a
    relative change and weight decay has no role.

    Parameters
    ----------
    params : iterable of Parameter
        Real weights of two or more dimensions, output channels first.
    lr : float, default=0.24
        Step relative to a weight of unit rows; finite, not negative.
    momentum : float in [0, 1), default=0.6
        Nesterov momentum.
    steps : int, default=3
        Newton–Schulz steps, at least 1.

    Raises
    ------
    InputError
        If a weight or a value, a group's own included, is none of these.

    References
    ----------
    Jordan et al. Muon: an optimizer for hidden layers in neural networks. 2024.
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        lr: float = 0.24,
        momentum: float = 0.6,
        steps: int = 3,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "steps": steps})

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of weights; what it does not set itself is the optimiser's default."""
        super().add_param_group(param_group)
        try:
            _check_group(self.param_groups[-1])
        except InputError:
            self.param_groups.pop()
            raise

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every weight that has a gradient.

        Parameters
        ----------
        closure : callable, optional
            Computes the loss anew, gradients included, and returns it.

        Returns
        -------
        The closure's loss, or None without one.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._change(weight, group)
        return loss

    def _change(self, weight: nn.Parameter, group: Mapping[str, Any]) -> None:
        gradient = weight.grad
        if gradient is None or gradient.is_sparse:
            raise InputError(
                "Muon: gradients must be dense. Got a sparse one; give it to SparseAdam."
            )
        state = self.state[weight]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(weight)
        velocity = state["momentum_buffer"].mul_(group["momentum"]).add_(gradient)
        ahead = gradient.add(velocity, alpha=group["momentum"])
        # a weight that starts at zero has no direction to keep yet
        weight.mul_(len(weight) ** 0.5 / weight.norm().clamp_min(TINY))
        update = orthogonalize(ahead.reshape(len(weight), -1), group["steps"])
        weight.add_(update.reshape(weight.shape), alpha=-group["lr"])


def _check_group(group: Mapping[str, Any]) -> None:
    for weight in group["params"]:
        if weight.ndim < 2 or weight.is_complex():
            raise InputError(
                "Muon: weights must be real and have at least two dimensions. Got "
                f"{str(weight.dtype).removeprefix('torch.')} of shape {tuple(weight.shape)} instead; "
                "give biases and gains to SGD."
            )
    lr, momentum, steps = group["lr"], group["momentum"], group["steps"]
    for holds, name, must in (
        (0 <= lr < math.inf, "lr", "finite and not negative"),
        (0 <= momentum < 1, "momentum", "in [0, 1)"),
        (isinstance(steps, int) and steps >= 1, "steps", "a whole number of at least 1"),
    ):
        if not holds:
            raise InputError(f"Muon: {name} must be {must}. Got {group[name]} instead.")


OptimizerFunction = Callable[[list[nn.Parameter]], torch.optim.Optimizer]
"""What a user's own optimiser is: from the trained parameters to an optimiser of them."""


def make_optimizers(
    model: nn.Module,
    *,
    optimizer: str | OptimizerFunction = "sgd",
    momentum: float = 0.9,
    nesterov: bool = False,
    weight_decay: float = 0.0,
    muon_rate: float = 0.24,
    muon_momentum: float = 0.6,
    bias_rate: float = 0.053,
    other_rate: float = 0.67,
) -> list[torch.optim.Optimizer]:
    """Build the optimisers of a model; each group carries its ``scale``.

    With ``"sgd"`` or ``"adamw"`` there is one group, and the schedule's rate is its rate. With
    ``"muon"`` the convolutions go to Muon, biases and the rest to SGD, and the schedule is a factor
    on the three rates, 1 at its peak. A function of one's own, or its name, is called with the
    trained parameters; the scale of its groups is 1 unless they have one. Of a model that is told each
    epoch (``set_epoch``) all may be trained, and those without a gradient are left alone.

    Returns
    -------
    list of Optimizer
    """
    told = hasattr(model, "set_epoch")
    trained = [p for p in model.parameters() if p.requires_grad or (told and p.is_floating_point())]
    if not trained:
        raise InputError("train: the model has no parameter that requires a gradient.")
    if callable(optimizer) or is_named(optimizer):
        return [_own_optimizer(optimizer, trained)]
    fused = all(p.is_floating_point() for p in trained)
    whole = {"params": trained, "scale": 1.0, "weight_decay": weight_decay}
    if optimizer == "adamw":
        return [torch.optim.AdamW([whole], lr=1.0, fused=fused)]
    sgd: dict[str, Any] = {"momentum": momentum, "nesterov": nesterov, "fused": fused}
    if optimizer == "sgd":
        return [torch.optim.SGD([whole], lr=1.0, **sgd)]
    if optimizer != "muon":
        raise InputError(f"train: optimizer must be sgd, adamw or muon. Got {optimizer!r} instead.")
    groups: list[dict[str, Any]] = []
    for scale, chosen in (
        (bias_rate, [p for p in trained if p.ndim == 1]),
        (other_rate, [p for p in trained if p.ndim not in (1, 4)]),
    ):
        if chosen:
            # Decay over rate, so that the shrinkage a step is the same in both groups.
            groups.append({"params": chosen, "scale": scale, "weight_decay": weight_decay / scale})
    optimizers: list[torch.optim.Optimizer] = []
    if groups:
        optimizers.append(torch.optim.SGD(groups, lr=1.0, **sgd))
    if convolutions := [p for p in trained if p.ndim == 4]:
        group = {"params": convolutions, "scale": muon_rate}
        optimizers.append(Muon([group], momentum=muon_momentum))  # type: ignore[list-item]
    return optimizers


def take_step(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Take a step at a rate and forget the gradients.

    Parameters without a gradient, as frozen ones are, are not shown to the optimiser: not every one of a
    user's own asks for them.
    """
    groups = optimizer.param_groups
    whole = [group["params"] for group in groups]
    for group in groups:
        group["lr"] = rate * group["scale"]
    try:
        for wanted in _turns(optimizer):
            for group, params in zip(groups, whole, strict=True):
                group["params"] = [p for p in params if p.grad is not None and p in wanted]
            optimizer.step()
    finally:
        for group, params in zip(groups, whole, strict=True):
            group["params"] = params
    optimizer.zero_grad(set_to_none=True)


def _turns(optimizer: torch.optim.Optimizer) -> list[set[Tensor]]:
    """Return which parameters take a step together: torch's fused SGD begins all its momenta at once."""
    every = {p for group in optimizer.param_groups for p in group["params"] if p.grad is not None}
    fused = any(group.get("fused") for group in optimizer.param_groups)
    if not (fused and isinstance(optimizer, torch.optim.SGD)):
        return [every]
    moving = {p for p in every if optimizer.state.get(p, {}).get("momentum_buffer") is not None}
    return [turn for turn in (moving, every - moving) if turn] or [every]


def _own_optimizer(
    optimizer: str | OptimizerFunction, trained: list[nn.Parameter]
) -> torch.optim.Optimizer:
    name = optimizer if isinstance(optimizer, str) else None
    function = load_named("optimizer", optimizer) if isinstance(optimizer, str) else optimizer
    with own_code("optimizer", name):
        made = function(trained)
    if not isinstance(made, torch.optim.Optimizer) or isinstance(made, torch.optim.LBFGS):
        raise InputError(
            "train: the optimizer must be a torch.optim.Optimizer whose step needs no closure. Got "
            f"a {type(made).__name__} instead."
        )
    for group in made.param_groups:
        group.setdefault("scale", 1.0)
    return made
