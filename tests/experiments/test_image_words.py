"""Sentences on classes and mistakes, at their edges."""

import numpy as np
import pytest

from pitfalls.experiments.image_confusion import Confusion
from pitfalls.experiments.image_words import (
    commonest_mistake,
    extreme_classes,
    mistake_title,
    spread_title,
)
from pitfalls.prose import plain

ABC = ("a", "b", "c")


def test_classes_are_named_by_their_accuracy():
    found = Confusion(np.array([[50, 50, 0], [0, 0, 0], [75, 0, 25]]))
    assert spread_title(found, ABC) == "From c, 25 %, to a, 50 %"
    assert "Right most often: a (50.0 %); least often: c (25.0 %)" in plain(
        extreme_classes(found, ABC)
    )


def test_ties_are_named_or_counted():
    tied = Confusion(np.array([[90, 10, 0], [0, 90, 10], [60, 0, 40]]))
    assert "most often: a and b (90.0 %)" in plain(extreme_classes(tied, ABC))
    many = Confusion(np.diag([1] * 5 + [0]) + np.eye(6, k=-5, dtype=int))
    assert spread_title(many, tuple("abcdef")) == "From f, 0 %, to 5 classes that tie, 100 %"


@pytest.mark.parametrize(
    "counts", [[[1, 0], [1, 0]], [[5, 0], [0, 0]], [[5, 5], [5, 5]], [[51, 49], [50, 50]]]
)
def test_no_class_is_called_best_within_chance(counts):
    assert extreme_classes(Confusion(np.array(counts)), ABC) == ()


def test_every_class_alike_is_said_so():
    assert spread_title(Confusion(np.eye(2, dtype=int)), ABC) == "Every class: 100 %"
    assert spread_title(Confusion(np.array([[3, 1], [0, 0]])), ABC) == "Every class: 75 %"


@pytest.mark.parametrize(
    ("counts", "sentence", "title"),
    [
        ([[7, 3], [1, 9]], "Most often a was taken for b (3 images). ", "3 images of a taken for b"),
        ([[7, 2], [2, 9]], "Most often a was taken for b and b was taken for a (2 images each). ",
         "2 kinds of mistakes tie, 2 images each"),
        ([[7, 1], [0, 9]], "", "No kind of mistake occurred twice"),
        ([[1, 0], [0, 1]], "", "No mistakes"),
    ],
)  # fmt: skip
def test_the_most_frequent_mistake_is_named_where_there_is_one(counts, sentence, title):
    found = Confusion(np.array(counts))
    assert plain(commonest_mistake(found, ABC)) == sentence
    assert mistake_title(found, ABC) == title


def test_many_ties_of_mistakes_are_counted():
    found = Confusion(2 * np.ones((3, 3), dtype=int))
    assert plain(commonest_mistake(found, ABC)) == (
        "The most frequent kinds of mistakes, 6 that tie, occurred on 2 images each. "
    )
