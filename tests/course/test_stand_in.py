"""What stands in for torchvision: its results are torchvision's, and what it lacks costs one part."""

import importlib.util

import numpy as np
import pytest
import torch
from PIL import Image

from pitfalls.course.grading import transforms
from pitfalls.course.grading.grade import grade, parts_named
from tests.course.work import SMALL, changed, lost

PICTURE = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
TENSOR = torch.from_numpy(PICTURE).permute(2, 0, 1)

LACKING = {
    "a transform": ("", "transforms.ColorJitter(0.1, hue=0.2),", "torchvision.transforms.ColorJitter"),
    "a policy": ("", "transforms.AutoAugment(transforms.AutoAugmentPolicy.CIFAR10),", "AutoAugment"),
    "one by its own name": (
        "from torchvision.transforms import RandomErasing", "RandomErasing(p=0.1),", "RandomErasing"),
    "one of the second version": (
        "from torchvision.transforms import v2", "v2.RandomPhotometricDistort(),", "v2.RandomPhotometric"),
    "a function": (
        "import torchvision.transforms.functional as F", "lambda x: F.adjust_hue(x, 0.1),", "adjust_hue"),
    "one that is subclassed": (
        "class Mine(transforms.RandomGrayscale):\n    pass\n", "Mine(),", "RandomGrayscale"),
}  # fmt: skip


@pytest.mark.skipif(
    importlib.util.find_spec("torchvision") is not None, reason="nothing is lacking"
)
@pytest.mark.parametrize("name", LACKING)
def test_a_transform_that_is_lacking_costs_4d_alone_and_is_named(name, sandbox):
    top, step, words = LACKING[name]
    files = changed("cifar10.py", "MEAN = (", top + "\nMEAN = (")
    text = files["cifar10.py"].decode()
    first = "        transforms.RandomCrop("
    files["cifar10.py"] = text.replace(first, "        " + step + "\n" + first, 1).encode()
    found = grade(files, sandbox, SMALL, parts_named(["4"]))
    assert lost(found) == {"4d": 7}
    reasons = [result.reason for result in found.results if result.part == "4d"]
    assert all(words in r and "the grader runs without torchvision" in r for r in reasons)


@pytest.mark.skipif(importlib.util.find_spec("torchvision") is not None, reason="all is there")
def test_what_else_of_torchvision_is_imported_costs_nothing(sandbox):
    top = (
        "import torchvision.datasets as datasets\nfrom torchvision import models, utils\n"
        "held = datasets.CIFAR10('.', train=True), models.resnet18(weights=None), utils.make_grid\n"
        "weights = models.ResNet18_Weights.DEFAULT.transforms()\n"
    )
    files = changed("cifar10.py", "MEAN = (", top + "\nMEAN = (")
    assert lost(grade(files, sandbox, SMALL, parts_named(["4"]))) == {}


@pytest.mark.parametrize(
    ("padding", "sides"),
    [(2, (2, 2, 2, 2)), ([3], (3, 3, 3, 3)), ((1, 2), (1, 2, 1, 2)), ((1, 2, 3, 4), (1, 2, 3, 4))],
)
@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric"])
def test_padding_reads_its_four_forms_and_pads_as_numpy_does(padding, sides, mode):
    left, top, right, bottom = sides
    due = np.pad(PICTURE, ((top, bottom), (left, right), (0, 0)), mode=mode)
    of_tensor = transforms.Pad(padding, padding_mode=mode)(TENSOR)
    of_picture = transforms.pad(Image.fromarray(PICTURE), padding, 0, mode)
    np.testing.assert_array_equal(of_tensor.permute(1, 2, 0).numpy(), due)
    np.testing.assert_array_equal(np.asarray(of_picture), due)


def test_padding_takes_a_colour_and_refuses_three_numbers():
    found = transforms.pad(TENSOR, 1, (1, 2, 3))
    assert found[:, 0, 0].tolist() == [1, 2, 3]
    assert torch.equal(found[:, 1:-1, 1:-1], TENSOR)
    with pytest.raises(ValueError, match="1, 2 or 4"):
        transforms.pad(TENSOR, (1, 2, 3))


def test_a_crop_with_padding_is_a_crop_of_the_padded_picture():
    for seed in range(5):
        torch.manual_seed(seed)
        first = transforms.RandomCrop((6, 8), padding=4)(TENSOR)
        torch.manual_seed(seed)
        assert torch.equal(first, transforms.RandomCrop((6, 8))(transforms.pad(TENSOR, 4)))
    assert transforms.RandomCrop(10, pad_if_needed=True)(TENSOR).shape == (3, 10, 10)
    with pytest.raises(ValueError, match="smaller than"):
        transforms.RandomCrop(7)(TENSOR)


def test_the_middle_is_cut_and_what_is_smaller_is_padded():
    assert torch.equal(transforms.center_crop(TENSOR, (4, 4)), TENSOR[:, 1:5, 2:6])
    wide = transforms.CenterCrop((8, 8))(TENSOR)
    assert torch.equal(wide[:, 1:7], TENSOR)
    assert not wide[:, [0, 7]].any()


def test_resizing_keeps_an_equal_size_a_flat_picture_and_the_ratio_of_sides():
    assert transforms.Resize(6)(TENSOR) is TENSOR
    flat = Image.fromarray(np.full((6, 8, 3), 77, np.uint8))
    for mode in transforms.InterpolationMode:
        found = transforms.Resize(12, interpolation=mode)(flat)
        assert found.size == (16, 12)
        assert (np.asarray(found) == 77).all()
    assert transforms.Resize((5, 3))(TENSOR).shape == (3, 5, 3)
    assert transforms.Resize(12, max_size=8)(TENSOR).shape == (3, 6, 8)


def test_types_and_scales_are_changed_as_their_names_say():
    scaled = transforms.ToTensor()(Image.fromarray(PICTURE))
    assert torch.equal(scaled, TENSOR / 255)
    assert torch.equal(transforms.ToDtype(torch.float32, scale=True)(TENSOR), scaled)
    assert torch.equal(transforms.ConvertImageDtype(torch.float32)(TENSOR), scaled)
    assert torch.equal(transforms.ToDtype(torch.float32)(TENSOR), TENSOR.float())
    assert torch.equal(transforms.PILToTensor()(transforms.ToPILImage()(scaled)), TENSOR)
    assert transforms.ToImage()(TENSOR) is TENSOR
    assert transforms.ToTensor()(PICTURE[..., 0]).shape == (1, 6, 8)


def test_normalising_leaves_what_it_was_given_and_refuses_bytes():
    given = TENSOR / 255
    found = transforms.Normalize((0.1, 0.2, 0.3), (1, 2, 4))(given)
    assert torch.equal(given, TENSOR / 255)
    torch.testing.assert_close(found[2], (given[2] - 0.3) / 4)
    transforms.Normalize((0.1, 0.2, 0.3), (1, 2, 4), inplace=True)(given)
    torch.testing.assert_close(given, found)
    with pytest.raises(TypeError, match="use ToTensor before"):
        transforms.Normalize((0.1,), (1,))(TENSOR)


def test_chances_are_those_asked_for():
    torch.manual_seed(0)
    turned = transforms.hflip(TENSOR)
    assert torch.equal(turned.flip(-1), TENSOR)
    for chance in (0.0, 0.3, 1.0):
        for transform in (
            transforms.RandomHorizontalFlip(chance),
            transforms.RandomApply([transforms.hflip], p=chance),
            transforms.RandomChoice([transforms.hflip, lambda x: x], p=[chance, 1 - chance]),
        ):
            share = np.mean([torch.equal(transform(TENSOR), turned) for _ in range(400)])
            assert abs(share - chance) <= 0.1
