"""Minimal filtering against the direct sums, in float64."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from pitfalls.images.networks import FastNet, winograd
from pitfalls.images.networks.winograd_kernel import matrices

SIDES = [(2, 2), (3, 4), (4, 4), (5, 7), (6, 6), (7, 10), (8, 15), (9, 13), (15, 15)]


def drawn(n: int, channels: int, height: int, width: int, outputs: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(height * 100 + width)
    images = torch.randn(n, channels, height, width, generator=generator)
    weight = torch.randn(outputs, channels, 3, 3, generator=generator) / (3 * channels**0.5)
    return images, weight


def direct(images: Tensor, weight: Tensor, *, pool: bool = False) -> Tensor:
    result = functional.conv2d(images.double(), weight.double(), padding=1)
    return functional.max_pool2d(result, 2) if pool else result


def with_gradients(
    convolve: Callable[..., Tensor], images: Tensor, weight: Tensor, slopes: Tensor, *, pool: bool
) -> list[Tensor]:
    leaves = images.clone().requires_grad_(), weight.clone().requires_grad_()
    result = convolve(*leaves, pool=pool)
    result.backward(slopes.to(result.dtype))
    return [result.detach(), *(leaf.grad for leaf in leaves if leaf.grad is not None)]


def distance(ours: Tensor, exact: Tensor) -> float:
    return float((ours.detach().double() - exact.detach()).norm() / exact.detach().norm())


@pytest.mark.parametrize("m", [2, 3, 4])
def test_filters_are_those_of_the_direct_sum(m: int) -> None:
    values, filters, inputs = matrices(m)
    random = np.random.default_rng(m)
    d, g = random.normal(size=m + 2), random.normal(size=3)
    expected = [d[i : i + 3] @ g for i in range(m)]
    np.testing.assert_allclose(
        values.T @ ((filters @ g) * (inputs.T @ d)), expected, rtol=0, atol=1e-13
    )


@pytest.mark.parametrize("pool", [False, True])
@pytest.mark.parametrize("sides", SIDES)
def test_outputs_and_gradients_in_float32(sides: tuple[int, int], pool: bool) -> None:
    images, weight = drawn(3, 16, *sides, 24)
    slopes = torch.randn(direct(images, weight, pool=pool).shape)
    ours = with_gradients(winograd.convolve, images, weight, slopes, pool=pool)
    exact = with_gradients(direct, images.double(), weight.double(), slopes, pool=pool)
    for mine, theirs in zip(ours, exact, strict=True):
        assert mine.shape == theirs.shape
        assert distance(mine, theirs) < 5e-6


@pytest.mark.parametrize("channels", [8, 24, 64])
def test_outputs_and_gradients_in_bfloat16(channels: int) -> None:
    images, weight = drawn(4, channels, 14, 14, 32)
    images, weight = images.bfloat16(), weight.bfloat16().float()
    slopes = torch.randn(4, 32, 14, 14).bfloat16()
    ours = with_gradients(winograd.convolve, images, weight, slopes, pool=False)
    exact = with_gradients(direct, images.double(), weight.double(), slopes.double(), pool=False)
    assert ours[0].dtype == ours[1].dtype == torch.bfloat16
    assert ours[2].dtype == torch.float32
    assert max(map(distance, ours, exact)) < 0.03


def test_autocast_decides_the_kind() -> None:
    images, weight = drawn(2, 8, 6, 6, 8)
    with torch.autocast("cpu", torch.bfloat16):
        assert winograd.convolve(images, weight).dtype == torch.bfloat16
    with torch.autocast("cpu", torch.float16):
        assert not winograd.suits(images, weight)


@pytest.mark.parametrize("pool", [False, True])
def test_parts_of_different_sizes_are_the_whole(
    pool: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, weight = drawn(11, 8, 9, 6, 16)
    slopes = torch.randn(direct(images, weight, pool=pool).shape)
    whole = with_gradients(winograd.convolve, images, weight, slopes, pool=pool)
    monkeypatch.setattr(winograd, "_CACHED_BYTES", 100_000)  # three images at a time, or two
    monkeypatch.setattr(winograd, "_FILTERS", 0)
    parts = with_gradients(winograd.convolve, images, weight, slopes, pool=pool)
    for one, other in zip(whole, parts, strict=True):
        assert distance(one, other.double()) < 5e-6


def test_no_image_gives_no_output_and_no_gradient() -> None:
    images, weight = drawn(0, 8, 6, 6, 16)
    slopes = torch.randn(0, 16, 3, 3)
    result, of_images, of_weight = with_gradients(
        winograd.convolve, images, weight, slopes, pool=True
    )
    assert result.shape == slopes.shape
    assert of_images.shape == images.shape
    assert not of_weight.any()


def test_equal_outputs_give_the_first_the_gradient() -> None:
    images, weight = torch.zeros(1, 8, 4, 4), drawn(1, 8, 4, 4, 8)[1]
    slopes = torch.ones(1, 8, 2, 2)
    ours = with_gradients(winograd.convolve, images, weight, slopes, pool=True)
    exact = with_gradients(direct, images.double(), weight.double(), slopes, pool=True)
    assert distance(ours[1], exact[1]) < 5e-6


def test_numbers_that_are_none_are_not_lost() -> None:
    images, weight = drawn(2, 8, 9, 9, 8)
    images[0, 3, 4, 4] = torch.nan
    for pool in (False, True):
        lost = (
            direct(images, weight, pool=pool).isnan()
            & ~winograd.convolve(images, weight, pool=pool).isnan()
        )
        assert not lost.any()


@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_any_number_of_threads_takes_all_images(n_threads: int) -> None:
    images, weight = drawn(7, 16, 10, 10, 16)
    slopes = torch.randn(7, 16, 10, 10)
    exact = with_gradients(direct, images.double(), weight.double(), slopes, pool=False)
    before = torch.get_num_threads()
    torch.set_num_threads(n_threads)
    try:
        ours = with_gradients(winograd.convolve, images, weight, slopes, pool=False)
        assert torch.get_num_threads() == n_threads
    finally:
        torch.set_num_threads(before)
    assert max(map(distance, ours, exact)) < 5e-6


def test_it_suits_a_processor_and_channels_in_eights() -> None:
    images, weight = drawn(1, 8, 4, 4, 16)
    assert winograd.suits(images, weight)
    assert winograd.suits(images.bfloat16(), weight)
    assert not winograd.suits(images.double(), weight.double())
    assert not winograd.suits(images.to("meta"), weight.to("meta"))
    assert not winograd.suits(images, weight[:12])
    assert not winograd.suits(images[:, :3], weight[:, :3])


def test_a_second_derivative_is_refused() -> None:
    images, weight = (t.requires_grad_() for t in drawn(1, 8, 4, 4, 8))
    slope = torch.autograd.grad(winograd.convolve(images, weight).sum(), weight, create_graph=True)
    with pytest.raises(RuntimeError, match="does not require grad"):
        slope[0].sum().backward()


def networks(widths: tuple[int, int, int]) -> tuple[FastNet, FastNet]:
    direct_one, filtered = FastNet(widths=widths), FastNet(widths=widths, winograd=True)
    filtered.load_state_dict(direct_one.state_dict())
    return direct_one, filtered


def test_a_network_trains_by_it_and_is_tested_directly() -> None:
    pair = networks((16, 24, 8))
    images = torch.randn(8, 3, 20, 20)
    direct_one, filtered = ([net(images), *slopes(net, images)] for net in pair)
    for ours, exact in zip(filtered, direct_one, strict=True):
        assert distance(ours, exact) < 1e-3  # batch normalisation passes small differences on
        assert not torch.equal(ours, exact)
    for net in pair:
        net.load_state_dict(pair[0].state_dict())
        net.eval()
    assert torch.equal(pair[0](images), pair[1](images))


def slopes(net: FastNet, images: Tensor) -> list[Tensor]:
    loss = functional.cross_entropy(net(images), torch.arange(len(images)))
    weights = [net.group1.conv1.weight, net.group3.conv2.weight, net.whitening.bias]
    return list(torch.autograd.grad(loss, weights))  # type: ignore[arg-type]


def test_groups_that_it_does_not_suit_are_computed_directly() -> None:
    pair = networks((10, 10, 10))
    images = torch.randn(4, 3, 12, 12)
    assert torch.equal(pair[0](images), pair[1](images))
