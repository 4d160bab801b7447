import dataclasses

import pytest

from pitfalls.experiments.parity_curves.figures import FIGURES, title
from pitfalls.experiments.parity_curves.words import (
    account,
    basis,
    charts,
    learned,
    lost,
    parted,
    silent,
)
from pitfalls.plots import draw
from pitfalls.prose import Paragraph, Table, plain
from tests.experiments.parity_curves.results import case_of, result_of

ALL = case_of(5, [2, 3], [1.0, 1.0])
SOME = case_of(8, [2, 3], [1.0, 0.6])
NONE = case_of(30, [14, 17], [0.5, 0.51])
FEW_ONES = case_of(30, [2, 2], [1.0, 1.0], fixed=True)


def test_all_some_and_none_are_told_apart():
    result = result_of(ALL, SOME, NONE)
    assert "2 trainings learned parity at d = 5 with m from 2 to 3" in plain(learned(result))
    assert "Only some learned at d = 8 with m from 2 to 3 (1 of 2)" in plain(learned(result))
    assert "None of 2 trainings learned at d = 30" in plain(lost(result))
    assert "accuracy at the end 0.5 to 0.51" in plain(lost(result))


def test_one_training_is_one_training():
    result = result_of(case_of(5, [2], [1.0]))
    assert "1 training learned parity at d = 5 with m = 2. " in plain(learned(result))
    assert basis(result).n.startswith("1 training a case")
    assert basis(result).spread == "none, one training a case"
    shown = account(result)[0]
    assert isinstance(shown, Table)
    assert "(" not in plain(shown.rows[0][3])
    assert "One training a case." in plain(shown.caption)


def test_silence_is_named_only_where_hinge_risks_are_close_to_one():
    assert "a network that always says 0" in plain(silent(result_of(NONE)))
    assert silent(result_of(case_of(30, [14], [0.6], risk=0.8))) == ()
    assert silent(result_of(case_of(30, [14], [0.6], risk=1.3))) == ()
    assert silent(result_of(NONE, loss="square")) == ()
    assert silent(result_of(ALL)) == ()


def test_d_alone_does_not_decide_only_where_one_d_holds_both():
    said = plain(parted(result_of(NONE, FEW_ONES)))
    assert (
        "At d = 30 all 2 trainings learned at m = 2 and none of 2 trainings at m from 14 to 17"
        in said
    )
    assert parted(result_of(ALL, NONE)) == ()
    mixed = case_of(30, [2, 2, 2, 2, 2], [1.0, 1.0, 1.0, 0.6, 0.6], fixed=True)
    assert parted(result_of(NONE, mixed)) == ()


@pytest.mark.parametrize(("cases", "text"), [
    ((NONE, FEW_ONES), "At d = 30 all trainings learn or none does, by the mask's weight"),
    ((ALL, SOME), "3 of 4 trainings learned: 99 % accurate at the end"),
    ((case_of(5, [2], [1.0]),), "1 of 1 training learned: 99 % accurate at the end"),
])  # fmt: skip
def test_the_title_follows_the_cases(cases, text):
    assert title(result_of(*cases)) == text


def test_axes_name_the_loss_and_inputs_that_were_used():
    panels = charts(result_of(ALL, loss="square", fresh=False))["parity-curves"]["panels"]
    assert panels[0]["y"] == "square risk on the training set"
    drawn = draw(FIGURES[0], result_of(ALL, NONE))
    assert len(drawn.files["png"]) > 5000
    assert "2 of 2 learned" in drawn.alt


def test_a_case_that_never_reached_has_a_dash():
    shown = account(result_of(NONE))[0]
    assert isinstance(shown, Table)
    assert plain(shown.rows[0][-1]) == "–"
    assert isinstance(account(result_of(NONE))[1], Paragraph)


def test_a_title_that_speaks_of_all_trainings_leaves_none_out():
    some = case_of(30, [3, 3], [1.0, 0.6], fixed=True)
    assert title(result_of(NONE, FEW_ONES)).startswith("At d = 30 all trainings learn or none")
    assert title(result_of(NONE, FEW_ONES, some)) == (
        "3 of 6 trainings learned: 99 % accurate at the end"
    )


def test_a_training_that_left_the_finite_numbers_learned_nothing_whatever_it_had_before():
    case = case_of(5, [2, 2, 2], [1.0, 1.0, 1.0], fixed=True)
    left = dataclasses.replace(case.replicas[0], diverged=True)
    case = dataclasses.replace(case, replicas=(left, *case.replicas[1:]))
    assert case.n_learned == 2
    assert "Only some learned at d = 5 with m = 2 (2 of 3)" in plain(learned(result_of(case)))
