import random

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pitfalls.errors import InputError
from pitfalls.images.training.augmentation import (
    AlternatingFlip,
    PerImage,
    PlaceOfDraw,
    RandomCrop,
    RandomHorizontalFlip,
    augment,
    derived_seed,
)


def pictures(n=6, c=3, h=8, w=8):
    return torch.randint(256, (n, c, h, w), dtype=torch.uint8)


def at(seed=0, epoch=0, step=0, n=6):
    return PlaceOfDraw(seed, epoch, step, torch.arange(n))


@given(
    st.integers(1, 10),
    st.integers(1, 10),
    st.tuples(*[st.integers(0, 3)] * 4),
    st.sampled_from(["constant", "edge", "reflect", "symmetric"]),
    st.sampled_from([torch.uint8, torch.float32]),
)
def test_crop_equals_slicing_each_image_as_numpy_pads_it(h, w, padding, mode, dtype):
    spare = {"reflect": 1, "symmetric": 0}.get(mode, -3)
    left, top, right, bottom = (
        min(p, side - spare) for p, side in zip(padding, (w, h, w, h), strict=True)
    )
    images = pictures(4, 2, h, w).to(dtype)
    crop = RandomCrop((h, w), (left, top, right, bottom), padding_mode=mode)
    corners = crop.draw(4, (h, w), torch.Generator().manual_seed(1))
    got = crop.apply(images, corners)
    assert got.dtype == dtype
    for image, (y, x), cut in zip(images, corners.tolist(), got, strict=True):
        padded = np.pad(image.numpy(), ((0, 0), (top, bottom), (left, right)), mode=mode)
        assert np.array_equal(padded[:, y : y + h, x : x + w], cut)


@pytest.mark.parametrize(
    ("padding", "borders"),
    [
        (None, (0, 0, 0, 0)),
        (0, (0, 0, 0, 0)),
        (3, (3, 3, 3, 3)),
        ([3], (3, 3, 3, 3)),
        ((1, 2), (1, 2, 1, 2)),
        ([1, 2, 3, 4], (1, 2, 3, 4)),
    ],
)
def test_padding_has_torchvisions_forms(padding, borders):
    left, top, right, bottom = borders
    image = pictures(1, 3, 5, 6)
    whole = RandomCrop((5 + top + bottom, 6 + left + right), padding)(image)
    assert np.array_equal(
        whole[0], np.pad(image[0].numpy(), ((0, 0), (top, bottom), (left, right)))
    )


@pytest.mark.parametrize("size", [4, [4], (4, 4), torch.Size([4, 4]), np.int64(4)])
def test_size_has_torchvisions_forms(size):
    assert RandomCrop(size)(pictures()).shape == (6, 3, 4, 4)


def test_arguments_stand_in_torchvisions_order():
    image = pictures(1, 3, 4, 4)
    crop = RandomCrop([6, 8], (1, 0), True, (1, 2, 3), "constant")
    corner = torch.tensor([[0, 0]])
    # 4×6 with the padding, so two rows and two columns are missing: above and below, either side.
    padded = [
        np.pad(image[0, c].numpy(), ((2, 2), (3, 3)), constant_values=c + 1) for c in range(3)
    ]
    assert np.array_equal(crop.apply(image, corner)[0], np.stack(padded)[:, :6, :8])
    assert np.array_equal(crop.apply(image, corner + 2)[0], np.stack(padded)[:, 2:, 2:])


def test_one_fill_colours_every_channel_and_only_a_constant_border():
    image = torch.zeros(1, 3, 1, 1, dtype=torch.uint8)
    assert RandomCrop(3, 1, fill=7)(image).sum() == 3 * 8 * 7
    assert RandomCrop(3, 1, fill=7, padding_mode="edge")(image).sum() == 0
    assert RandomCrop(3, 1, fill=[0.25])(image.float()).sum() == 3 * 8 * 0.25


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric"])
def test_padding_if_needed_changes_only_the_sides_that_are_too_small(mode):
    images = pictures(500, 1, 6, 9)
    crop = RandomCrop(8, pad_if_needed=True, padding_mode=mode)
    corners = crop.draw(500, (6, 9), None)
    assert sorted(set(corners[:, 0].tolist())) == [0, 1, 2]  # 6 + 2·2 rows for a cut of 8
    assert sorted(set(corners[:, 1].tolist())) == [0, 1]
    for image, (y, x), cut in zip(images, corners, crop.apply(images, corners), strict=True):
        padded = np.pad(image.numpy(), ((0, 0), (2, 2), (0, 0)), mode=mode)
        assert np.array_equal(padded[:, y : y + 8, x : x + 8], cut)
    large = pictures(3, 1, 20, 20)
    numbers = crop.draw(3, (20, 20), None)
    assert torch.equal(crop.apply(large, numbers), RandomCrop(8).apply(large, numbers))


@pytest.mark.parametrize(
    ("arguments", "images", "says"),
    [
        ({"padding": 8, "padding_mode": "reflect"}, (8, 8), "below the image's side. Got 8 pixels"),
        ({"padding": 9, "padding_mode": "symmetric"}, (8, 8), "up to the image's side. Got 9"),
        ({"pad_if_needed": True, "padding_mode": "reflect"}, (3, 8), "Got 5 pixels around"),
        ({"fill": (1, 2), "padding": 1}, (8, 8), "one for each of the 3 channels. Got 2"),
        ({"fill": 256, "padding": 1}, (8, 8), "between 0 and 255"),
        ({}, (5, 8), "pad_if_needed=True"),
    ],
)
def test_borders_that_do_not_fit_the_images_are_refused_in_one_line(arguments, images, says):
    with pytest.raises(InputError, match=f"^RandomCrop: .*{says}.*$"):
        RandomCrop(8, **arguments)(pictures(2, 3, *images))


def test_the_largest_mirrored_borders_are_drawn():
    assert RandomCrop(22, 7, padding_mode="reflect")(pictures()).shape == (6, 3, 22, 22)
    assert RandomCrop(24, 8, padding_mode="symmetric")(pictures()).shape == (6, 3, 24, 24)


@pytest.mark.parametrize(
    "transform", [RandomCrop(4), RandomHorizontalFlip(), PerImage(torch.clone)]
)
@pytest.mark.parametrize(
    "images", [torch.zeros(8, 8), torch.zeros(1, 1, 1, 8, 8), np.zeros((3, 8, 8))]
)
def test_what_is_not_an_image_with_channels_is_refused_in_one_line(transform, images):
    with pytest.raises(InputError, match=r"^\w+: images must be a tensor \(C, H, W\) or .*$"):
        transform(images)


def test_crop_places_are_uniform():
    corners = RandomCrop(32, padding=4).draw(81_000, (32, 32), torch.Generator().manual_seed(0))
    counts = torch.bincount(corners[:, 0] * 9 + corners[:, 1], minlength=81).double()
    chi2 = ((counts - 1000) ** 2 / 1000).sum()
    assert 40 < chi2 < 140  # 80 degrees of freedom: 80 ± 13


def test_crop_places_are_uniform_where_the_borders_differ():
    # 5 + 1 + 2 rows hold a cut of 4 in 5 places, 4 + 2 + 1 columns in 4.
    crop = RandomCrop(4, padding=(2, 1, 1, 2))
    corners = crop.draw(20_000, (5, 4), torch.Generator().manual_seed(0))
    counts = torch.bincount(corners[:, 0] * 4 + corners[:, 1], minlength=20).double()
    assert len(counts) == 20
    assert 5 < ((counts - 1000) ** 2 / 1000).sum() < 45  # 19 degrees of freedom: 19 ± 6


def test_crops_draw_the_numbers_they_always_drew():
    generator = torch.Generator().manual_seed(3)
    expected = [torch.randint(5, (6,), generator=generator) for _ in range(2)]
    got = RandomCrop(8, 2).draw(6, (8, 8), torch.Generator().manual_seed(3))
    assert torch.equal(got, torch.stack(expected, dim=1))


def test_seeds_and_alternating_flips_are_those_they_always_were():
    # a run that is made again, or continued by a later version, sees the same pictures
    assert derived_seed(0, "order", 1) == 7021862330116196507
    assert derived_seed(5, "step", 2, 3) == 8013069216576931022
    draws = (
        AlternatingFlip().draw_at(at(3, 0, 0, 64), (8, 8), 0),
        AlternatingFlip(0.25).draw_at(at(123456789, 1, 0, 64), (8, 8), 0),
    )
    assert ["".join("x" if flipped else "." for flipped in drawn.tolist()) for drawn in draws] == [
        ".xxx...xxx.xx..xxx.xxx.xxx..x.xx.xx.....x.x.x.xx..xxx..x...xx.x.",
        ".xxxxx.xxxxxx.xxx.xxx..xxxxxxxx.xxxxx.xxxxxxxx.xxx..x.xxxxxx...x",
    ]


def test_images_that_are_no_squares_are_cut_within_their_own_sides():
    images = pictures(40, 1, 6, 12)
    for image, cut in zip(images, augment(images, [RandomCrop((6, 4))], at(n=40)), strict=True):
        assert any(torch.equal(image[:, :, x : x + 4], cut) for x in range(9))


def test_padding_if_needed_counts_the_borders_that_there_are():
    # 1 + 6 + 3 rows of 12: two more on either side, so the cut has three places
    crop = RandomCrop((12, 8), padding=(0, 1, 0, 3), pad_if_needed=True)
    rows = crop.draw(500, (6, 8), None)[:, 0]
    assert sorted(set(rows.tolist())) == [0, 1, 2]
    padded = np.pad(np.ones((6, 8), np.uint8), ((3, 5), (0, 0)))
    (cut,) = crop.apply(torch.ones(1, 1, 6, 8, dtype=torch.uint8), torch.tensor([[2, 0]]))
    assert np.array_equal(cut[0].numpy(), padded[2:14])


def test_flip_turns_left_and_right_and_nothing_else():
    image = torch.arange(12, dtype=torch.uint8).reshape(1, 1, 3, 4)
    flipped = RandomHorizontalFlip(p=1.0)(image)
    assert flipped[0, 0].tolist() == [[3, 2, 1, 0], [7, 6, 5, 4], [11, 10, 9, 8]]
    assert torch.equal(RandomHorizontalFlip(p=0.0)(image), image)


def test_flip_probability_is_p():
    chosen = RandomHorizontalFlip(0.3).draw(100_000, (1, 1), torch.Generator().manual_seed(0))
    assert abs(chosen.double().mean() - 0.3) < 0.005


def test_one_image_without_batch_axis_is_taken_as_torchvision_does():
    assert RandomCrop(4)(pictures()[0]).shape == (3, 4, 4)


def test_a_step_depends_on_seed_epoch_and_step_alone():
    images, transforms = pictures(), [RandomCrop(8, 2), RandomHorizontalFlip()]
    first = augment(images, transforms, at(1, 2, 3))
    torch.rand(100)  # the global generator plays no part
    assert torch.equal(first, augment(images, transforms, at(1, 2, 3)))
    for other in (at(2, 2, 3), at(1, 3, 3), at(1, 2, 4)):
        assert not torch.equal(first, augment(images, transforms, other))


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_shares_of_a_batch_see_what_the_whole_batch_would(size):
    images = pictures(7)
    transforms = [RandomCrop(8, 2, padding_mode="reflect"), AlternatingFlip(), PerImage(noisy)]
    whole = augment(images, transforms, at(n=7))
    cuts = [slice(7 * r // size, 7 * (r + 1) // size) for r in range(size)]
    parts = [augment(images[cut], transforms, at(n=7), cut) for cut in cuts]
    assert torch.equal(torch.cat(parts), whole)


def noisy(image):
    drawn = random.randrange(2) + int(np.random.randint(9))  # noqa: NPY002  what others' code draws from
    return (image + torch.randint(3, image.shape) + drawn).to(torch.uint8)


def test_any_callable_is_seeded_and_leaves_the_global_generators_alone():
    def seed():
        torch.manual_seed(5)
        random.seed(5)
        np.random.seed(5)  # noqa: NPY002

    def numbers():
        return torch.rand(1), random.random(), np.random.random()  # noqa: NPY002

    images = pictures()
    seed()
    expected = numbers()
    seed()
    first = augment(images, [PerImage(noisy)], at())
    assert numbers() == expected
    assert torch.equal(first, augment(images, [PerImage(noisy)], at()))


def test_numpys_global_generator_gives_each_image_and_step_its_own_numbers():
    def grey(image):
        return torch.full_like(image, int(np.random.randint(256)))  # noqa: NPY002

    images = pictures(50, 1, 1, 1)
    first, second = (augment(images, [PerImage(grey)], at(step=s, n=50)).flatten() for s in (0, 1))
    assert len(set(first.tolist())) > 30
    assert not torch.equal(first, second)
    drawn = []

    def draw(image):
        drawn.append(np.random.randint(2**31))  # noqa: NPY002
        return image

    many = PerImage(draw)
    augment(pictures(500, 1, 1, 1), [many], at(n=500))
    assert len(set(drawn)) > 498


def to_floats(image):
    return image.float() / 255


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (to_floats, r"float32 of shape \(3, 8, 8\)"),
        (lambda image: image.long(), "int64 of shape"),
        (lambda image: image[:1], r"uint8 of shape \(1, 8, 8\)"),
        (lambda image: image[None], r"uint8 of shape \(1, 3, 8, 8\)"),
        (lambda image: image.numpy(), "numpy.ndarray"),
        (lambda image: None, "NoneType"),
    ],
)
def test_a_callables_result_is_an_image_of_bytes_and_nothing_else(function, says):
    with pytest.raises(
        InputError,
        match=rf"^PerImage: {function.__name__} must return a uint8 tensor of shape \(3, H, W\)\. Got {says}"
        " .*the trainer scales and normalises itself.*$",
    ):
        augment(pictures(), [PerImage(function)], at())


def test_a_callable_may_change_the_size_of_all_images_but_not_of_some():
    assert PerImage(lambda image: image[:, :5])(pictures()).shape == (6, 3, 5, 8)
    heights = iter([8, 5, 8, 8, 8, 8])
    with pytest.raises(
        InputError, match=r"^PerImage: <lambda> must .* one size\. Got 5×8 and 8×8 .*$"
    ):
        PerImage(lambda image: image[:, : next(heights)])(pictures())


def test_alternating_flip_shows_every_image_both_ways_in_two_epochs():
    flip = AlternatingFlip()
    first, second, third = (flip.draw_at(at(3, e, 9, 10_000), (8, 8), 0) for e in (0, 1, 2))
    assert torch.equal(first, ~second)
    assert torch.equal(first, third)
    assert abs(first.double().mean() - 0.5) < 0.02
    assert not torch.equal(first, flip.draw_at(at(4, 0, 9, 10_000), (8, 8), 0))


def test_alternating_flip_of_an_image_does_not_depend_on_its_batch():
    flip = AlternatingFlip()
    whole = flip.draw_at(PlaceOfDraw(0, 0, 0, torch.arange(100)), (8, 8), 0)
    some = torch.tensor([90, 3, 41])
    assert torch.equal(flip.draw_at(PlaceOfDraw(0, 0, 7, some), (8, 8), 0), whole[some])


@pytest.mark.parametrize(
    "make",
    [
        lambda: RandomCrop(0),
        lambda: RandomCrop(4, padding=-1),
        lambda: RandomCrop(4, padding_mode="mirror"),
        lambda: RandomCrop(4, 1, "reflect"),  # type: ignore[arg-type]
        lambda: RandomCrop(4.0),  # type: ignore[arg-type]
        lambda: RandomCrop("4"),  # type: ignore[arg-type]
        lambda: RandomCrop([]),
        lambda: RandomCrop((4, 4, 4)),
        lambda: RandomCrop(4, padding=(1, 2, 3)),
        lambda: RandomCrop(4, padding=1.5),  # type: ignore[arg-type]
        lambda: RandomCrop(4, padding=()),
        lambda: RandomCrop(4, fill="red"),  # type: ignore[arg-type]
        lambda: RandomCrop(4, fill=()),
        lambda: RandomCrop(4, fill=float("nan")),
        lambda: RandomHorizontalFlip(1.5),
        lambda: RandomCrop(33)(pictures()),
    ],
)
def test_arguments_without_meaning_are_refused(make):
    with pytest.raises(InputError, match=r"^Random\w+: .*$"):
        make()
