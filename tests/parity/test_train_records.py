import math

import pytest

from pitfalls.errors import InputError
from pitfalls.parity import TrainingConfig


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
    ],
)
def test_a_bad_config_is_refused_in_one_line(bad, said):
    with pytest.raises(InputError, match=said) as caught:
        TrainingConfig(**bad)
    assert "\n" not in str(caught.value)
