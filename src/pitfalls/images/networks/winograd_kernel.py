"""Compiled passes between images and the tiles of Winograd's minimal filtering.

A tile of m×m outputs of a 3×3 convolution needs (m+2)×(m+2) inputs, and as many multiplications where
the direct sum has 9·m². Inputs, outputs and their gradients all become tiles, or come from them, by one
and the same thing: a small matrix with constant entries on both sides of each tile. Channels lie side
by side, so each pass works on a vector of them.

bfloat16 numbers come as the uint16 that holds their bits; everything between is float32.
"""

from collections.abc import Callable
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

__all__ = [
    "LANES",
    "SIZES",
    "gradient_to_tiles",
    "image_to_tiles",
    "matrices",
    "tiles_to_gradient",
    "tiles_to_image",
]

LANES = 8  # channels at a time
SIZES = (2, 3, 4)  # outputs of a tile, along one side
_EDGE = 2  # inputs of a tile that its neighbour has too
# Beside infinity. The errors of bfloat16 grow with the powers of these points; of the sets tried for
# m = 4, the one of ±1, 1/2 and -2 has two thirds of the error of ±1, ±2 and of ±1, ±1/2.
_POINTS = {2: (0, 1, -1), 3: (0, 1, -1, Fraction(1, 2)), 4: (0, 1, -1, Fraction(1, 2), -2)}

Numbers = NDArray[Any]


def matrices(m: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return A (m+2, m), G (m+2, 3) and B (m+2, m+2) of F(m, 3).

    m outputs y of filter g over inputs d are y = Aᵀ((G·g) ∘ (Bᵀ·d)). Two polynomials multiply point by
    point; reading that product's transpose gives the filtering.

    References
    ----------
    Winograd. Arithmetic Complexity of Computations. 1980. Lavin, Gray. Fast Algorithms for
    Convolutional Neural Networks. 2016.
    """
    points = [Fraction(p) for p in _POINTS[m]]
    n = m + 2
    transposed = np.zeros((n, n))
    values, filters = np.zeros((n, m)), np.zeros((n, 3))
    for i, point in enumerate(points):
        others = [p for p in points if p != point]
        transposed[i, : n - 1] = _coefficients(others)
        denominator = float(prod(point - p for p in others))
        values[i] = [float(point**j) for j in range(m)]
        filters[i] = [float(point**j) / denominator for j in range(3)]
    transposed[-1] = _coefficients(points)
    values[-1, -1] = filters[-1, -1] = 1
    return values, filters, transposed.T


def _coefficients(roots: list[Fraction]) -> list[float]:
    """Return the coefficients of Π(x - root), the constant first."""
    product = [Fraction(1)]
    for root in roots:
        shifted = [Fraction(0), *product]
        product = [a - root * b for a, b in zip(shifted, [*product, Fraction(0)], strict=True)]
    return [float(c) for c in product]


def _multiplied(builder: Any, matrix: NDArray[np.float64], vectors: list[Any]) -> list[Any]:
    """Emit a matrix with constant entries times a list of vectors, without its zeros and ones."""
    flags, kind, products = ("contract",), vectors[0].type, []
    for row in matrix:
        total = None
        for entry, vector in zip(row, vectors, strict=True):
            if entry == 0:
                continue
            if abs(entry) == 1:
                term, plus = vector, entry == 1
            else:
                factor = ir.Constant(kind, [float(entry)] * LANES)
                term, plus = builder.fmul(vector, factor, flags=flags), True
            if total is None:
                total = term if plus else builder.fneg(term)
            else:
                combine = builder.fadd if plus else builder.fsub
                total = combine(total, term, flags=flags)
        products.append(total)
    return products


def _kind(element: Any, lanes: int) -> Any:
    return element if lanes == 1 else ir.VectorType(element, lanes)


def _every(kind: Any, value: int) -> Any:
    return ir.Constant(kind, [value] * LANES if isinstance(kind, ir.VectorType) else value)


def _half_to_float(builder: Any, halves: Any, lanes: int = LANES) -> Any:
    wide = builder.zext(halves, _kind(ir.IntType(32), lanes))
    bits = builder.shl(wide, _every(wide.type, 16))
    return builder.bitcast(bits, _kind(ir.FloatType(), lanes))


def _float_to_half(builder: Any, floats: Any, lanes: int = LANES) -> Any:
    """Emit rounding to the nearest bfloat16, ties to the even one."""
    bits = builder.bitcast(floats, _kind(ir.IntType(32), lanes))
    odd = builder.and_(builder.lshr(bits, _every(bits.type, 16)), _every(bits.type, 1))
    raised = builder.add(builder.add(bits, _every(bits.type, 0x7FFF)), odd)
    return builder.trunc(builder.lshr(raised, _every(bits.type, 16)), _kind(ir.IntType(16), lanes))


def _map(of_size: dict[int, NDArray[np.float64]], *, add: bool = False) -> Callable[..., None]:
    """Make the compiled step ``target[to + i·to_step] = Σ matrix[i, j]·source[at + j·step]``.

    One vector of channels each, the matrix that of the size that comes first; ``add`` adds to what the
    target holds.
    """

    @intrinsic
    def step(
        typing_context: Any, m: Any, source: Any, at: Any, source_step: Any,
        target: Any, to: Any, target_step: Any,
    ) -> Any:  # fmt: skip
        index = types.intp
        signature = types.void(index, source, index, index, target, index, index)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            def place(which: int, count: int) -> tuple[Any, bool, int]:
                kind = signature.args[which]
                array = context.make_array(kind)(context, builder, arguments[which])
                stride = arguments[which + 2]
                offset = builder.mul(stride, ir.Constant(stride.type, count))
                vector = ir.VectorType(context.get_value_type(kind.dtype), LANES)
                pointer = builder.gep(array.data, [builder.add(arguments[which + 1], offset)])
                pointer = builder.bitcast(pointer, vector.as_pointer())
                return pointer, kind.dtype == types.uint16, kind.dtype.bitwidth // 8

            def load(which: int, count: int) -> Any:
                pointer, halves, align = place(which, count)
                vector = builder.load(pointer, align=align)
                return _half_to_float(builder, vector) if halves else vector

            def store(count: int, vector: Any) -> None:
                pointer, halves, align = place(4, count)
                value = builder.fadd(load(4, count), vector) if add else vector
                value = _float_to_half(builder, value) if halves else value
                builder.store(value, pointer, align=align)

            for size, matrix in of_size.items():
                asked = ir.Constant(arguments[0].type, size)
                with builder.if_then(builder.icmp_signed("==", arguments[0], asked)):
                    vectors = [load(1, j) for j in range(matrix.shape[1])]
                    for i, product in enumerate(_multiplied(builder, matrix, vectors)):
                        store(i, product)
            return context.get_dummy_value()

        return signature, generate

    return step  # type: ignore[no-any-return]


_of_size = {m: matrices(m) for m in SIZES}
_inputs = _map({m: b.T for m, (_, _, b) in _of_size.items()})
_inputs_back = _map({m: b for m, (_, _, b) in _of_size.items()})
_inputs_added = _map({m: b for m, (_, _, b) in _of_size.items()}, add=True)
_outputs = _map({m: a.T for m, (a, _, _) in _of_size.items()})
_outputs_back = _map({m: a for m, (a, _, _) in _of_size.items()})


@intrinsic
def _wide(typing_context: Any, number: Any) -> Any:
    """Return a number of an image as float32."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if signature.args[0] == types.float32:
            return arguments[0]
        return _half_to_float(builder, arguments[0], lanes=1)

    return types.float32(number), generate


@intrinsic
def _like(typing_context: Any, number: Any, other: Any) -> Any:
    """Return a float32 as a number of ``other``'s kind."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if signature.args[1] == types.float32:
            return arguments[0]
        return _float_to_half(builder, arguments[0], lanes=1)

    return other(types.float32, other), generate


_options: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "nsz"},
}


@njit(**_options)
def _starts(plane: Numbers, sizes: tuple[int, int], image: int, edge: int) -> list[tuple[int, int]]:
    """Return where each tile begins among an image's numbers, and among those of all tiles of one point."""
    height, width, channels = plane.shape
    down, across = (height - edge) // sizes[0], (width - edge) // sizes[1]
    return [
        ((i * sizes[0] * width + j * sizes[1]) * channels,
         ((image * down + i) * across + j) * channels)
        for i in range(down) for j in range(across)
    ]  # fmt: skip


@njit(**_options)
def _to_tiles(
    plane: Numbers, tiles: Numbers, sizes: tuple[int, int], image: int, buffer: Numbers, edge: int
) -> None:  # fmt: skip
    """Turn one image (float32, H, W, C) into its tiles: inputs, whose edges overlap, or output gradients."""
    m, k = sizes
    channels = plane.shape[2]
    numbers, row = plane.reshape(-1), plane.shape[1] * channels
    places, stride = tiles.reshape(-1), tiles.shape[1] * channels
    for start, target in _starts(plane, sizes, image, edge):
        for channel in range(0, channels, LANES):
            for j in range(k + edge):
                at, to = start + j * channels + channel, j * LANES
                if edge:
                    _inputs(m, numbers, at, row, buffer, to, (k + 2) * LANES)
                else:
                    _outputs_back(m, numbers, at, row, buffer, to, (k + 2) * LANES)
            for i in range(m + 2):
                at, to = i * (k + 2) * LANES, target + i * (k + 2) * stride + channel
                if edge:
                    _inputs(k, buffer, at, LANES, places, to, stride)
                else:
                    _outputs_back(k, buffer, at, LANES, places, to, stride)


@njit(**_options)
def _from_tiles(
    tiles: Numbers, plane: Numbers, sizes: tuple[int, int], image: int, buffer: Numbers, edge: int
) -> None:  # fmt: skip
    """Turn tiles into one image: of outputs, or added where edges overlap, of input gradients."""
    m, k = sizes
    channels = plane.shape[2]
    numbers, row = plane.reshape(-1), plane.shape[1] * channels
    places, stride = tiles.reshape(-1), tiles.shape[1] * channels
    for start, source in _starts(plane, sizes, image, edge):
        for channel in range(0, channels, LANES):
            for i in range(m + 2):
                at, to = source + i * (k + 2) * stride + channel, i * (k + 2) * LANES
                if edge:
                    _inputs_back(k, places, at, stride, buffer, to, LANES)
                else:
                    _outputs(k, places, at, stride, buffer, to, LANES)
            for j in range(k + edge):
                at, to = j * LANES, start + j * channels + channel
                if edge:
                    _inputs_added(m, buffer, at, (k + 2) * LANES, numbers, to, row)
                else:
                    _outputs(m, buffer, at, (k + 2) * LANES, numbers, to, row)


@njit(**_options)
def _buffer() -> Numbers:
    return np.empty((SIZES[-1] + 2) ** 2 * LANES, np.float32)


@njit(**_options)
def image_to_tiles(
    images: Numbers, tiles: Numbers, sizes: tuple[int, int], covered: tuple[int, int]
) -> None:
    """Fill the tiles of inputs (points, tiles, C) from images (n, H, W, C).

    ``sizes`` are a tile's outputs along rows and columns, ``covered`` those of all tiles.
    """
    n, height, width, channels = images.shape
    rows, columns = covered
    plane = np.zeros((rows + 2, columns + 2, channels), np.float32)  # with the zeros around
    buffer = _buffer()
    for image in range(n):
        for i in range(min(height, rows + 1)):
            for j in range(min(width, columns + 1)):
                source, target = images[image, i, j], plane[i + 1, j + 1]
                for c in range(channels):
                    target[c] = _wide(source[c])
        _to_tiles(plane, tiles, sizes, image, buffer, _EDGE)


@njit(**_options)
def tiles_to_image(
    tiles: Numbers, images: Numbers, places: Numbers, sizes: tuple[int, int],
    covered: tuple[int, int], pool: int,
) -> None:  # fmt: skip
    """Fill outputs (n, H, W, C) from their tiles.

    With a ``pool`` of 2, not 1, they are the largest of 2×2, and ``places`` (of the same shape) says which
    it was.
    """
    n, height, width, channels = images.shape
    rows, columns = covered
    plane = np.zeros((rows, columns, channels), np.float32)
    buffer = _buffer()
    for image in range(n):
        _from_tiles(tiles, plane, sizes, image, buffer, 0)
        for i in range(height):
            for j in range(width):
                target = images[image, i, j]
                if pool == 2:
                    _pool(plane, i, j, target, places[image, i, j])
                else:
                    for c in range(channels):
                        target[c] = _like(plane[i, j, c], target[c])


@njit(**_options)
def _pool(plane: Numbers, i: int, j: int, target: Numbers, places: Numbers) -> None:
    """Write the largest of 2×2, the first where several are, and a NaN before all."""
    first, second = plane[2 * i, 2 * j], plane[2 * i, 2 * j + 1]
    third, fourth = plane[2 * i + 1, 2 * j], plane[2 * i + 1, 2 * j + 1]
    for c in range(len(target)):
        largest, place = first[c], np.uint8(0)
        for number, other in (
            (np.uint8(1), second[c]),
            (np.uint8(2), third[c]),
            (np.uint8(3), fourth[c]),
        ):
            larger = not other <= largest and largest == largest
            place = number if larger else place
            largest = other if larger else largest
        target[c], places[c] = _like(largest, target[c]), place


@njit(**_options)
def gradient_to_tiles(
    gradients: Numbers, places: Numbers, tiles: Numbers, sizes: tuple[int, int],
    covered: tuple[int, int], pool: int,
) -> None:  # fmt: skip
    """Fill the tiles of output gradients: `tiles_to_image`, transposed."""
    n, height, width, channels = gradients.shape
    rows, columns = covered
    plane = np.zeros((rows, columns, channels), np.float32)
    buffer = _buffer()
    for image in range(n):
        for i in range(height):
            for j in range(width):
                source = gradients[image, i, j]
                if pool == 2:
                    _unpool(source, places[image, i, j], plane, i, j)
                else:
                    for c in range(channels):
                        plane[i, j, c] = _wide(source[c])
        _to_tiles(plane, tiles, sizes, image, buffer, 0)


@njit(**_options)
def _unpool(source: Numbers, places: Numbers, plane: Numbers, i: int, j: int) -> None:
    """Write the gradient where the largest was, and zeros beside it."""
    for number in range(4):
        target = plane[2 * i + number // 2, 2 * j + number % 2]
        for c in range(len(source)):
            target[c] = _wide(source[c]) if places[c] == number else np.float32(0)


@njit(**_options)
def tiles_to_gradient(
    tiles: Numbers, images: Numbers, sizes: tuple[int, int], covered: tuple[int, int]
) -> None:
    """Fill the gradients of inputs (n, H, W, C) from their tiles: `image_to_tiles`, transposed."""
    n, height, width, channels = images.shape
    rows, columns = covered
    plane = np.zeros((rows + 2, columns + 2, channels), np.float32)
    buffer = _buffer()
    for image in range(n):
        plane[:] = 0
        _from_tiles(tiles, plane, sizes, image, buffer, _EDGE)
        for i in range(height):
            for j in range(width):
                target = images[image, i, j]
                if i <= rows and j <= columns:
                    for c in range(channels):
                        target[c] = _like(plane[i + 1, j + 1, c], target[c])
                else:  # no output that is kept sees it
                    for c in range(channels):
                        target[c] = 0
