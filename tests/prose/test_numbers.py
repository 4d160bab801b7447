import pytest

from pitfalls.prose import counted, percent


@pytest.mark.parametrize(
    ("n", "text"), [(0, "0 epochs"), (1, "1 epoch"), (2, "2 epochs"), (1_200, "1,200 epochs")]
)
def test_a_noun_follows_its_number(n, text):
    assert counted(n, "epoch") == text


def test_an_irregular_plural_is_given():
    assert counted(2, "class", "classes") == "2 classes"
    assert counted(1, "class", "classes") == "1 class"


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.5, "50.0 %"),
        (-0.01, "−1.0 %"),
        (-0.0001, "0.0 %"),
        (float("nan"), "nan"),
        (1.0, "100.0 %"),
    ],
)
def test_a_share_is_written_as_percent(share, text):
    assert percent(share) == text
