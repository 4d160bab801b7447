"""The Walsh-Hadamard transform: all 2^n correlations with parities in n 2^n additions."""

from typing import TypeVar

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
        Any shape; the axis ``dim`` must have a power of two as its length. A tensor on the CPU
        that needs no gradient goes through the compiled kernel, any other through torch
        operations on its own device, which autograd follows.
    dim : int
        The axis.
    normalize : bool
        Divide by sqrt(2^n): then the transform is orthonormal and its own inverse.
    inplace : bool
        Overwrite x and return it, in no extra memory where the axis is the last and contiguous.

    Returns
    -------
    array or Tensor like x

    Raises
    ------
    InputError
        If the length is no power of two, the type is not float32 or float64, or an array that is
        read-only or needs a gradient is to be overwritten.

    Examples
    --------
    >>> walsh_hadamard_transform(np.array([1.0, 0.0, 0.0, 0.0]))
    array([1., 1., 1., 1.])
    >>> x = torch.arange(8.0)
    >>> torch.equal(walsh_hadamard_transform(walsh_hadamard_transform(x)), 8 * x)
    True
    """
    _check(x, dim)
    n = x.shape[dim]
    scale = n**-0.5 if normalize else 1.0
    if isinstance(x, Tensor):
        if x.device.type == "cpu" and not (x.requires_grad and torch.is_grad_enabled()):
            detached = x.detach()
            done = _by_kernel(detached.numpy(), dim, scale, inplace)
            return x if inplace else torch.from_numpy(done)
        if not inplace:
            return _by_products(x, dim, scale)
        if x.requires_grad:
            raise InputError(
                "walsh_hadamard_transform: a tensor that needs a gradient cannot be overwritten. "
                "Use inplace=False."
            )
        return x.copy_(_by_products(x, dim, scale))
    return _by_kernel(x, dim, scale, inplace)


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
    if not normalize:
        done /= x.shape[dim]
    return done


def _check(x: NDArray[np.floating] | Tensor, dim: int) -> None:
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
    x: NDArray[np.floating], dim: int, scale: float, inplace: bool
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
