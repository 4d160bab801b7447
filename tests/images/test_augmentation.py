import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pitfalls.errors import InputError
from pitfalls.images.augmentation import (
    AlternatingFlip,
    Draw,
    PerImage,
    RandomCrop,
    RandomHorizontalFlip,
    augment,
)


def pictures(n=6, c=3, h=8, w=8):
    return torch.randint(256, (n, c, h, w), dtype=torch.uint8)


def at(seed=0, epoch=0, step=0, n=6):
    return Draw(seed, epoch, step, torch.arange(n))


@given(
    st.integers(1, 10),
    st.integers(1, 10),
    st.integers(0, 3),
    st.sampled_from(["constant", "reflect", "edge"]),
)
def test_crop_equals_slicing_each_padded_image(h, w, padding, mode):
    padding = min(padding, h - 1, w - 1)  # reflection needs that
    images = pictures(4, 2, h, w)
    crop = RandomCrop((h, w), padding, mode)
    corners = crop.draw(4, (h, w), torch.Generator().manual_seed(1))
    got = crop.apply(images, corners)
    assert got.dtype == torch.uint8
    how = {"constant": "constant", "reflect": "reflect", "edge": "replicate"}[mode]
    for image, (top, left), cut in zip(images, corners.tolist(), got, strict=True):
        padded = torch.nn.functional.pad(image.double()[None], (padding,) * 4, mode=how)[0]
        assert torch.equal(padded[:, top : top + h, left : left + w].to(torch.uint8), cut)


def test_crop_places_are_uniform():
    corners = RandomCrop(32, padding=4).draw(81_000, (32, 32), torch.Generator().manual_seed(0))
    counts = torch.bincount(corners[:, 0] * 9 + corners[:, 1], minlength=81).double()
    chi2 = ((counts - 1000) ** 2 / 1000).sum()
    assert 40 < chi2 < 140  # 80 degrees of freedom: 80 ± 13


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
    transforms = [RandomCrop(8, 2, "reflect"), AlternatingFlip(), PerImage(noisy)]
    whole = augment(images, transforms, at(n=7))
    cuts = [slice(7 * r // size, 7 * (r + 1) // size) for r in range(size)]
    parts = [augment(images[cut], transforms, at(n=7), cut) for cut in cuts]
    assert torch.equal(torch.cat(parts), whole)


def noisy(image):
    return (image + torch.randint(3, image.shape) + random.randrange(2)).to(torch.uint8)


def test_any_callable_is_seeded_and_leaves_the_global_generators_alone():
    images = pictures()
    torch.manual_seed(5)
    random.seed(5)
    expected = (torch.rand(1), random.random())
    torch.manual_seed(5)
    random.seed(5)
    first = augment(images, [PerImage(noisy)], at())
    assert (torch.rand(1), random.random()) == expected
    assert torch.equal(first, augment(images, [PerImage(noisy)], at()))


def test_alternating_flip_shows_every_image_both_ways_in_two_epochs():
    flip = AlternatingFlip()
    first, second, third = (flip.draw_at(at(3, e, 9, 10_000), (8, 8), 0) for e in (0, 1, 2))
    assert torch.equal(first, ~second)
    assert torch.equal(first, third)
    assert abs(first.double().mean() - 0.5) < 0.02
    assert not torch.equal(first, flip.draw_at(at(4, 0, 9, 10_000), (8, 8), 0))


def test_alternating_flip_of_an_image_does_not_depend_on_its_batch():
    flip = AlternatingFlip()
    whole = flip.draw_at(Draw(0, 0, 0, torch.arange(100)), (8, 8), 0)
    some = torch.tensor([90, 3, 41])
    assert torch.equal(flip.draw_at(Draw(0, 0, 7, some), (8, 8), 0), whole[some])


@pytest.mark.parametrize(
    "make",
    [
        lambda: RandomCrop(0),
        lambda: RandomCrop(4, padding=-1),
        lambda: RandomCrop(4, padding_mode="mirror"),
        lambda: RandomHorizontalFlip(1.5),
        lambda: RandomCrop(33)(pictures()),
    ],
)
def test_arguments_without_meaning_are_refused(make):
    with pytest.raises(InputError):
        make()
