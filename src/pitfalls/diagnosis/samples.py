"""Data of any form as two nests of tensors: arrays, a Dataset, a DataLoader or any batches of pairs."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    default_collate,
)

from pitfalls.diagnosis.nested import Nest, join, leaves, map_leaves, select
from pitfalls.errors import InputError
from pitfalls.escaping import first_line

__all__ = ["Samples", "generators_of", "take_samples"]

MOST_EXAMPLES = 4096
MOST_NUMBERS = 1 << 22  # numbers in x: 16 MB in float32
_ORDER_LOOKED_AT = 1024
_BATCHES_LOOKED_AT = 6
_OF_ALL = (SequentialSampler, RandomSampler)


@dataclass(frozen=True, eq=False)
class Samples:
    """Examples taken from the user's data.

    Parameters
    ----------
    x, y : nest of Tensor
        n rows each.
    n, n_total : int
        Taken, and there in all (None where a stream does not say).
    batch_size : int or None
        The loader's.
    order : tuple of tuple of str
        Digests of examples as the data give them: batch by batch for a loader, one long batch
        otherwise. Shows a loader that repeats itself.
    """

    x: Nest
    y: Nest
    n: int
    n_total: int | None
    batch_size: int | None
    order: tuple[tuple[str, ...], ...]


def take_samples(
    x: Any, y: Any, rng: np.random.Generator, *, who: str, dtype: torch.dtype
) -> Samples:
    """Read the data, at most 4,096 examples and four million numbers.

    Beyond that they are drawn at random, of a list of batches whole batches; of a stream the first are
    taken.

    Parameters
    ----------
    x, y : nest of arrays or tensors; or x a Dataset, a DataLoader or an iterable of batches, y None
    rng : Generator
        Draws the examples.
    who : str
        The function to name in an error.
    dtype : torch.dtype
        What floating-point numpy arrays become: the model's. Tensors keep theirs.

    Raises
    ------
    InputError
        If there are no examples, the lengths differ or the data are of no known form.
    """
    if y is None:
        if isinstance(x, DataLoader):
            return _from_loader(x, rng, who, dtype)
        if isinstance(x, IterableDataset):
            return _from_batches(DataLoader(x, batch_size=64), who, dtype)
        if isinstance(x, Dataset) or (hasattr(x, "__getitem__") and _gives_pairs(x)):
            return _from_dataset(x, range(len(x)), default_collate, rng, who, dtype)
        if isinstance(x, Iterable) and not isinstance(x, Tensor | np.ndarray | dict):
            return _from_batches(x, who, dtype, rng)
        raise InputError(
            f"{who}: without y, x must be a Dataset, a DataLoader or batches of (x, y). "
            f"Got {type(x).__name__}."
        )
    x, y = _as_tensors(x, who, "x", dtype), _as_tensors(y, who, "y", dtype)
    total = _length(x, y, who)
    order = (_digests(x, y, min(total, _ORDER_LOOKED_AT)),)
    chosen = _choose(total, x, rng)
    picked = select(x, chosen), select(y, chosen)
    return Samples(*picked, len(chosen), total, None, order)


def generators_of(data: Any) -> list[Any]:
    """Find the generators that a loader draws from: its own and its samplers'."""
    batches = getattr(data, "batch_sampler", None)
    holders = data, getattr(data, "sampler", None), batches, getattr(batches, "sampler", None)
    found = [getattr(holder, "generator", None) for holder in holders]
    return [generator for generator in found if generator is not None]


def _gives_pairs(x: Any) -> bool:
    """Whether this is a sequence of single (x, y) examples rather than of batches."""
    if not isinstance(x, Sequence) or len(x) == 0:
        return hasattr(x, "__len__") and not isinstance(x, Sequence | dict | Tensor | np.ndarray)
    first = x[0]
    if not isinstance(first, tuple | list) or len(first) != 2:
        return False
    label = first[1]
    return np.ndim(label) == 0 if not isinstance(label, Tensor) else label.ndim == 0


def _from_dataset(
    data: Any,
    places: Sequence[Any],
    put_together: Any,
    rng: np.random.Generator,
    who: str,
    dtype: torch.dtype,
) -> Samples:
    total = len(places)
    if total == 0:
        raise InputError(f"{who}: the data set is empty.")
    first, _ = _pair(put_together([data[places[0]]]), who, dtype)
    chosen = [data[places[i]] for i in _choose(total, first, rng).tolist()]
    with _one_shape(who):
        # all at once: what pads examples makes them as long as the longest of those it is given
        x, y = _pair(put_together(chosen), who, dtype)
    return Samples(x, y, _length(x, y, who), total, None, (_digests(x, y, 0),))


def _from_loader(
    loader: "DataLoader[Any]", rng: np.random.Generator, who: str, dtype: torch.dtype
) -> Samples:
    stream = isinstance(loader.dataset, IterableDataset)
    stream = stream or not hasattr(loader.dataset, "__len__") or _holds_batches(loader)
    iterator = getattr(loader, "_iterator", None)
    try:
        read = _read(loader, who, dtype, most=MOST_EXAMPLES if stream else None)
    finally:
        loader._iterator = iterator  # persistent workers leave theirs behind
    if stream:
        return _joined(read, who)
    put_together = default_collate if loader.batch_sampler is None else loader.collate_fn
    whole = _from_dataset(loader.dataset, _places(loader), put_together, rng, who, dtype)
    size = _length(*read[0], who)
    return Samples(whole.x, whole.y, whole.n, whole.n_total, size, _order(read, who))


def _holds_batches(loader: "DataLoader[Any]") -> bool:
    """Whether the loader puts nothing together, because its data hold batches."""
    if loader.batch_sampler is not None or len(loader.dataset) == 0:  # type: ignore[arg-type]
        return False
    item = loader.collate_fn(loader.dataset[0])
    return isinstance(item, tuple | list) and len(item) == 2 and np.ndim(item[1]) > 0


def _places(loader: "DataLoader[Any]") -> Sequence[Any]:
    """Return the places of the data that an epoch takes: a sampler may leave out those of a test.

    Of one that takes places more than once, by weights or in a circle, all are looked at.
    """
    every, batches = range(len(loader.dataset)), loader.batch_sampler  # type: ignore[arg-type]
    usual = type(batches) is BatchSampler and type(batches.sampler) in _OF_ALL
    if batches is None or usual:
        return every
    taken = list(islice(chain.from_iterable(batches), len(every) + 1))
    return taken if len(set(taken)) == len(taken) < len(every) else every


def _from_batches(
    batches: Iterable[Any], who: str, dtype: torch.dtype, rng: np.random.Generator | None = None
) -> Samples:
    read = _read(batches, who, dtype, MOST_EXAMPLES)
    samples = _joined(read, who)
    if rng is None or not isinstance(batches, Sequence) or len(read) == len(batches):
        return samples
    # the first may be all of one class
    drawn = (batches[int(at)] for at in rng.permutation(len(batches)))
    return replace(_joined(_read(drawn, who, dtype, MOST_EXAMPLES), who), order=samples.order)


def _read(
    batches: Iterable[Any], who: str, dtype: torch.dtype, most: int | None
) -> list[tuple[Nest, Nest]]:
    """Go through batches up to a number of examples (None: the few that show the order)."""
    read: list[tuple[Nest, Nest]] = []
    count = 0
    for batch in batches:
        read.append(_pair(batch, who, dtype))
        count += _length(*read[-1], who)
        enough = len(read) >= _BATCHES_LOOKED_AT if most is None else count >= most
        if enough or sum(t.numel() for pair in read for t in leaves(pair[0])) >= MOST_NUMBERS:
            break
    if count == 0:
        raise InputError(f"{who}: the data hold no examples.")
    return read


def _order(read: Sequence[tuple[Nest, Nest]], who: str) -> tuple[tuple[str, ...], ...]:
    return tuple(_digests(*pair, _length(*pair, who)) for pair in read[:_BATCHES_LOOKED_AT])


def _joined(read: Sequence[tuple[Nest, Nest]], who: str) -> Samples:
    """Put batches together; of a full batch again and again, one."""
    order, size = _order(read, who), _length(*read[0], who)
    if len(read) > 1 and _all_one_batch(read, who):
        read = read[:1]  # copies on both sides of a split would show what nobody learned
    with _one_shape(who):
        x, y = join([b[0] for b in read]), join([b[1] for b in read])
    return Samples(x, y, _length(x, y, who), None, size, order)


@contextmanager
def _one_shape(who: str) -> Iterator[None]:
    try:
        yield
    except (RuntimeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{who}: examples of different shapes cannot be looked at together: "
            f"{first_line(error)} Pad them to one."
        ) from None


def _all_one_batch(read: Sequence[tuple[Nest, Nest]], who: str) -> bool:
    """Whether all batches hold the same examples, in any order."""
    first = sorted(_digests(*read[0], _length(*read[0], who)))
    return all(sorted(_digests(*pair, _length(*pair, who))) == first for pair in read[1:])


def _pair(batch: Any, who: str, dtype: torch.dtype) -> tuple[Nest, Nest]:
    if not isinstance(batch, tuple | list) or len(batch) != 2:
        raise InputError(
            f"{who}: a batch must be a pair (x, y). Got {type(batch).__name__}"
            f"{f' of {len(batch)}' if hasattr(batch, '__len__') else ''}; wrap the data so that it is."
        )
    return _as_tensors(batch[0], who, "x", dtype), _as_tensors(batch[1], who, "y", dtype)


def _as_tensors(value: Any, who: str, name: str, dtype: torch.dtype) -> Nest:
    if isinstance(value, Tensor):
        if value.is_nested:
            raise InputError(
                f"{who}: {name} is a nested tensor. Pad it, so that its rows are equal."
            )
        return value.detach() if value.layout == torch.strided else value.detach().to_dense()
    if isinstance(value, dict):
        return {
            key: _as_tensors(part, who, f"{name}[{key!r}]", dtype) for key, part in value.items()
        }
    if isinstance(value, tuple | list) and any(isinstance(v, Tensor | np.ndarray) for v in value):
        return tuple(_as_tensors(part, who, name, dtype) for part in value)
    try:
        array = np.asarray(
            value, order="C"
        )  # torch takes no steps backwards, and no foreign byte order
        tensor = torch.as_tensor(array.astype(array.dtype.newbyteorder("="), copy=False))
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            f"{who}: {name} must be arrays or tensors. Got {type(value).__name__} ({error})."
        ) from None
    return tensor.to(dtype) if tensor.is_floating_point() else tensor


def _length(x: Nest, y: Nest, who: str) -> int:
    shapes = [tuple(t.shape) for t in (*leaves(x), *leaves(y))]
    if not shapes or not all(shapes):
        raise InputError(f"{who}: x and y must have examples along their first axis. Got {shapes}.")
    lengths = {shape[0] for shape in shapes}
    if len(lengths) > 1:
        raise InputError(
            f"{who}: x and y must have as many rows as each other. Got shapes "
            f"{', '.join(map(str, shapes))}."
        )
    (length,) = lengths
    if length == 0:
        raise InputError(f"{who}: x and y hold no examples.")
    return length


def _choose(total: int, x: Nest, rng: np.random.Generator) -> Tensor:
    """Draw rows without replacement, in their order; all of them where they are few enough."""
    each = max(1, sum(t[:1].numel() for t in leaves(x)))
    most = max(16, min(MOST_EXAMPLES, MOST_NUMBERS // each))
    if total <= most:
        return torch.arange(total)
    return torch.from_numpy(np.sort(rng.choice(total, size=most, replace=False)))


def _digests(x: Nest, y: Nest, count: int) -> tuple[str, ...]:
    if count == 0:
        return ()
    columns = [
        t[:count].detach().cpu().contiguous().reshape(min(count, len(t)), -1)
        for t in (*leaves(x), *leaves(y))
    ]
    columns = [c.float() if c.dtype == torch.bfloat16 else c for c in columns]
    arrays = [c.numpy() for c in columns]
    return tuple(
        hashlib.blake2b(b"".join(a[i].tobytes() for a in arrays), digest_size=8).hexdigest()
        for i in range(count)
    )


def to_device(nest: Nest, device: torch.device) -> Nest:
    """Move every tensor of a nest."""
    return map_leaves(lambda t: t.to(device), nest)
