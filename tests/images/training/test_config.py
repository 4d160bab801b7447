import subprocess
import sys
from dataclasses import fields

import pytest

from pitfalls.errors import InputError
from pitfalls.images.training.checks import settle
from pitfalls.images.training.config import TrainConfig
from tests.images.training.test_loop import dataset


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"epochs": 1.5}, "epochs must be at least 1"),
        ({"batch_size": 0}, "batch_size"),
        ({"scheme": "stepped"}, "stepped"),
        ({"scheme": "annealed", "rate": 0.0}, "factor must be positive"),
        ({"rate": float("nan")}, "positive and finite"),
        ({"optimizer": "adam"}, "optimizer must be sgd, adamw, muon or your own"),
        ({"averaging": 1.0}, "averaging must be in"),
        ({"muon_rate": 0.0}, "muon_rate must be positive"),
        ({"crop_padding": -1}, "crop_padding"),
        ({"image_sizes": (8, 0)}, "image_sizes"),
        ({"flip": "both"}, "random or alternating or none or auto"),
        (
            {"optimizer": "adamw", "rate": 0.1, "nesterov": True},
            "nesterov is a setting of sgd and muon",
        ),
        ({"optimizer": "adamw", "rate": 0.1, "momentum": 0.5}, "momentum is a setting of sgd"),
        ({"optimizer": "own.py:made", "weight_decay": 0.1}, "weight_decay is a setting of sgd and"),
        ({"muon_rate": 0.5}, "muon_rate is a setting of muon. Got 0.5 for sgd"),
        ({"optimizer": "adamw", "rate": 0.1, "other_rate": 1.0}, "other_rate is a setting of muon"),
        ({"transforms": ("flip",), "crop_padding": 2}, "crop_padding is of the transform crop"),
        ({"transforms": (), "padding_mode": "edge"}, "padding_mode is of the transform crop"),
        ({"transforms": ("crop",), "flip": "alternating"}, "flip is of the transform flip"),
    ],
)
def test_what_no_training_can_mean_is_refused_where_it_is_said(wrong, says):
    with pytest.raises(InputError, match=says):
        TrainConfig(**wrong)


def test_auto_mirrors_only_what_keeps_its_class_and_asks_where_nothing_says_so():
    from dataclasses import replace

    asked = TrainConfig(flip="auto")
    assert settle(asked, replace(dataset(), mirror=True)).flip == "random"
    assert settle(asked, replace(dataset(), mirror=False)).flip == "none"
    with pytest.raises(InputError, match="nothing says whether a mirrored picture keeps its class"):
        settle(asked, replace(dataset(), mirror=None, class_names=("cow", "cat", "dog", "owl")))
    assert settle(TrainConfig(flip="alternating"), dataset()).flip == "alternating"


def test_auto_precision_is_one_of_the_two():
    assert settle(TrainConfig(precision="auto"), dataset()).precision in ("float32", "bfloat16")


def test_the_config_needs_no_torch_and_every_field_has_its_help():
    code = (
        "import sys; from pitfalls.images.training.config import TrainConfig;"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    from docstring_parser import parse

    named = {item.arg_name for item in parse(TrainConfig.__doc__).params}
    assert named == {field.name for field in fields(TrainConfig)}


@pytest.mark.parametrize("transforms", [(), ("crop",), ("flip",), ("flip", "crop")])
def test_what_is_none_of_the_transforms_is_settled_as_not_done(transforms):
    from dataclasses import replace

    settled = settle(TrainConfig(transforms=transforms), dataset())
    assert settled.flip == ("random" if "flip" in transforms else "none")
    assert settled.crop_padding == (1 if "crop" in transforms else 0)
    # and is not asked about
    unknown = replace(dataset(), mirror=None, class_names=("cow", "cat", "dog", "owl"))
    if "flip" not in transforms:
        assert settle(TrainConfig(transforms=transforms, flip="auto"), unknown).flip == "none"
