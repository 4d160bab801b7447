"""3×3 convolutions of training steps on a processor, by Winograd's minimal filtering.

Large steps spend most of their time in multiplications, and those run at the processor's peak: what is
left is to multiply less. Tiles of 4×4 outputs take a quarter of the direct sum's multiplications. All
channels of one point of all tiles are one matrix product; the passes before and after it stay in the
cache, because a few images at a time go through all of them.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pitfalls.images.networks.winograd_kernel import (
    LANES,
    SIZES,
    gradient_to_tiles,
    image_to_tiles,
    matrices,
    tiles_to_gradient,
    tiles_to_image,
)
from pitfalls.torch_threads import on_threads

__all__ = ["convolve", "suits"]

Result = TypeVar("Result")

# Of a thread's tiles at a time. With less, starting the passes takes longer than the cache saves.
_CACHED_BYTES = 2 << 20
# A part also outweighs the filters so many times, because each part adds to their gradient.
_FILTERS = 4


def suits(images: Tensor, weight: Tensor) -> bool:
    """Whether `convolve` takes these: on a CPU, float32 or bfloat16, channels in eights."""
    return (
        images.device.type == weight.device.type == "cpu"
        and _kind(images) in (torch.float32, torch.bfloat16)
        and weight.shape[0] % LANES == weight.shape[1] % LANES == 0
    )


def convolve(images: Tensor, weight: Tensor, *, pool: bool = False) -> Tensor:
    """3×3 convolution with zeros around, without a bias; a 2×2 max-pool behind it if asked for.

    As torch computes it but for rounding: in float32 some 1e-6 of the result's size, in bfloat16 two
    hundredths, where the direct sum has a quarter of one. Rows and columns that the pool leaves over are
    not computed.

    Parameters
    ----------
    images : Tensor of shape (n, C, H, W)
        float32 or bfloat16; autocast's kind inside autocast. Fastest with ``channels_last``.
    weight : Tensor of shape (K, C, 3, 3)
        Multiples of eight channels, see `suits`.
    pool : bool, default=False

    Returns
    -------
    Tensor of shape (n, K, H, W), or (n, K, H // 2, W // 2) pooled
        With ``channels_last`` strides. It can be differentiated once.
    """
    images = images.to(_kind(images))
    result: Tensor = _Convolution.apply(images, weight, 2 if pool else 1)  # type: ignore[no-untyped-call]
    return result


def _kind(images: Tensor) -> torch.dtype:
    """Return what is computed with: autocast's kind inside autocast."""
    return torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else images.dtype


@dataclass(frozen=True)
class _Plan:
    """How an image is cut into tiles.

    Attributes
    ----------
    sizes : (int, int)
        Outputs of a tile along rows and columns.
    tiles : (int, int)
        Tiles along rows and columns.
    """

    sizes: tuple[int, int]
    tiles: tuple[int, int]

    @property
    def covered(self) -> tuple[int, int]:
        """Outputs of all tiles, at least those that are wanted."""
        return self.sizes[0] * self.tiles[0], self.sizes[1] * self.tiles[1]

    @property
    def points(self) -> int:
        return (self.sizes[0] + 2) * (self.sizes[1] + 2)


@cache
def _plan(height: int, width: int) -> _Plan:
    """Choose the tiles with the fewest points; of equals the smaller, whose errors are too."""
    cuts = [
        min((-(-length // m) * (m + 2), m, -(-length // m)) for m in SIZES)
        for length in (height, width)
    ]
    (_, m, down), (_, k, across) = cuts
    return _Plan((m, k), (down, across))


def _new_tiles(plan: _Plan, n_images: int, channels: int, kind: torch.dtype) -> Tensor:
    """Return room for tiles (points, tiles, channels)."""
    # an odd number: even ones put all points of a tile into the same few places of the cache
    count = n_images * plan.tiles[0] * plan.tiles[1] | 1
    tiles = torch.empty(plan.points, count, channels, dtype=kind)
    tiles[:, -1] = 0  # where no tile is written, a number all the same
    return tiles


def _view(tensor: Tensor) -> NDArray[Any]:
    """Return the numbers as numpy and the kernels take them: bfloat16 as its bits."""
    if tensor.dtype == torch.bfloat16:
        return tensor.view(torch.int16).numpy().view(np.uint16)
    return tensor.numpy()


def _in_threads(work: Callable[[slice], Result], n: int) -> list[Result]:
    """Let each of torch's threads take its part of n images from beginning to end.

    What one processor writes another one reads much more slowly, and on some machines at the speed of
    memory: so no pass shares a part's tiles, as torch would share a product of all of them.
    """
    n_threads = max(1, min(torch.get_num_threads(), n))
    parts = [slice(n * k // n_threads, n * (k + 1) // n_threads) for k in range(n_threads)]
    if n_threads == 1:
        return [work(part) for part in parts]
    pool = ThreadPoolExecutor(n_threads - 1, initializer=torch.set_num_threads, initargs=(1,))
    with on_threads(1), pool:
        others = [pool.submit(work, part) for part in parts[1:]]
        return [work(parts[0]), *(other.result() for other in others)]


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, images: Tensor, weight: Tensor, pool: int) -> Tensor:
        height, width = images.shape[2:]
        plan = _plan(height // pool * pool, width // pool * pool)
        flat = images.detach().permute(0, 2, 3, 1).contiguous()
        filters = _filters(weight, plan, flat.dtype)
        outputs, places = _outputs(flat, filters, plan, pool)
        context.save_for_backward(flat, places, filters)
        context.plan, context.pool = plan, pool
        return outputs.permute(0, 3, 1, 2)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor, None]:
        flat, places, filters = context.saved_tensors
        plan = context.plan
        slopes = gradient.permute(0, 2, 3, 1).contiguous()
        of_images = torch.empty_like(flat) if context.needs_input_grad[0] else None
        of_filters = _gradients(slopes, places, flat, filters, plan, of_images, context.pool)
        of_weight = _weight_of(of_filters, plan)
        return None if of_images is None else of_images.permute(0, 3, 1, 2), of_weight, None


def _filters(weight: Tensor, plan: _Plan, kind: torch.dtype) -> Tensor:
    """Return the filters of a weight (K, C, 3, 3) at their points (points, C, K)."""
    k, c, _, _ = weight.shape
    with torch.autocast("cpu", enabled=False):  # which would round the sums as well
        points = _filter_map(plan) @ weight.float().reshape(k * c, 9).T
    return points.view(plan.points, k, c).transpose(1, 2).to(kind).contiguous()


def _weight_of(filters: Tensor, plan: _Plan) -> Tensor:
    """Transpose `_filters`."""
    _, c, k = filters.shape
    weights = _filter_map(plan).T @ filters.reshape(plan.points, c * k)
    return weights.view(3, 3, c, k).permute(3, 2, 0, 1)


@cache
def _filter_map(plan: _Plan) -> Tensor:
    """Return the matrix (points, 9) that takes a filter's rows, one behind the other, to its points."""
    return torch.from_numpy(np.kron(*(matrices(m)[1] for m in plan.sizes))).float()


def _outputs(images: Tensor, filters: Tensor, plan: _Plan, pool: int) -> tuple[Tensor, Tensor]:
    """Return the outputs (n, H, W, K), and where in each 2×2 a pooled one was."""
    n, height, width, _ = images.shape
    shape = (n, height // pool, width // pool, filters.shape[2])
    outputs = torch.empty(shape, dtype=images.dtype)
    places = torch.empty(shape if pool == 2 else (n, 1, 1, 1), dtype=torch.uint8)
    cut = (plan.sizes, plan.covered)

    def work(part: slice) -> None:
        for some, inputs, products in _batches(plan, part, images, filters):
            image_to_tiles(_view(images[some]), _view(inputs), *cut)
            torch.bmm(inputs, filters, out=products)
            tiles_to_image(_view(products), _view(outputs[some]), places[some].numpy(), *cut, pool)

    _in_threads(work, n)
    return outputs, places


def _gradients(
    slopes: Tensor, places: Tensor, images: Tensor, filters: Tensor, plan: _Plan,
    of_images: Tensor | None, pool: int,
) -> Tensor:  # fmt: skip
    """Return the gradient of the filters at their points and fill that of the images."""
    cut, transposed = (plan.sizes, plan.covered), filters.transpose(1, 2)

    def work(part: slice) -> Tensor:
        of_filters = torch.zeros(filters.shape)
        for some, inputs, products in _batches(plan, part, images, filters):
            # the inputs' tiles once more: read back from memory they would take longer
            image_to_tiles(_view(images[some]), _view(inputs), *cut)
            gradient_to_tiles(
                _view(slopes[some]), places[some].numpy(), _view(products), *cut, pool
            )
            of_filters += torch.bmm(inputs.transpose(1, 2), products)
            if of_images is not None:
                torch.bmm(products, transposed, out=inputs)
                tiles_to_gradient(_view(inputs), _view(of_images[some]), *cut)
        return of_filters

    return torch.stack(_in_threads(work, len(images))).sum(0)


def _batches(
    plan: _Plan, part: slice, images: Tensor, filters: Tensor
) -> Iterator[tuple[slice, Tensor, Tensor]]:
    """Cut a thread's part of the images so that the tiles of inputs and outputs stay in the cache."""
    n, (_, n_inputs, n_outputs) = part.stop - part.start, filters.shape
    numbers = plan.points * plan.tiles[0] * plan.tiles[1] * (n_inputs + n_outputs)
    room = max(_CACHED_BYTES // images.element_size(), _FILTERS * filters.numel())
    parts = max(1, -(-n // max(1, room // numbers)))
    of_size = {
        count: [_new_tiles(plan, count, c, images.dtype) for c in (n_inputs, n_outputs)]
        for count in {n // parts, -(-n // parts)}
    }
    for k in range(parts):
        some = slice(part.start + n * k // parts, part.start + n * (k + 1) // parts)
        inputs, products = of_size[some.stop - some.start]
        yield some, inputs, products
