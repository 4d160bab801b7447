from dataclasses import replace

import numpy as np
import pytest

from pitfalls.experiments.parity_exact import ExactResult, Proof, Sampled, Shapes
from pitfalls.experiments.parity_exact.figures import proved, where_wrong
from pitfalls.experiments.parity_exact.words import (
    account,
    basis,
    outcome,
    passed_by_sampling,
    value_at_ones,
    widths,
)
from pitfalls.prose import Paragraph, plain

S = np.linspace(0, 4, 241)
TENT = np.interp(S, range(5), [1.0, -1.0, 1.0, -1.0, 1.0])


def proof(variant, d=4, exact=None, at_ones=True):
    fails = variant == "printed" if exact is None else not exact
    return Proof(
        d, variant, 9, d + 1 - fails, d + 1, -1.0 if fails else 1.0, 1.0, fails and at_ones
    )


def result_of(*proofs, printed_wrong=(0, 3)):
    made = proofs or tuple(proof(variant) for variant in ("printed", "corrected", "compact"))
    sampled = (
        Sampled("random", 2, "printed", printed_wrong[0]),
        Sampled("all ones", 4, "printed", printed_wrong[1]),
        Sampled("all ones", 4, "corrected", 0),
    )
    return ExactResult(made, sampled, Shapes(S, TENT, TENT, TENT), 4, 100)


def test_a_construction_is_called_exact_only_if_every_proof_says_so():
    result = result_of()
    assert plain(outcome(result, "corrected")).startswith("The corrected one is exact for all")
    assert "fails at 1 of 1 dimension, each time for the mask of all ones" in plain(
        outcome(result, "printed")
    )
    elsewhere = result_of(proof("printed", at_ones=False), proof("corrected"), proof("compact"))
    assert plain(outcome(elsewhere, "printed")) == "The printed one fails at 1 of 1 dimension. "
    assert proved(result) == (
        "corrected and narrowest exact; printed false for the mask of all ones alone, at the input "
        "of all ones"
    )
    assert "printed false at 1 value of d" in proved(elsewhere)


def test_the_value_at_ones_is_given_where_it_was_proved_wrong_alone():
    assert plain(value_at_ones(result_of())) == "At d = 4 it says −1 there where 1 is due. "
    right = result_of(proof("printed", exact=True), proof("corrected"), proof("compact"))
    assert value_at_ones(right) == ()
    first = account(result_of())[0]
    assert isinstance(first, Paragraph)
    said = plain(first.text)
    # "it" is the construction that the sentence before is about
    assert said.index("The printed one") < said.index("it says") < said.index("The corrected one")


def test_passing_for_a_mask_for_which_it_is_right_is_no_miss():
    said = plain(passed_by_sampling(result_of()))
    assert "passes for the random mask, for which it is exact" in said
    assert "all ones" not in said


def test_passing_for_all_ones_is_a_miss_of_the_sample():
    said = plain(passed_by_sampling(result_of(printed_wrong=(1, 0))))
    assert "passes for the mask of all ones as well, for which it is false" in said


def test_without_a_proof_at_the_sampled_dimension_nothing_is_said_of_it():
    other = result_of(*(proof(variant, d=3) for variant in ("printed", "corrected", "compact")))
    assert passed_by_sampling(other) == ()


@pytest.mark.parametrize(("values", "text"), [
    ([1.0, -1.0, 1.0, -1.0, 1.0], "right everywhere"),
    ([1.0, -1.0, 1.0, -1.0, -1.0], "wrong at s = 4"),
    ([0.0, 0.0, 0.0, -1.0, 1.0], "wrong"),
])  # fmt: skip
def test_where_a_construction_is_wrong_follows_its_values(values, text):
    result = result_of()
    shapes = replace(result.shapes, printed=np.interp(S, range(5), values))
    assert where_wrong(replace(result, shapes=shapes), "printed") == text


def test_the_account_counts_its_masks():
    assert basis(result_of()).n == "5 masks a construction, each standing for all of its weight"
    assert len(account(result_of())) == 8


def test_units_are_told_where_both_constructions_were_proved_at_the_d_of_the_check():
    said = plain(widths(result_of()))
    assert said.strip() == (
        "For the mask of all ones the compact construction takes 9 units, the corrected one 9."
    )
    assert widths(result_of(proof("corrected"), proof("compact", d=3))) == ()
