import dataclasses

import numpy as np
import pytest
import torch

from pitfalls.errors import InputError
from pitfalls.images import DataConfig, load_dataset
from pitfalls.images.networks import normalize
from pitfalls.images.networks.fastnet import FastNet, whitening_filters
from pitfalls.images.training.evaluation import evaluate, predict_logits
from pitfalls.images.training.fast_recipes import FAST_RECIPES
from pitfalls.images.training.loop import train


def test_whitened_patches_are_uncorrelated_and_of_unit_variance():
    torch.manual_seed(0)
    images = torch.randn(200, 3, 9, 9).cumsum(2).cumsum(3)  # neighbours are strongly correlated
    white = torch.nn.functional.conv2d(images, whitening_filters(images, eps=0.0))
    flat = white.permute(0, 2, 3, 1).reshape(-1, 12).double()
    second_moment = flat.T @ flat / len(flat)
    torch.testing.assert_close(second_moment, torch.eye(12).double(), atol=1e-3, rtol=0)


def test_noise_directions_are_not_blown_up():
    images = torch.ones(10, 3, 4, 4)  # one direction has all the variance, eleven have none
    filters = whitening_filters(images, eps=5e-4).flatten(1)
    assert filters.norm(dim=1).max() <= 1 / 5e-4**0.5 * 1.001


def test_second_convolutions_start_as_the_identity():
    network = FastNet(widths=(6, 8, 8))
    x = torch.randn(2, 8, 5, 5)
    torch.testing.assert_close(network.group3.conv2(x), x)
    torch.testing.assert_close(network.group3.conv1(x), x)
    torch.testing.assert_close(network.group2.conv1(x[:, :6])[:, :6], x[:, :6])


def test_forward_pass_equals_a_plain_restatement():
    torch.manual_seed(0)
    network = FastNet(n_classes=4, widths=(6, 8, 10)).double()
    for name, value in network.state_dict().items():
        if name.endswith(("bias", "running_mean")):
            value.normal_()
        elif name.endswith("running_var"):
            value.uniform_(0.5, 2)
    w = dict(network.state_dict())

    def active(x):
        return x * (1 + torch.erf(x / 2**0.5)) / 2

    def norm(x, at):
        mean, variance, shift = (
            w[f"{at}.{k}"][:, None, None] for k in ("running_mean", "running_var", "bias")
        )
        return (x - mean) / (variance + 1e-12).sqrt() + shift

    def convolution(x, weight, pad):
        n, _, height, width = x.shape
        side = weight.shape[-1]
        columns = torch.nn.functional.unfold(x, side, padding=pad)
        shape = n, len(weight), height + 2 * pad - side + 1, width + 2 * pad - side + 1
        return (weight.flatten(1) @ columns).reshape(shape)

    images = torch.randn(3, 3, 17, 17, dtype=torch.float64)
    x = active(convolution(images, w["whitening.weight"], 0) + w["whitening.bias"][:, None, None])
    for group in ("group1", "group2", "group3"):
        x = convolution(x, w[f"{group}.conv1.weight"], 1)
        even = x[:, :, : x.shape[2] // 2 * 2, : x.shape[3] // 2 * 2]
        x = even.unfold(2, 2, 2).unfold(3, 2, 2).amax((4, 5))
        x = active(norm(x, f"{group}.norm1"))
        x = active(norm(convolution(x, w[f"{group}.conv2.weight"], 1), f"{group}.norm2"))
    expected = x.amax((2, 3)) @ w["head.weight"].T / 10
    network.eval()
    torch.testing.assert_close(network(images), expected, atol=1e-12, rtol=1e-10)


def test_what_is_frozen_stays_and_what_is_not_learns():
    network = FastNet()
    frozen = {name for name, p in network.named_parameters() if not p.requires_grad}
    norms = {f"group{g}.norm{i}.weight" for g in (1, 2, 3) for i in (1, 2)}
    assert frozen == norms | {"whitening.weight"}


def test_wide_network_has_the_size_of_the_recipe():
    assert (
        round(sum(p.numel() for p in FastNet(widths=(64, 256, 256)).parameters()) / 1e6, 2) == 1.97
    )


@pytest.mark.parametrize(("channels", "side"), [(1, 8), (3, 5), (3, 33), (3, 2)])
def test_any_image_of_two_pixels_or_more_works(channels, side):
    network = FastNet(n_classes=4, in_channels=channels, widths=(4, 4, 4))
    assert network(torch.randn(2, channels, side, side)).shape == (2, 4)


def test_whitening_is_fitted_on_the_training_images():
    data = load_dataset(DataConfig("digits", subset_train=100))
    network = FastNet(in_channels=1, widths=(4, 4, 4))
    network.fit_whitening(data)
    images = normalize(torch.from_numpy(data.train_images), data.mean, data.std)
    filters = whitening_filters(images)
    torch.testing.assert_close(network.whitening.weight[:4].data, filters)
    torch.testing.assert_close(network.whitening.weight[4:].data, -filters)


def test_widths_below_one_are_refused():
    with pytest.raises(InputError, match="widths"):
        FastNet(widths=(4, 0, 4))


def test_channels_that_are_equal_leave_no_dead_coordinate():
    # a grey picture stored in colour: 4 directions of 12 have any variance
    grey = torch.randn(50, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    colour = grey.expand(-1, 3, -1, -1)
    seen = torch.nn.functional.conv2d(colour, whitening_filters(colour))
    assert seen.shape[1] == 12
    assert seen.square().mean(dim=(0, 2, 3)) == pytest.approx(torch.ones(12), rel=0.01)


def test_images_of_one_pixel_are_refused():
    images = np.zeros((4, 1, 1, 1), np.uint8)
    data = dataclasses.replace(
        load_dataset(DataConfig("digits", subset_train=4)), train_images=images
    )
    with pytest.raises(InputError, match="at least 2 pixels"):
        FastNet(in_channels=1, widths=(4, 4, 4)).fit_whitening(data)


@pytest.mark.parametrize(("channels", "seed"), [(1, 123), (1, 1), (3, 2)])
def test_the_fast_recipe_learns_small_data_from_any_start(channels, seed):
    data = load_dataset(DataConfig("digits", channels=channels))
    recipe = FAST_RECIPES[90, "plain"]
    torch.manual_seed(seed)
    network = FastNet(data.n_classes, channels, recipe.widths)
    network.fit_whitening(data)
    config = recipe.training(data.shape[1], len(data.train_labels))
    train(network, data, dataclasses.replace(config, flip="none", seed=seed))
    logits = predict_logits(network, data.test_images, data.mean, data.std)
    assert evaluate(logits, data.test_labels).accuracy > 0.93


def test_recipes_keep_the_noise_of_their_step_on_smaller_data():
    recipe = FAST_RECIPES[90, "plain"]
    on_cifar10, on_digits = recipe.training(), recipe.training(8, 1438)
    assert on_cifar10.batch_size == 1000
    assert on_cifar10.image_sizes[-1] == 32
    assert on_digits.image_sizes[-1] == 8
    assert 1438 // on_digits.batch_size > 40
    for rate in ("bias_rate", "other_rate"):
        # a batch's summed gradient has a noise of the root of its size
        noise = [getattr(c, rate) * c.batch_size**0.5 for c in (on_cifar10, on_digits)]
        assert noise[0] == pytest.approx(noise[1])
