from dataclasses import replace

import numpy as np
import pytest

from pitfalls.errors import InputError
from pitfalls.experiments.diagnosis_labs import EXPERIMENT, LabsConfig
from pitfalls.frame import Homework
from pitfalls.frame.experiment import run_experiment
from pitfalls.prose import plain
from pitfalls.runs import RunStore


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return run_experiment(
        EXPERIMENT, LabsConfig(), RunStore(tmp_path_factory.mktemp("runs"))
    ).result


def test_the_cards_say_of_the_labs_networks_what_the_labs_prove(result):
    assert [(card.question, card.verdict) for card in result.cards] == [
        ("signal", "labels seen"),
        ("signal", "labels not seen"),
        ("units", "alive"),
        ("units", "vanishing-gradient"),
        ("saddle", "saddle"),
        ("capacity", "cannot-memorise"),
        ("schedule", "learns"),
        ("schedule", "rate-too-low"),
    ]
    assert all(card.held for card in result.cards)


def test_where_the_lab_has_an_exact_number_the_card_has_it_too(result):
    exact = [card for card in result.cards if np.isfinite(card.exact)]
    assert {card.question for card in exact} == {"saddle", "capacity"}
    for card in exact:
        assert card.number == pytest.approx(card.exact, rel=1e-6)


def test_the_table_and_its_sentence_are_told(result):
    from pitfalls.experiments.diagnosis_labs.words import cards, witnesses

    assert len(cards(result).rows) == 8
    said = plain(witnesses(result))
    assert "8 of 8 witnesses held" in said
    assert "does not tell a parity from noise" in said


def test_the_homework_asks_once_and_bad_settings_are_refused():
    (quick,) = EXPERIMENT.homework(Homework(seed=4))
    (full,) = EXPERIMENT.homework(Homework("full", seed=4))
    assert (quick.seed, quick.budget < full.budget) == (4, True)
    with pytest.raises(InputError, match="budget"):
        LabsConfig(budget=0.0)


def test_a_card_without_a_witness_is_not_counted_as_one_that_held(result):
    from pitfalls.experiments.diagnosis_labs.words import witnesses

    first, *rest = result.cards
    without = replace(result, cards=(replace(first, held=None), *rest))
    assert "7 of 7 witnesses held" in plain(witnesses(without))
    nothing = replace(result, cards=tuple(replace(card, held=None) for card in result.cards))
    assert witnesses(nothing) == ()


def test_the_cards_leave_as_a_table(result):
    columns = result.table()
    assert columns["verdict"] == [card.verdict for card in result.cards]
    assert columns["number"] == [card.number for card in result.cards]
