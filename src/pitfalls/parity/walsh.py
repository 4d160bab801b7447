"""The Walsh-Hadamard transform: all 2^n correlations with parities in n 2^n additions."""

import math
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pitfalls.errors import InputError
from pitfalls.parity.walsh_kernel import transform_rows

__all__ = ["inverse_walsh_hadamard_transform", "walsh_hadamard_transform"]

Array = TypeVar("Array", NDArray[np.floating], Tensor)

# Factors of the matrix that the torch path applies as one product: 2^5 x 2^5 costs 64 operations
# an element a pass and needs a fifth of the passes.
_TORCH_BITS = 5


def walsh_hadamard_transform(
    x: Array, dim: int = -1, *, normalize: bool = False, inplace: bool = False
) -> Array:
    """Multiply by the Hadamard matrix H[v, x] = (-1)^(v . x) along one axis.

    Rows and columns are numbered by their bits, feature j being bit j (the natural, or Hadamard,
    order; that of ``scipy.linalg.hadamard`` and of :func:`pitfalls.parity.cube`).

    Parameters
    ----------
    x : array or Tensor of float32 or float64
        Any shape; the axis ``dim`` must have a power of two as its length. On the CPU the compiled
        kernel works, elsewhere torch products on the tensor's device. The operator is linear and
        symmetric, so every derivative of it is the transform again: autograd follows it in both
        directions, and so does ``torch.func``.
    dim : int
        The axis.
    normalize : bool
        Divide by sqrt(2^n): then the transform is orthonormal and its own inverse.
    inplace : bool
        Overwrite x and return it. An array needs no extra memory where the axis is the last and
        contiguous; a tensor is written by ``copy_``, so torch's checks and its version counter see it.

    Returns
    -------
    array or Tensor like x

    Raises
    ------
    InputError
        If x is neither an array nor a tensor, the length is no power of two, the type is not float32
        or float64, an array is masked, or one is to be overwritten that is read-only, needs a
        gradient or has entries that share their memory.

    Examples
    --------
    >>> walsh_hadamard_transform(np.array([1.0, 0.0, 0.0, 0.0]))
    array([1., 1., 1., 1.])
    >>> x = torch.arange(8.0)
    >>> torch.equal(walsh_hadamard_transform(walsh_hadamard_transform(x)), 8 * x)
    True
    """
    _check(x, dim)
    if inplace and _overlaps_itself(x):
        raise InputError(
            "walsh_hadamard_transform: entries of x share their memory. Use inplace=False."
        )
    n = x.shape[dim]
    scale = n**-0.5 if normalize else 1.0
    if not isinstance(x, Tensor):
        return _by_kernel(x, dim, scale, inplace=inplace)
    if inplace and x.requires_grad and torch.is_grad_enabled():
        raise InputError(
            "walsh_hadamard_transform: a tensor that needs a gradient cannot be overwritten. "
            "Use inplace=False."
        )
    done: Tensor = _Transform.apply(x, dim % x.ndim, scale)  # type: ignore[no-untyped-call]
    return x.copy_(done) if inplace else done


class _Transform(torch.autograd.Function):
    """scale * H along an axis, with its own derivatives: it is linear and symmetric."""

    @staticmethod
    def forward(x: Tensor, dim: int, scale: float) -> Tensor:
        done: Tensor = _operator(x, dim, scale)
        return done

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, int, float], output: Tensor) -> None:
        ctx.dim, ctx.scale = inputs[1:]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return _Transform.apply(gradient, ctx.dim, ctx.scale), None, None  # type: ignore[no-untyped-call]

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, *_: None) -> Tensor:
        return _Transform.apply(tangent, ctx.dim, ctx.scale)  # type: ignore[no-untyped-call,no-any-return]

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int, None, None], x: Tensor, dim: int, scale: float
    ) -> tuple[Tensor, int]:
        # the batch's axis goes to the front, and the transform's moves by one
        rows = x.movedim(in_dims[0], 0)
        return _Transform.apply(rows, dim + 1, scale), 0  # type: ignore[no-untyped-call]


@torch.library.custom_op("pitfalls::walsh_hadamard", mutates_args=())
def _operator(x: Tensor, dim: int, scale: float) -> Tensor:
    # opaque to torch's tracers, which would look for a tensor's memory where there is none
    if x.device.type == "cpu":
        return torch.from_numpy(_by_kernel(x.numpy(force=True), dim, scale, inplace=False))
    return _by_products(x, dim, scale).contiguous()


@_operator.register_fake
def _(x: Tensor, dim: int, scale: float) -> Tensor:
    return torch.empty_like(x, memory_format=torch.contiguous_format)


def inverse_walsh_hadamard_transform(
    x: Array, dim: int = -1, *, normalize: bool = False, inplace: bool = False
) -> Array:
    """Undo :func:`walsh_hadamard_transform` called with the same ``normalize``.

    Parameters
    ----------
    x, dim, normalize, inplace
        As there. H H = 2^n, so the inverse is the transform over 2^n, or the orthonormal
        transform itself.

    Examples
    --------
    >>> inverse_walsh_hadamard_transform(walsh_hadamard_transform(np.array([3.0, 5.0])))
    array([3., 5.])
    """
    done = walsh_hadamard_transform(x, dim, normalize=normalize, inplace=inplace)
    if normalize:
        return done
    if inplace:
        done /= x.shape[dim]
    else:
        done = done / x.shape[dim]
    return done


def _overlaps_itself(x: NDArray[np.floating] | Tensor) -> bool:
    """Decide exactly whether two entries lie on common bytes."""
    size = x.element_size() if isinstance(x, Tensor) else x.itemsize
    steps = [size * s for s in x.stride()] if isinstance(x, Tensor) else x.strides
    axes = sorted((abs(s), n) for s, n in zip(steps, x.shape, strict=True) if n != 1)
    if any(n == 0 for _, n in axes):
        return False
    if axes and axes[0][0] == 0:
        return True
    end = size  # of what the axes so far span, in bytes
    nested = True
    for step, n in axes:
        nested = nested and step >= end
        end += step * (n - 1)
    if nested:
        return False
    if math.prod(n for _, n in axes) * size > end:
        return True
    # axes that interleave: there are no more entries than fit the memory, so look at each
    places = np.zeros(1, np.int64)
    for step, n in axes:
        places = (places[:, None] + step * np.arange(n)).ravel()
    return bool((np.diff(np.sort(places)) < size).any())


def _check(x: NDArray[np.floating] | Tensor, dim: int) -> None:
    if not isinstance(x, np.ndarray | Tensor):
        raise InputError(
            "walsh_hadamard_transform: x must be an array or a tensor. "
            f"Got {type(x).__name__}; convert it first: np.asarray(x, dtype=np.float64)."
        )
    if isinstance(x, np.ma.MaskedArray):
        raise InputError(
            "walsh_hadamard_transform: a masked array has no transform: every value takes part in "
            "every sum. Fill it first: x.filled(0.0)."
        )
    # numpy's and torch's types share their names
    kind = str(x.dtype).removeprefix("torch.")
    if kind not in ("float32", "float64"):
        raise InputError(
            f"walsh_hadamard_transform: x must be float32 or float64. Got {kind}; convert it first."
        )
    if not -x.ndim <= dim < x.ndim:
        raise InputError(f"walsh_hadamard_transform: x has {x.ndim} axes. Got dim={dim}.")
    n = x.shape[dim]
    if n < 1 or n & (n - 1):
        raise InputError(
            f"walsh_hadamard_transform: the length of axis {dim} must be a power of two. Got {n}; "
            f"pad with zeros to {1 << max(0, n - 1).bit_length()}."
        )


def _by_kernel(
    x: NDArray[np.floating], dim: int, scale: float, *, inplace: bool
) -> NDArray[np.floating]:
    n = x.shape[dim]
    if inplace and not x.flags.writeable:
        raise InputError("walsh_hadamard_transform: x is read-only. Use inplace=False.")
    target = x if inplace else x.copy()
    rows = np.moveaxis(target, dim, -1)
    if rows.flags.c_contiguous:
        transform_rows(rows.reshape(-1, n), scale)
        return target
    moved = np.ascontiguousarray(rows)
    transform_rows(moved.reshape(-1, n), scale)
    rows[...] = moved
    return target


def _by_products(x: Tensor, dim: int, scale: float) -> Tensor:
    """Apply H as a Kronecker product of matrices of at most 2^5 rows."""
    n = x.shape[dim]
    values = x.movedim(dim, -1)
    shape = values.shape
    bits, inner = n.bit_length() - 1, 1
    while bits:
        size = 1 << min(bits, _TORCH_BITS)
        bits -= size.bit_length() - 1
        # entry (v, x) is the parity of the bits that v and x share
        number = torch.arange(size, device=x.device)
        shared = number[:, None] & number
        for shift in (4, 2, 1):
            shared = shared ^ (shared >> shift)
        matrix = (1 - 2 * (shared & 1)).to(x.dtype)
        if not bits:
            matrix, scale = matrix * scale, 1.0
        values = torch.matmul(matrix, values.reshape(-1, n // (inner * size), size, inner))
        inner *= size
    return (values.reshape(shape) * scale).movedim(-1, dim)
