import math
from typing import Any

import numpy as np
import pytest

from pitfalls.errors import InputError
from pitfalls.parity import LearningConfig


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"n_hidden": 0}, "n_hidden must be at least 1"),
        ({"batch_size": 0}, "batch_size"),
        ({"optimizer": "lion"}, "sgd, adam"),
        ({"loss": "zero-one"}, "hinge, square, logistic"),
        ({"learning_rate": -1.0}, "positive"),
        ({"learning_rate": math.nan}, "positive"),
        ({"momentum": 1.0}, r"\[0, 1\)"),
        ({"n_samples": 1 << 32}, "fresh"),
        ({"seed": -1}, "negative"),
        ({"n_iterations": 100.5}, "n_iterations must be an integer"),
        ({"n_iterations": 100.0}, "n_iterations must be an integer"),
        ({"n_iterations": None}, "n_iterations must be an integer"),
        ({"batch_size": True}, "batch_size must be an integer"),
        ({"record_every": "200"}, "record_every must be an integer"),
        ({"seed": 0.5}, "seed must be an integer"),
        ({"epsilon": -1.0}, "epsilon must be a positive number"),
        ({"epsilon": 0.0}, "epsilon must be a positive number"),
        ({"epsilon": math.inf}, "epsilon must be a positive number"),
        ({"learning_rate": math.inf}, "positive"),
        ({"learning_rate": "0.1"}, "positive"),
        ({"learning_rate": True}, "positive"),
        ({"momentum": math.nan}, r"\[0, 1\)"),
        ({"betas": (0.9,)}, "two numbers"),
        ({"betas": (0.9, 0.99, 0.999)}, "two numbers"),
        ({"betas": (0.9, 1.0)}, "two numbers"),
        ({"betas": (0.9, math.nan)}, "two numbers"),
        ({"betas": 0.9}, "two numbers"),
        ({"dtype": "float16"}, "float32, float64"),
    ],
)
def test_a_bad_config_is_refused_in_one_line(bad, said):
    with pytest.raises(InputError, match=said) as caught:
        LearningConfig(**bad)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("own", "meant"),
    [
        ({"momentum": 0}, {"momentum": 0.0}),
        (
            {"optimizer": "adam", "betas": [np.float64(0.5), 0.75]},
            {"optimizer": "adam", "betas": (0.5, 0.75)},
        ),
    ],
)
def test_numpy_numbers_and_lists_give_the_config_of_pythons_numbers(
    own: dict[str, Any], meant: dict[str, Any]
):
    given: dict[str, Any] = {
        "n_hidden": np.int64(7),
        "learning_rate": np.float64(0.5),
        "batch_size": np.int32(3),
        "seed": np.uint8(1),
    }
    config = LearningConfig(**given, **own)
    plain = LearningConfig(n_hidden=7, learning_rate=0.5, batch_size=3, seed=1, **meant)
    assert config == plain
    assert repr(config) == repr(plain)


@pytest.mark.parametrize(
    "numbers",
    [
        {"learning_rate": 1e-46},
        {"learning_rate": 1e39},
        {"optimizer": "adam", "epsilon": 1e-46},
        {"optimizer": "adam", "betas": (0.9, 1 - 1e-9)},
        {"momentum": 1 - 1e-9},
    ],
)
def test_numbers_that_float32_cannot_tell_from_0_or_1_are_refused(numbers):
    with pytest.raises(InputError, match="float32"):
        LearningConfig(**numbers)
    assert LearningConfig(**numbers, dtype="float64").dtype == "float64"


@pytest.mark.parametrize(
    "given",
    [
        {"optimizer": "adam", "momentum": 0.5},
        {"betas": (0.5, 0.9)},
        {"epsilon": 1e-6},
    ],
)
def test_a_setting_of_the_other_optimizer_is_refused_instead_of_having_no_effect(given):
    with pytest.raises(InputError, match=r"is no setting of (sgd|adam)"):
        LearningConfig(**given)
