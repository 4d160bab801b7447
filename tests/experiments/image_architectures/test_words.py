from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitfalls.experiments.image_architectures import ArchitecturesResult, Candidate
from pitfalls.experiments.image_architectures.figures import FIGURES, title
from pitfalls.experiments.image_architectures.records import Lost
from pitfalls.experiments.image_architectures.words import (
    account,
    basis,
    bought,
    charts,
    guessing,
    hidden,
    lost,
    same,
)
from pitfalls.images import TrainConfig
from pitfalls.plots import draw
from pitfalls.prose import Table, plain
from tests.experiments.image_pictures import pictures
from tests.experiments.image_trainings import training
from tests.report.forbidden import assert_well_formed, texts_of

KINDS = {
    "resnet18": Candidate("resnet18", "ResNet18", 5_205_962, True),
    "fastnet": Candidate("fastnet", "FastNet", 1_000, True),
    "mlp": Candidate("mlp", "multilayer perceptron", 20_000, False),
    "linear": Candidate("linear", "linear network", 1, False),
    "vit": Candidate("vit", "patch transformer", 30_000, False),
}


def result_of(scores, *, gone=(), validation=None, n_seeds=1, **data):
    """Return a result with a list of scores, one a seed, for each network."""
    pairs = [
        (name, training("one_cycle", seed, test=score, validation=validation))
        for name, found in scores.items()
        for seed, score in enumerate(found)
    ]
    names = list(dict.fromkeys([*scores, *gone]))
    return ArchitecturesResult(
        pictures=pictures(**data),
        training=TrainConfig(scheme="one_cycle"),
        candidates=tuple(KINDS[name] for name in names),
        seeds=tuple(range(n_seeds)),
        trained=tuple(name for name, _ in pairs),
        trainings=tuple(made for _, made in pairs),
        cpu_seconds=tuple(1.0 + k for k in range(len(pairs))),
        lost=tuple(Lost(name, 0, "step 3") for name in gone),
    )


def test_a_convolution_buys_what_the_best_with_it_is_ahead_of_the_best_without():
    apart = result_of({"fastnet": [0.8], "resnet18": [0.7], "mlp": [0.5], "linear": [0.4]})
    said = plain(bought(apart))
    assert "FastNet is best with 80.0 % (1,000 parameters)" in said
    assert "of those without multilayer perceptron with 50.0 % (20,000 parameters)" in said
    assert "a convolution buys 30 points, more than chance explains" in said
    assert "one start says nothing of other starts" in said
    assert title(apart) == "A convolution buys 30 points"


def test_networks_without_convolutions_that_are_ahead_are_said_to_be():
    back = result_of({"fastnet": [0.4], "vit": [0.7]})
    assert "the networks without are ahead, by 30 points" in plain(bought(back))
    assert title(back) == "Without convolutions 30 points more"


def test_a_difference_within_its_error_buys_nothing():
    close = result_of({"fastnet": [0.51], "mlp": [0.50]})
    assert "this comparison does not decide" in plain(bought(close))
    assert title(close) == "Convolutions: no clear difference"
    wild = result_of({"fastnet": [0.9, 0.2, 0.7], "mlp": [0.5, 0.5, 0.5]}, n_seeds=3)
    assert "does not decide" in plain(bought(wild))
    assert "by the spread over the starts" in plain(bought(wild))


def test_one_kind_alone_says_nothing_of_convolutions():
    for scores in ({"mlp": [0.6], "linear": [0.4]}, {"fastnet": [0.6], "resnet18": [0.4]}):
        assert bought(result_of(scores)) == ()
        assert title(result_of(scores)) == "2 networks, one schedule"


def test_hidden_layers_are_spoken_of_where_linear_network_and_perceptron_are_both_there():
    assert "worth 20 points over the linear" in plain(
        hidden(result_of({"mlp": [0.6], "linear": [0.4]}))
    )
    assert "20 points ahead of the perceptron" in plain(
        hidden(result_of({"mlp": [0.4], "linear": [0.6]}))
    )
    assert "not told apart" in plain(hidden(result_of({"mlp": [0.4], "linear": [0.4]})))
    assert hidden(result_of({"mlp": [0.6], "vit": [0.4]})) == ()
    assert hidden(result_of({"mlp": [0.6]}, gone=["linear"])) == ()


def test_one_network_shares_its_schedule_with_none():
    assert same(result_of({"mlp": [0.5]})) == ()
    assert "tuned for none of them" in plain(same(result_of({"mlp": [0.5], "vit": [0.5]})))


def test_guessing_and_lost_networks_are_named():
    for test in (0.11, 0.02):  # far below it is no likeness
        said = plain(guessing(result_of({"linear": [test]})))
        assert "linear network does not get beyond naming one class for every image" in said
    assert guessing(result_of({"linear": [0.3]})) == ()
    result = result_of({"linear": [0.3]}, gone=["vit"])
    assert plain(lost(result)) == "Diverged: 1 training of patch transformer. "
    assert lost(result_of({"linear": [0.3]})) == ()


def test_the_validation_images_decide_where_there_are_some():
    result = result_of({"mlp": [0.9], "fastnet": [0.1]}, validation=0.4, n_validation=200)
    shown = next(block for block in account(result) if isinstance(block, Table))
    assert plain(shown.header[5]) == "Validation accuracy"
    assert {row.held_out for row in result.rows} == {0.4}


shares = st.sampled_from([0.0, 0.1, 0.45, 0.5, 0.9, 1.0])


@given(
    st.integers(1, 3).flatmap(
        lambda n: st.dictionaries(
            st.sampled_from(sorted(KINDS)), st.lists(shares, min_size=n, max_size=n), min_size=1
        ).map(lambda scores: result_of(scores, n_seeds=n))
    )
)
def test_every_result_is_told_without_a_malformed_sentence(result):
    texts = texts_of(account(result))
    for text in (*texts, basis(result).n, basis(result).spread):
        assert_well_formed(text, n=len(result.seeds))
    whole = " ".join(texts)
    kinds = {row.candidate.convolves for row in result.rows}
    assert ("convolution buys" in whole) <= (kinds == {True, False})
    assert charts(result) == {}


@pytest.mark.parametrize("scores", [{"mlp": [0.5]}, {"mlp": [0.5, 0.6], "fastnet": [0.7, 0.8]}])
def test_the_figure_is_drawn_with_its_words(scores):
    drawn = draw(FIGURES[0], result_of(scores, n_seeds=len(scores["mlp"])), ("svg",))
    assert_well_formed(drawn.caption, n=len(scores["mlp"]))
    assert_well_formed(drawn.alt, n=len(scores["mlp"]))


def test_trainings_that_ended_after_unequal_epochs_are_drawn_and_counted():
    made = result_of({"mlp": [0.5, 0.6]}, n_seeds=2)
    uneven = replace(
        made,
        trainings=(
            training("one_cycle", 0, train=(0.5,) * 2),
            training("one_cycle", 1, train=(0.5,) * 4),
        ),
    )
    shown = next(block for block in account(uneven) if isinstance(block, Table))
    assert "2 to 4 epochs of the scheme one_cycle" in plain(shown.caption)
    drawn = draw(FIGURES[0], uneven, ("svg",))
    assert_well_formed(drawn.caption, n=2)
