"""The deep linear network: layers, partial products and what every function here takes as weights."""

import itertools
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Float64
from torch import Tensor, nn

from pitfalls.errors import InputError
from pitfalls.hooks import is_hooked

__all__ = [
    "DeepLinearNetwork",
    "Layer",
    "Matrix",
    "Weights",
    "as_weights",
    "balancedness",
    "end_to_end",
]

Matrix: TypeAlias = npt.NDArray[np.float64]
Layer: TypeAlias = Float64[np.ndarray, "_ _"]

_COARSE = {
    "float16",
    "bfloat16",
    "float32",
}  # whole numbers are exact, float64 is what we compute in

_LARGEST = 1e150
_LEAST = 1e-153  # of a layer's largest weight; its square is within float64's range


class DeepLinearNetwork(nn.Module):
    """x -> W_L ... W_1 x, without biases or activations.

    Parameters
    ----------
    widths : sequence of int
        d_0, ..., d_L, input first.
    dtype : torch.dtype
        Of the weights.

    Attributes
    ----------
    weights : nn.ParameterList
        W_1, ..., W_L with W_i of shape (d_i, d_{i-1}); initialised as `torch.nn.Linear` does.

    Examples
    --------
    >>> network = DeepLinearNetwork([5, 2, 3])
    >>> [tuple(w.shape) for w in network.weights]
    [(2, 5), (3, 2)]
    >>> network.capacity
    2
    >>> network(torch.zeros(7, 5)).shape
    torch.Size([7, 3])
    """

    def __init__(self, widths: Sequence[int], *, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.widths = check_widths(widths, "DeepLinearNetwork")
        self.weights = nn.ParameterList()
        for fan_in, fan_out in zip(self.widths[:-1], self.widths[1:], strict=True):
            bound = fan_in**-0.5
            self.weights.append(
                nn.Parameter(torch.empty(fan_out, fan_in, dtype=dtype).uniform_(-bound, bound))
            )

    @classmethod
    def from_weights(cls, weights: "Weights") -> "DeepLinearNetwork":
        """Build a float64 network that holds a copy of the given layers."""
        layers = as_weights(weights, "DeepLinearNetwork.from_weights")
        network = cls(widths_of(layers), dtype=torch.float64)
        for parameter, layer in zip(network.weights, layers, strict=True):
            parameter.data.copy_(torch.from_numpy(layer))
        return network

    @property
    def capacity(self) -> int:
        """The greatest rank of a map it can represent: the narrowest width."""
        return min(self.widths)

    def forward(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n p"]:
        """Apply the layers one by one to x of shape (n, d_0); returns (n, d_L)."""
        for weight in self.weights:
            x = x @ weight.T
        return x

    def partial_product(self, last: int, first: int = 1) -> Float[Tensor, "_ _"]:
        """Multiply layers: W_last ... W_first, the identity if last < first.

        Parameters
        ----------
        last, first : int
            Layers, counted from 1 as in the mathematics.

        Returns
        -------
        Tensor of shape (d_last, d_{first-1})
        """
        if not (1 <= first <= len(self.weights) + 1 and first - 1 <= last <= len(self.weights)):
            raise InputError(
                f"partial_product: layers {last} down to {first} do not exist in a network of "
                f"{len(self.weights)} layers (layers count from 1)."
            )
        like = self.weights[0]
        product = torch.eye(self.widths[first - 1], dtype=like.dtype, device=like.device)
        for weight in list(self.weights)[first - 1 : last]:
            product = weight @ product
        return product

    def end_to_end(self) -> Float[Tensor, "p d"]:
        """Multiply all layers: the map of shape (d_L, d_0) that the network is."""
        return self.partial_product(len(self.weights))

    def extra_repr(self) -> str:
        """Show the widths in the module's repr."""
        return "widths=" + "-".join(map(str, self.widths))


Weights: TypeAlias = nn.Module | Sequence[npt.ArrayLike | Tensor]
"""W_1, ..., W_L, first layer first: arrays or tensors, a network, or `nn.Sequential` of bias-free
`nn.Linear` layers."""


def check_widths(widths: Sequence[int], who: str) -> tuple[int, ...]:
    """Return the widths as a tuple of at least two positive integers, or refuse."""
    try:
        checked = tuple(int(w) for w in widths)
        whole = all(int(w) == w for w in widths)
    except (TypeError, ValueError):
        checked, whole = (), False
    if not whole or len(checked) < 2 or min(checked) < 1:
        raise InputError(
            f"{who}: widths must be at least two positive integers, input first. Got {widths!r}."
        )
    return checked


def as_weights(weights: Weights, who: str) -> tuple[Layer, ...]:
    """Return the layers as float64 arrays after checking that they chain: once per public call.

    Parameters
    ----------
    weights : network, or sequence of arrays or tensors
        W_1, ..., W_L.
    who : str
        The function to name in an error.

    Returns
    -------
    tuple of ndarray
        Copies only where the dtype or device asks for one.

    Raises
    ------
    InputError
        If they are no real, finite matrices that chain, or a module is more than a linear map.
    """
    return as_arrays(layers_of(weights, who), who)


def as_arrays(layers: Sequence[Any], who: str) -> tuple[Layer, ...]:
    """Return checked layers as float64 arrays, if they are finite."""
    matrices = tuple(_as_matrix(w) for w in layers)
    for number, layer in enumerate(matrices, start=1):
        if not np.isfinite(layer).all():
            raise InputError(f"{who}: layer {number} has NaN or infinite entries.")
    return matrices


def require_squares(layers: Sequence[Matrix], who: str) -> None:
    """Refuse weights whose squares leave float64's range: no sum of them means anything."""
    largest = max(float(np.abs(w).max()) for w in layers)
    if largest > _LARGEST:
        raise InputError(
            f"{who}: weights must be below {_LARGEST:g}, lest their squares overflow. Got "
            f"{largest:.3g}. W_i times c and W_(i+1) over c is the same network on another scale."
        )


def refuse_faint(layers: Sequence[Matrix], who: str) -> None:
    """Refuse layers all of whose squares vanish in float64 and that are not zero: they would look so."""
    sizes = [float(np.abs(w).max()) for w in layers]
    least = min((size for size in sizes if size > 0), default=1.0)
    if least < _LEAST:
        raise InputError(
            f"{who}: a layer that is not zero must have a weight above {_LEAST:g}, lest its "
            f"squares vanish. Got {least:.3g}. W_i times c and W_(i+1) over c is the same network on "
            "another scale."
        )


def require_shapes(
    steps: Sequence[Any], layers: Sequence[Any], who: str, what: str = "the direction"
) -> None:
    """Refuse a direction, or another point, whose matrices have other shapes than the layers."""
    due, came = ([tuple(w.shape) for w in chain] for chain in (layers, steps))
    if due != came:
        raise InputError(f"{who}: {what} must have the layers' shapes {due}. Got {came}.")


def layers_of(weights: Weights, who: str) -> list[Any]:
    """Return the layers as they are, arrays or tensors, after checking kind and shape."""
    given = _linear_layers(weights, who) if isinstance(weights, nn.Module) else list(weights)
    layers = [_real(w, number, who) for number, w in enumerate(given, start=1)]
    if not layers:
        raise InputError(f"{who}: no layers came. Give W_1, ..., W_L, the first layer first.")
    for number, layer in enumerate(layers, start=1):
        shape = tuple(layer.shape)
        if len(shape) != 2 or 0 in shape:
            raise InputError(
                f"{who}: layer {number} must be a matrix of shape (d_{number}, d_{number - 1}). "
                f"Got shape {shape}."
            )
        before = int(layers[number - 2].shape[0])
        if number > 1 and shape[1] != before:
            raise InputError(
                f"{who}: layer {number} of shape {shape} does not follow layer {number - 1} "
                f"of shape {tuple(layers[number - 2].shape)}: its columns must be {before}."
            )
    return layers


def precision_of(layers: Sequence[Any]) -> float:
    """Return how far a weight may lie from the number meant, relative to it: by the coarsest dtype."""
    dtypes = [getattr(w, "dtype", "float64") for w in layers]
    # NumPy's name says nothing of the order of the bytes, its text does
    names = {getattr(dtype, "name", str(dtype).removeprefix("torch.")) for dtype in dtypes}
    units = [float(torch.finfo(getattr(torch, n)).eps) for n in names & _COARSE]
    return 0.5 * max(units, default=float(np.finfo(np.float64).eps))


def _linear_layers(module: nn.Module, who: str) -> list[Any]:
    """Unpack a module that is W_L ... W_1 x and nothing else."""
    kinds = (DeepLinearNetwork, nn.Sequential, nn.Linear)
    own = [kind for kind in kinds if isinstance(module, kind)]
    plain = bool(own) and _runs_as(module, own[0])
    hooked = is_hooked(module)
    biased = isinstance(module, nn.Linear) and module.bias is not None
    if plain and not hooked and not biased:
        if isinstance(module, DeepLinearNetwork):
            return list(module.weights)
        if isinstance(module, nn.Sequential):
            parts = module._modules.values()  # one that stands twice is two layers
            return [w for part in parts if part is not None for w in _linear_layers(part, who)]
        return [module.weight]
    what = " with a forward pass of its own" if own else ""
    if plain:
        what = " with hooks" if hooked else " with a bias"
    raise InputError(
        f"{who}: a module must be a DeepLinearNetwork or nn.Sequential of bias-free nn.Linear "
        f"layers. Got {type(module).__name__}{what}. Build it with bias=False; centred data stand in "
        "for an intercept."
    )


def _runs_as(module: nn.Module, kind: type[nn.Module]) -> bool:
    """Whether a module's forward pass is that of this class, by no subclass and no attribute."""
    return (
        type(module).forward is kind.forward
        and type(module).__call__ is nn.Module.__call__
        and "forward" not in vars(module)
    )


def _real(layer: Any, number: int, who: str) -> Any:
    """Return a layer as an array or tensor of real numbers, or refuse."""
    if isinstance(layer, Tensor):
        real = not layer.is_complex()
        got = str(layer.dtype)
        layer = layer.to_dense() if layer.layout != torch.strided else layer
    else:
        try:
            layer = np.asanyarray(layer)
        except ValueError as error:
            raise InputError(f"{who}: layer {number} is not a matrix ({error}).") from None
        real, got = layer.dtype.kind in "biuf", f"dtype {layer.dtype}"
        if np.ma.isMaskedArray(layer):
            real, got = False, "a masked array; fill it first, with .filled(value)"
    if not real:
        raise InputError(f"{who}: layer {number} must hold real numbers. Got {got}.")
    return layer


def widths_of(layers: Sequence[Any]) -> tuple[int, ...]:
    """Read d_0, ..., d_L off the layers' shapes."""
    return (int(layers[0].shape[1]), *(int(w.shape[0]) for w in layers))


def end_to_end(weights: Weights) -> Layer:
    """Multiply W_L ... W_1, cheapest end first.

    Parameters
    ----------
    weights : network, or sequence of arrays or tensors
        W_1, ..., W_L.

    Returns
    -------
    ndarray of shape (d_L, d_0), float64
    """
    return multiply(as_weights(weights, "end_to_end"))


def multiply(layers: Sequence[Layer]) -> Layer:
    """Do what `end_to_end` does at layers that have been checked."""
    return np.linalg.multi_dot(layers[::-1]) if len(layers) > 1 else layers[0]


def balancedness(weights: Weights) -> float:
    """Return the largest Frobenius norm of W_{j+1}' W_{j+1} - W_j W_j'; zero means balanced.

    Gradient flow conserves these differences.

    Parameters
    ----------
    weights : network, or sequence of arrays or tensors
        W_1, ..., W_L.
    """
    layers = as_weights(weights, "balancedness")
    return max(
        (
            float(np.linalg.norm(after.T @ after - before @ before.T))
            for before, after in itertools.pairwise(layers)
        ),
        default=0.0,
    )


def _as_matrix(values: Any) -> Matrix:
    if isinstance(values, Tensor):
        values = values.detach().double().cpu().numpy()
    return np.asarray(values, dtype=np.float64)
