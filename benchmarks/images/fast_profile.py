"""Where the fast network's training step spends its time, and how far each part is from the machine's limit.

    python -m benchmarks.images.fast_profile [--widths 64 256 256] [--batch 2000] [--sides 32 28 24]

The step is that of the record recipe and of ours: forward in bfloat16 where the processor has units
for it, summed cross-entropy, backward; without the update and the data, which are some hundredths.
Convolutions are held against one large matrix product of the same precision in the same run, and the
whole step against the same step by minimal filtering.
"""

import argparse
import statistics
from collections import Counter
from typing import Any

import torch
from benchmarks.record import record, timed
from torch import nn
from torch.nn import functional
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from pitfalls.images.networks import FastNet
from pitfalls.images.training.hardware import has_fast_bfloat16, keep_freed_memory

GROUPS = {
    "aten::mkldnn_convolution": "convolution, forward",
    "aten::convolution_backward": "convolution, backward",
    "aten::mkldnn_convolution_backward": "convolution, backward",
    "aten::gelu": "GELU",
    "aten::gelu_backward": "GELU",
    "aten::native_batch_norm": "batch norm",
    "aten::native_batch_norm_backward": "batch norm",
    "aten::max_pool2d_with_indices": "pooling",
    "aten::max_pool2d_with_indices_backward": "pooling",
    "aten::copy_": "copies and casts",
    "aten::fill_": "zeros",
}
PRODUCT = 2048


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--widths", type=int, nargs=3, default=(64, 256, 256))
    parser.add_argument("--batch", type=int, default=2000)
    parser.add_argument("--sides", type=int, nargs="*", default=[32, 28, 24])
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    keep_freed_memory()
    dtype = torch.bfloat16 if has_fast_bfloat16() else torch.float32
    torch.manual_seed(0)
    networks = [
        FastNet(widths=tuple(options.widths), winograd=winograd).to(
            memory_format=torch.channels_last  # type: ignore[call-overload]
        )
        for winograd in (False, True)
    ]
    rows = [
        one_side(*networks, side, options.batch, dtype, options.repeats) for side in options.sides
    ]
    for row in rows:
        print(row, flush=True)
    record(
        "images-step-profile",
        {
            "widths": options.widths,
            "batch": options.batch,
            "precision": str(dtype).removeprefix("torch."),
            "threads": torch.get_num_threads(),
            "n": options.repeats,
            "product": f"{PRODUCT} x {PRODUCT} x {PRODUCT}",
            "sides": rows,
        },
    )


def one_side(
    network: nn.Module, filtered: nn.Module, side: int, batch: int, dtype: torch.dtype, repeats: int
) -> dict[str, Any]:
    """Profile steps at one size of pictures, a large matrix product in turn with them."""
    images = torch.randn(batch, 3, side, side).contiguous(memory_format=torch.channels_last)
    labels = torch.randint(10, (batch,))
    factor = torch.randn(PRODUCT, PRODUCT).to(dtype)

    def step(of: nn.Module) -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
            logits = of(images)
        functional.cross_entropy(logits.float(), labels, reduction="sum").backward()  # type: ignore[no-untyped-call]
        of.zero_grad(set_to_none=True)

    for of in (network, filtered):
        step(of)
    shares: list[Counter[str]] = []
    seconds, by_filtering, rates = [], [], []
    for _ in range(repeats):
        rates.append(2 * PRODUCT**3 / timed(lambda: factor @ factor))
        seconds.append(timed(lambda: step(network)))
        by_filtering.append(timed(lambda: step(filtered)))
        with profile(activities=[ProfilerActivity.CPU]) as profiler:
            step(network)
        spent: Counter[str] = Counter()
        for event in profiler.key_averages():
            # the profiler adds up what an operator did itself, in microseconds
            spent[GROUPS.get(event.key, "other")] += event.self_cpu_time_total / 1e6
        shares.append(spent)
    groups = dict.fromkeys((*GROUPS.values(), "other"))
    medians = {name: statistics.median(spent[name] for spent in shares) for name in groups}
    whole, peak = sum(medians.values()), statistics.median(rates)
    forward, backward = convolution_work(network, images)
    return {
        "side": side,
        "seconds": statistics.median(seconds),
        "filtered_seconds": statistics.median(by_filtering),
        "shares": {name: value / whole for name, value in medians.items()},
        "backward_over_forward": medians["convolution, backward"] / medians["convolution, forward"],
        "arithmetic_backward_over_forward": backward / forward,
        "forward_of_the_products_rate": forward / medians["convolution, forward"] / peak,
        "backward_of_the_products_rate": backward / medians["convolution, backward"] / peak,
        "product_gflops": peak / 1e9,
    }


def convolution_work(network: nn.Module, images: torch.Tensor) -> tuple[float, float]:
    """Count multiplications and additions of the convolutions, forward and backward."""
    few, counter = images[:2], FlopCounterMode(display=False)
    with counter:
        network(few).sum().backward()
    network.zero_grad(set_to_none=True)
    counts = counter.get_flop_counts()["Global"]
    operators = (torch.ops.aten.convolution, torch.ops.aten.convolution_backward)
    forward, backward = (counts[operator] * len(images) / len(few) for operator in operators)
    return forward, backward


if __name__ == "__main__":
    main()
