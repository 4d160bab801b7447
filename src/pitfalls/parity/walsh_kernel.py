"""The compiled Walsh-Hadamard transform: explicit vectors, and two passes over memory at most.

A vector holds 64 bytes (16 float32 or 8 float64; LLVM splits it where registers are narrower).
``_across`` adds and subtracts up to eight vectors that lie a stride apart, which does three bits of
the transform for one load and one store; ``_within`` does the bits inside each vector as well, by
shuffles. A row that fits the second-level cache needs memory once. A longer one is a matrix of
such rows: its columns are transformed strip by strip in a small buffer, then its rows.

Vectors are written out because LLVM does not find them: eight interleaved streams of one array
need more run-time checks for overlap than it is willing to make.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from pitfalls.parity.threads import run_chunks

__all__ = ["transform_alone", "transform_rows"]

_VECTOR_BYTES = 64
_RADIX_BITS = 3
# A row of this many bytes stays in the second-level cache of any machine of the last decade. Past
# 1024 rows a column touches more pages than the processor keeps addresses of, which costs more than
# rows that overflow a small cache: they grow to the second size.
_CACHED_BYTES, _MOST_CACHED_BYTES, _MANY_ROWS = 1 << 17, 1 << 19, 1 << 10
_STRIP_BYTES, _BUFFER_BYTES = 1 << 10, 1 << 19
# below this many numbers starting threads costs more than they save
_SHARED_SIZE = 1 << 21
_CHUNKS = 16


def _butterflies(builder: Any, vectors: list[Any]) -> list[Any]:
    step = 1
    while step < len(vectors):
        for i in range(len(vectors)):
            if not i & step:
                low, high = vectors[i], vectors[i + step]
                vectors[i] = builder.fadd(low, high)
                vectors[i + step] = builder.fsub(low, high)
        step *= 2
    return vectors


def _shuffled(builder: Any, vector: Any, lanes: int, element: Any) -> Any:
    """Transform the lanes of one vector: v + (v with halves swapped), signs on the upper half."""
    step = 1
    while step < lanes:
        order = ir.Constant(
            ir.VectorType(ir.IntType(32), lanes), [lane ^ step for lane in range(lanes)]
        )
        signs = ir.Constant(
            ir.VectorType(element, lanes),
            [ir.Constant(element, -1.0 if lane & step else 1.0) for lane in range(lanes)],
        )
        swapped = builder.shuffle_vector(vector, ir.Constant(vector.type, ir.Undefined), order)
        vector = builder.fadd(swapped, builder.fmul(vector, signs, flags=("contract",)),
                              flags=("contract",))  # fmt: skip
        step *= 2
    return vector


def _mixer(bits: int, *, within: bool) -> Callable[..., None]:
    """Make the compiled step that combines 2^bits vectors, a stride apart, into as many."""

    @intrinsic
    def mix(
        typing_context: Any, source: Any, source_at: Any, source_step: Any,
        target: Any, target_at: Any, target_step: Any, scale: Any,
    ) -> Any:  # fmt: skip
        number = source.dtype
        lanes = _VECTOR_BYTES * 8 // number.bitwidth
        signature = types.void(
            source, types.intp, types.intp, target, types.intp, types.intp, number
        )

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            element = context.get_value_type(number)
            vector_type = ir.VectorType(element, lanes)

            def place(which: int, at: Any, step: Any, count: int) -> Any:
                array = context.make_array(signature.args[which])(
                    context, builder, arguments[which]
                )
                offset = builder.add(at, builder.mul(step, ir.Constant(step.type, count)))
                return builder.bitcast(builder.gep(array.data, [offset]), vector_type.as_pointer())

            vectors = [
                builder.load(place(0, arguments[1], arguments[2], i), align=number.bitwidth // 8)
                for i in range(1 << bits)
            ]
            if within:
                factor = ir.Constant(vector_type, ir.Undefined)
                for lane in range(lanes):
                    factor = builder.insert_element(
                        factor, arguments[6], ir.Constant(ir.IntType(32), lane)
                    )
                vectors = [
                    builder.fmul(_shuffled(builder, v, lanes, element), factor) for v in vectors
                ]
            for i, vector in enumerate(_butterflies(builder, vectors)):
                target_place = place(3, arguments[4], arguments[5], i)
                builder.store(vector, target_place, align=number.bitwidth // 8)
            return context.get_dummy_value()

        return signature, generate

    return mix  # type: ignore[no-any-return]


_within0 = _mixer(0, within=True)
_within1 = _mixer(1, within=True)
_within2 = _mixer(2, within=True)
_within3 = _mixer(3, within=True)
_across1 = _mixer(1, within=False)
_across2 = _mixer(2, within=False)
_across3 = _mixer(3, within=False)

Numbers = NDArray[np.floating]


@njit(cache=True)
def _log2(n: int) -> int:
    bits = 0
    while n > 1:
        n >>= 1
        bits += 1
    return bits


@njit(cache=True)
def _combine(
    source: Numbers, source_at: int, source_step: int, target: Numbers, target_at: int,
    target_step: int, bits: int, one: float,
) -> None:  # fmt: skip
    if bits == 3:
        _across3(source, source_at, source_step, target, target_at, target_step, one)
    elif bits == 2:
        _across2(source, source_at, source_step, target, target_at, target_step, one)
    else:
        _across1(source, source_at, source_step, target, target_at, target_step, one)


@njit(cache=True)
def _transform_tiny(x: Numbers, at: int, n: int, scale: float) -> None:
    """Transform fewer numbers than a vector holds."""
    h = 1
    while h < n:
        for block in range(at, at + n, 2 * h):
            for i in range(block, block + h):
                low, high = x[i], x[i + h]
                x[i], x[i + h] = low + high, low - high
        h *= 2
    for i in range(at, at + n):
        x[i] *= scale


@njit(cache=True)
def _transform_cached(x: Numbers, at: int, n: int, lanes: int, scale: float) -> None:
    """Transform n contiguous numbers that fit the cache."""
    if n < lanes:
        _transform_tiny(x, at, n, scale)
        return
    bits = _log2(n // lanes)
    # an odd bit or two goes into the first pass, which costs the same for them
    first = bits % 3 if bits % 3 else min(bits, 3)
    step = lanes << first
    for block in range(at, at + n, step):
        if first == 3:
            _within3(x, block, lanes, x, block, lanes, scale)
        elif first == 2:
            _within2(x, block, lanes, x, block, lanes, scale)
        elif first == 1:
            _within1(x, block, lanes, x, block, lanes, scale)
        else:
            _within0(x, block, lanes, x, block, lanes, scale)
    h = step
    while h < n:
        for block in range(at, at + n, 8 * h):
            for i in range(block, block + h, lanes):
                _across3(x, i, h, x, i, h, scale)
        h *= 8


@njit(cache=True)
def _transform_strip(
    x: Numbers, at: int, n_rows: int, width: int, strip: int, lanes: int, buffer: Numbers,
    one: float,
) -> None:  # fmt: skip
    """Transform a strip of columns of a matrix with rows of ``width`` numbers."""
    bits = _log2(n_rows)
    if bits <= 3:
        for i in range(at, at + strip, lanes):
            _combine(x, i, width, x, i, width, bits, one)
        return
    # from memory to the buffer, with the highest three bits of the row number
    part = n_rows // 8
    for row in range(part):
        for i in range(0, strip, lanes):
            _across3(
                x, at + row * width + i, part * width, buffer, row * strip + i, part * strip, one
            )
    left = bits - 3
    while left > 3:
        now = 3 if left >= 6 else left - 3
        h = strip << (left - now)
        for block in range(0, n_rows * strip, h << now):
            for i in range(block, block + h, lanes):
                _combine(buffer, i, h, buffer, i, h, now, one)
        left -= now
    # the lowest bits, and back
    size = 1 << left
    for row in range(0, n_rows, size):
        for i in range(0, strip, lanes):
            _combine(buffer, row * strip + i, strip, x, at + row * width + i, width, left, one)


@njit(cache=True, nogil=True)
def _strips(
    x: Numbers, n: int, cached: int, strip: int, lanes: int, first: int, last: int, one: float
) -> None:
    """Transform strips first..last, counted through all rows of x, along their columns."""
    n_rows = n // cached
    buffer = np.empty(n_rows * strip, x.dtype)
    each = cached // strip
    for number in range(first, last):
        at = (number // each) * n + (number % each) * strip
        _transform_strip(x, at, n_rows, cached, strip, lanes, buffer, one)


@njit(cache=True, nogil=True)
def _rows(x: Numbers, size: int, lanes: int, scale: float, first: int, last: int) -> None:
    for row in range(first, last):
        _transform_cached(x, row * size, size, lanes, scale)


@njit(cache=True)
def _strip_width(n_rows: int, itemsize: int, lanes: int) -> int:
    # wide strips touch fewer pages at a time; the buffer must stay in the cache
    return max(lanes, min(_STRIP_BYTES, _BUFFER_BYTES // n_rows) // itemsize)


@njit(cache=True, nogil=True)
def _alone(x: Numbers, n: int, cached: int, lanes: int, scale: float, one: float) -> None:
    """Transform every row of n numbers on the calling thread."""
    if n > cached:
        strip = _strip_width(n // cached, x.itemsize, lanes)
        _strips(x, n, cached, strip, lanes, 0, x.size // n * (cached // strip), one)
    size = min(n, cached)
    _rows(x, size, lanes, scale, 0, x.size // size)


@njit(cache=True)
def transform_alone(x: NDArray[np.float64]) -> None:
    """Transform one float64 array of length 2^m in place on the calling thread, from compiled code."""
    _alone(x, x.size, _CACHED_BYTES // 8, _VECTOR_BYTES // 8, 1.0, 1.0)


def transform_rows(x: Numbers, scale: float) -> None:
    """Replace each row of x by its Walsh-Hadamard transform times scale.

    Parameters
    ----------
    x : array of shape (n_rows, 2^m), float32 or float64, contiguous and writable
    scale : float
    """
    n = x.shape[1]
    if not x.size:
        return
    lanes = _VECTOR_BYTES // x.itemsize
    cached = _CACHED_BYTES // x.itemsize
    while n // cached > _MANY_ROWS and cached * x.itemsize < _MOST_CACHED_BYTES:
        cached *= 2
    flat = x.reshape(-1)
    factor, one = x.dtype.type(scale), x.dtype.type(1)
    if x.size < _SHARED_SIZE:
        _alone(flat, n, cached, lanes, factor, one)
        return
    if n > cached:
        strip = _strip_width(n // cached, x.itemsize, lanes)
        n_strips = x.size // n * (cached // strip)

        def transform_strips(chunk: int) -> None:
            bounds = chunk * n_strips // _CHUNKS, (chunk + 1) * n_strips // _CHUNKS
            _strips(flat, n, cached, strip, lanes, *bounds, one)

        run_chunks(transform_strips, _CHUNKS)
    size = min(n, cached)
    n_rows = x.size // size

    def transform_some(chunk: int) -> None:
        bounds = chunk * n_rows // _CHUNKS, (chunk + 1) * n_rows // _CHUNKS
        _rows(flat, size, lanes, factor, *bounds)

    run_chunks(transform_some, _CHUNKS)
