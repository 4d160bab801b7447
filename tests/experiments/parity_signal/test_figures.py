import pytest

from pitfalls.experiments.parity_signal.figures import FIGURES, title
from pitfalls.plots import draw
from tests.experiments.parity_signal.results import result_of


@pytest.mark.parametrize("dimensions", [(2, 4), (7,)])
def test_figures_are_drawn_with_words(dimensions):
    (figure,) = FIGURES
    drawn = draw(figure, result_of(*dimensions))
    assert len(drawn.files["png"]) > 5000
    assert b"aria-label" in drawn.files["svg"]
    assert str(dimensions[-1]) in drawn.alt


def test_the_title_says_what_one_more_feature_costs():
    assert title(result_of(2, 6)) == "One more feature multiplies the signal by 0.50"
    assert title(result_of(3)) == "At d = 3 the signal is 0.12"


def test_equal_results_give_equal_files():
    (figure,) = FIGURES
    assert draw(figure, result_of(2, 4)).files == draw(figure, result_of(2, 4)).files
