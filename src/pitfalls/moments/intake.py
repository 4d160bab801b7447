"""What may come in as data: real numbers in an array, a tensor or a table, none of them missing."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from pitfalls.errors import InputError

if TYPE_CHECKING:
    import torch

    Array: TypeAlias = npt.NDArray[Any] | torch.Tensor

__all__ = ["Array", "as_columns", "pairs", "refuse_masked"]


def pairs(batches: Any) -> Iterator[tuple[Any, Any]]:
    """Yield batches, each of which must be x and y.

    Raises
    ------
    InputError
        If one is not: (x, y) itself is one batch, and its rows are none.
    """
    wrong = (
        "SecondMoments: from_batches takes an iterable of batches (x, y); of one pair of arrays it is "
        "from_arrays(x, y), or from_batches([(x, y)])."
    )
    if not isinstance(batches, Iterable):
        raise InputError(f"{wrong} Got {type(batches).__name__} instead.")
    for batch in batches:
        if not isinstance(batch, tuple | list) or len(batch) != 2:
            of = f" of {len(batch)}" if isinstance(batch, tuple | list) else ""
            raise InputError(f"{wrong} Got a batch that is a {type(batch).__name__}{of}.")
        yield batch[0], batch[1]


def as_columns(x: Any, y: Any, shape: tuple[int, int] | None = None) -> tuple[Any, Any]:
    """Return x and y as two-dimensional arrays or CUDA tensors, checked.

    Parameters
    ----------
    x, y : array, tensor or table
        y of shape (n,) is one output.
    shape : (int, int) or None
        Columns of x and of y in the batches before.
    """
    x, y = _as_array(x, "x"), _as_array(y, "y")
    if y.ndim == 1:
        y = y[:, None]
    if x.ndim < 2 or y.ndim != 2:
        raise InputError(
            "SecondMoments: x must be of shape (n, d) and y of shape (n, p) or (n,). "
            f"Got {tuple(x.shape)} and {tuple(y.shape)}. "
            "One feature: x[:, None]; class labels: one column a class."
        )
    x = x.reshape(x.shape[0], int(np.prod(x.shape[1:])))
    if x.shape[0] != y.shape[0]:
        raise InputError(
            "SecondMoments: x and y must have as many rows. "
            f"Got {x.shape[0]} and {y.shape[0]} rows."
        )
    if x.shape[1] == 0 or y.shape[1] == 0:
        raise InputError(
            f"SecondMoments: x and y need columns. Got {x.shape[1]} and {y.shape[1]} of them."
        )
    if shape is not None and (x.shape[1], y.shape[1]) != shape:
        raise InputError(
            f"SecondMoments: a batch has (d, p) = {(x.shape[1], y.shape[1])}, the ones before it "
            f"{shape}. All batches must have the same columns."
        )
    return x, y


def refuse_masked(values: Any, name: str, who: str) -> None:
    """Refuse an array with masked values: NumPy would give what lies under the mask."""
    if np.ma.is_masked(values):
        masked = int(np.sum(np.ma.getmaskarray(values)))
        raise InputError(
            f"{who}: {name} has {masked} masked values, and no sum goes over them. Fill them first, "
            f"{name}.filled(0.0) or {name}.filled({name}.mean(axis=0)) for the columns' means, or "
            "leave their rows out."
        )


def _as_array(values: Any, name: str) -> Any:
    if type(values).__module__.partition(".")[0] == "torch":
        return _from_torch(values, name)
    refuse_masked(values, name, "SecondMoments")
    if isinstance(values, np.ma.MaskedArray):
        values = values.data
    if hasattr(values, "toarray"):  # SciPy's sparse matrices and arrays
        raise InputError(
            f"SecondMoments: {name} is sparse, of shape {values.shape}. Give {name}.toarray(), or, "
            "where that does not fit into memory, batches of its rows to SecondMoments.from_batches."
        )
    array = np.asanyarray(values)
    if array.dtype == object and hasattr(values, "to_numpy"):  # pandas' nullable columns
        array = _from_table(values, name)
    if array.dtype.kind not in "biuf":
        raise InputError(
            f"SecondMoments: {name} must hold real numbers. Got dtype {array.dtype}."
            + (f" Give {name}.real and {name}.imag as columns." if array.dtype.kind == "c" else "")
        )
    return array


def _from_torch(values: Any, name: str) -> Any:
    import torch

    values = values.detach()
    if values.is_complex():
        raise InputError(
            f"SecondMoments: {name} must be real. Got dtype {values.dtype}. Give its real and "
            "imaginary parts as columns."
        )
    if values.layout != torch.strided:
        raise InputError(
            f"SecondMoments: {name} is sparse, of shape {tuple(values.shape)}. Give "
            f"{name}.to_dense()."
        )
    if values.is_cuda:
        return values
    if values.dtype in (torch.bfloat16, torch.float16):
        values = values.float()  # exact; NumPy has no bfloat16
    return values.cpu().numpy()


def _from_table(values: Any, name: str) -> npt.NDArray[Any]:
    missing = int(np.asarray(values.isna()).sum()) if hasattr(values, "isna") else 0
    if missing:
        raise InputError(
            f"SecondMoments: {name} has {missing} missing values. Fill them first, "
            f"{name}.fillna(...), or leave their rows out, {name}.dropna()."
        )
    try:
        return np.asarray(values.to_numpy(dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise InputError(
            f"SecondMoments: {name} must hold real numbers, and a column of the table holds others "
            f"({error}). Leave it out, or make numbers of it."
        ) from None
