"""The one door through which a module enters: f(x; p), one number for each input in {0, 1}^d.

Every statement of this lab is about a function: the same output for the same input, whatever else
is in the batch and however often it is asked. What is not one is refused here, by the name of the
layer where there is one. Closed forms and compiled passes hold for ``TwoLayerReLU`` itself only: a
subclass, a hook, a parametrisation or an exchanged layer makes another function of it, and that
goes the way of any module.
"""

import copy
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.dropout import _DropoutNd

from pitfalls.errors import InputError, PitfallsError
from pitfalls.integers import as_integer, require_integer
from pitfalls.parity.network import TwoLayerReLU

__all__ = ["ScalarNetwork", "plain_two_layer", "scalar_network"]


@dataclass(frozen=True, eq=False)
class ScalarNetwork:
    """A module as a function of inputs and parameters; a copy in float64, the original untouched.

    Attributes
    ----------
    module : nn.Module
    n_features : int
        d.
    parameters : dict of str to Tensor
        Those that the gradient runs over, detached, in the module's order.
    others : dict of str to Tensor
        The rest of what the module holds: parameters left out, and buffers.
    two_layer : TwoLayerReLU or None
        The copy, if closed forms hold for it and nothing is left out of the gradient.
    """

    module: nn.Module
    n_features: int
    parameters: dict[str, Tensor]
    others: dict[str, Tensor]
    two_layer: TwoLayerReLU | None

    @property
    def kind(self) -> str:
        """Name of the module's class."""
        return type(self.module).__name__

    @property
    def n_parameters(self) -> int:
        """P, the length of the gradient."""
        return sum(p.numel() for p in self.parameters.values())

    @property
    def device(self) -> torch.device:
        """Where the module is."""
        first = next(iter([*self.parameters.values(), *self.others.values()]), None)
        return torch.device("cpu") if first is None else first.device

    def inputs(self, first: int, last: int) -> Float[Tensor, "n d"]:
        """Return inputs first..last-1 of the cube, bit j of an input's number in column j."""
        numbers = torch.arange(first, last, device=self.device)
        return (numbers[:, None] >> torch.arange(self.n_features, device=self.device) & 1).double()

    def outputs(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """Evaluate f, as shape (n,) whether or not the module squeezes."""
        if self.two_layer is not None:
            return self.two_layer(x)  # type: ignore[no-any-return]
        return self.outputs_with(self.parameters, x)

    def outputs_with(
        self, parameters: dict[str, Tensor], x: Float[Tensor, "n d"]
    ) -> Float[Tensor, " n"]:
        """Evaluate f with other values of ``parameters``; autograd follows."""
        f = functional_call(self.module, {**parameters, **self.others}, (x,))
        if not isinstance(f, Tensor) or f.shape not in ((len(x),), (len(x), 1)):
            got = f"shape {tuple(f.shape)}" if isinstance(f, Tensor) else type(f).__name__
            raise InputError(
                f"{self.kind} must give one number an input: outputs of shape (n,) or (n, 1). "
                f"Got {got} for n = {len(x)} inputs of {x.shape[1]} features."
            )
        if not f.dtype.is_floating_point:
            raise InputError(f"{self.kind} must give real outputs. Got outputs of {f.dtype}.")
        return f.reshape(len(x))

    def gradients(
        self, x: Float[Tensor, "n d"]
    ) -> tuple[Float[Tensor, "n P"], Float[Tensor, " n"]]:
        """Return the gradient of f in ``parameters`` at every input, and f."""

        def output(parameters: dict[str, Tensor], row: Tensor) -> tuple[Tensor, Tensor]:
            f = self.outputs_with(parameters, row[None])[0]
            return f, f

        try:
            derive = vmap(grad(output, has_aux=True), in_dims=(None, 0))
            parts, outputs = derive(self.parameters, x)
        except (RuntimeError, ValueError) as error:
            if isinstance(error, PitfallsError | torch.OutOfMemoryError):
                raise
            raise InputError(
                f"{self.kind} cannot be differentiated input by input with torch.func: "
                f"{_first_line(error)} Write its forward pass without data-dependent branches."
            ) from error
        rows = [parts[name].flatten(1) for name in self.parameters]
        return torch.cat(rows, dim=1).detach(), outputs.detach()


def scalar_network(
    network: nn.Module,
    n_features: int | None,
    who: str,
    *,
    given_as: str = "n_features",
    gradient: bool = False,
    trainable_only: bool = False,
) -> ScalarNetwork:
    """Take a module in, or refuse it.

    Parameters
    ----------
    network : nn.Module
        Maps (n, d) to (n,) or (n, 1). Not modified.
    n_features : int, optional
        d; may be left out for modules with an integer attribute ``n_features``.
    who : str
        The function that asks, for messages.
    given_as : str
        What ``n_features`` comes from, for messages.
    gradient : bool
        Whether the gradient is wanted: then there must be a parameter.
    trainable_only : bool
        Leave parameters with ``requires_grad=False`` out of the gradient.

    Raises
    ------
    InputError
        If the module is no function of its input alone, holds NaN, gives another shape, or does
        not say how many features it takes.
    """
    if not isinstance(network, nn.Module):
        raise InputError(f"{who}: network must be a torch nn.Module. Got {type(network).__name__}.")
    d = _number_of_features(network, n_features, who, given_as)
    _refuse_parameters(network, who)
    _refuse_layers(network, who)
    module = _copied(network, who).double().requires_grad_(False)
    wanted = {
        name: parameter.requires_grad or not trainable_only
        for name, parameter in network.named_parameters()
    }
    own = dict(module.named_parameters())
    parameters = {name: own[name].detach() for name, is_wanted in wanted.items() if is_wanted}
    others = {name: own[name].detach() for name, is_wanted in wanted.items() if not is_wanted}
    others |= dict(module.named_buffers())
    if gradient and not parameters:
        raise InputError(
            f"{who}: {type(network).__name__} has no "
            + ("parameter that is trained" if trainable_only else "parameters")
            + ", so its risk has no gradient."
        )
    whole = isinstance(network, TwoLayerReLU) and network.is_plain and all(wanted.values())
    two_layer = module if whole and isinstance(module, TwoLayerReLU) else None
    entered = ScalarNetwork(module, d, parameters, others, two_layer)
    if two_layer is None:
        _probe(entered, network, who)
    return entered


def plain_two_layer(network: nn.Module, who: str) -> TwoLayerReLU:
    """Return the network if closed forms hold for it: a ``TwoLayerReLU`` itself, and finite."""
    if not (isinstance(network, TwoLayerReLU) and network.is_plain):
        raise InputError(
            f"{who}: this holds for a TwoLayerReLU itself, without subclass, hooks, "
            f"parametrisations or exchanged layers. Got {type(network).__name__}."
        )
    _refuse_parameters(network, who)
    return network


def _number_of_features(network: nn.Module, n_features: int | None, who: str, given_as: str) -> int:
    own = as_integer(getattr(network, "n_features", None))
    d = own if n_features is None else require_integer(who, given_as, n_features, 1)
    if d is None:
        raise InputError(
            f"{who}: {type(network).__name__} does not say how many features it takes. "
            "Give n_features, or the module an attribute n_features."
        )
    if own is not None and d != own:
        raise InputError(f"{who}: the network takes {own} features, {given_as} has {d}.")
    return d


def _refuse_parameters(network: nn.Module, who: str) -> None:
    for name, parameter in network.named_parameters():
        if isinstance(parameter, nn.UninitializedParameter) or parameter.is_meta:
            raise InputError(
                f"{who}: parameter {name} has no values yet. Call the network once, or load it."
            )
        if not parameter.dtype.is_floating_point:
            raise InputError(
                f"{who}: parameter {name} must be of a real floating type. Got {parameter.dtype}."
            )
        if not bool(torch.isfinite(parameter).all()):
            raise InputError(
                f"{who}: parameter {name} holds NaN or infinity. Load the last finite parameters."
            )


def _refuse_layers(network: nn.Module, who: str) -> None:
    """Refuse layers that draw random numbers or look at the rest of the batch, by name."""
    for name, layer in network.named_modules():
        what = f"layer {name!r} ({type(layer).__name__})" if name else type(layer).__name__
        if isinstance(layer, _NormBase) and layer.running_mean is None:
            if isinstance(layer, nn.modules.batchnorm._BatchNorm):
                raise InputError(
                    f"{who}: {what} takes its statistics from the batch, so an output depends on "
                    "the other inputs. Build it with track_running_stats=True and call .eval()."
                )
            continue  # instance norm without statistics looks at one input
        dropout = layer.p if isinstance(layer, _DropoutNd) else getattr(layer, "dropout", 0.0)
        random = isinstance(dropout, float | int) and dropout > 0
        if layer.training and (random or isinstance(layer, _NormBase | nn.RReLU)):
            raise InputError(
                f"{who}: {what} is in training mode, so an output depends on chance or on the rest "
                "of the batch. Call .eval() on the network first."
            )


def _copied(network: nn.Module, who: str) -> nn.Module:
    # what pruning and the older weight norm leave as attributes is computed anew by their hooks,
    # but torch does not copy tensors with a history
    memo = {
        id(value): value.detach().clone()
        for part in network.modules()
        for value in vars(part).values()
        if isinstance(value, Tensor) and not value.is_leaf
    }
    try:
        module = copy.deepcopy(network, memo)
    except (RuntimeError, TypeError) as error:
        raise InputError(
            f"{who}: {type(network).__name__} cannot be copied: {_first_line(error)}"
        ) from error
    for part in module.modules():  # they act on what autograd hands on, not on f
        part._backward_hooks.clear()
        part._backward_pre_hooks.clear()
    return module


@torch.no_grad()
def _probe(entered: ScalarNetwork, network: nn.Module, who: str) -> None:
    """Ask for a few outputs twice, together and alone, and refuse what does not agree."""
    d, device = entered.n_features, entered.device
    place = torch.arange(d, device=device)
    rows = [place < 0, place >= 0, place % 2 == 0, place // 2 % 2 == 0]
    x = torch.stack(rows).double()
    buffers = {name: buffer.clone() for name, buffer in entered.module.named_buffers()}

    def call(rows: Tensor) -> Tensor:
        try:
            return entered.outputs(rows)
        except PitfallsError as error:
            raise InputError(f"{who}: {error}") from None
        except Exception as error:
            raise InputError(
                f"{who}: {entered.kind} fails at {len(rows)} inputs of {d} features in float64: "
                f"{_first_line(error)}"
            ) from error

    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        before = _random_states(device)
        first, again = call(x), call(x)
        drew = any(
            not torch.equal(one, other)
            for one, other in zip(before, _random_states(device), strict=True)
        )
        if drew or not _agree(first, again):
            raise InputError(
                f"{who}: {entered.kind} gives other outputs when asked again: "
                + ("its forward pass draws random numbers" if drew else "it keeps a state")
                + ". Call .eval() on the network, or take the chance out of it."
            )
        if any(
            not torch.equal(buffer, buffers[name])
            for name, buffer in entered.module.named_buffers()
        ):
            raise InputError(
                f"{who}: {entered.kind} changes its buffers when it is evaluated, so it is not the "
                "same function twice. Call .eval() on the network first."
            )
        if not _agree(call(x[2:3]), first[2:3]):
            raise InputError(
                f"{who}: an output of {entered.kind} depends on the other inputs of the batch, so "
                "it is no function of one input. Take out what mixes rows."
            )


def _random_states(device: torch.device) -> list[Tensor]:
    states = [torch.get_rng_state()]
    if device.type == "cuda":
        states.append(torch.cuda.get_rng_state(device))
    return states


def _agree(one: Tensor, other: Tensor) -> bool:
    # products of other shapes are summed in another order
    return torch.allclose(one, other, rtol=1e-9, atol=1e-12, equal_nan=True)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
