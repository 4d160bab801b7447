from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitfalls.experiments.image_curves import Clock
from pitfalls.experiments.image_networks import NetworkConfig
from pitfalls.experiments.image_train import TrainRunResult
from pitfalls.experiments.image_train.figures import FIGURES, course
from pitfalls.experiments.image_train.words import (
    account,
    basis,
    beside,
    charts,
    continued,
    fit,
    headline,
    judged,
    kept,
    reached,
    schedule,
    short,
)
from pitfalls.images import SCHEMES, TrainConfig
from pitfalls.plots import draw
from pitfalls.prose import plain
from tests.experiments.image_pictures import pictures
from tests.experiments.image_trainings import training
from tests.report.forbidden import assert_well_formed, texts_of

ALL = {"name": "CIFAR-10", "n_train": 50_000, "n_test": 10_000}


def result_of(made, *, special_end=0.5, decay=0.0, precision="float32", **data):
    config = TrainConfig(weight_decay=decay, precision=precision, flip="none", crop_padding=1)
    return TrainRunResult(
        pictures(**data), NetworkConfig(), config, made, special_end, Clock(1.0, 2.0)
    )


def test_one_cycle_is_compared_with_the_special_scheme_by_its_last_rate():
    said = plain(schedule(result_of(training("one_cycle", train=(0.5,) * 10), special_end=0.49)))
    assert "takes the rate up to 0.099 and down to 0 at the last step" in said
    assert "the special scheme would end at 49 % of its peak" in said
    for other in ("special", "cosine", "constant"):
        assert schedule(result_of(training(other))) == ()
    assert schedule(result_of(training("one_cycle", n_batches=1))) == ()


def test_a_training_with_the_best_scheme_says_how_it_is_stretched():
    def said(scheme, **more):
        made = result_of(training(scheme, train=(0.5, 0.6)), **more)
        return plain(continued(replace(made, from_best=True)))

    assert "its 2th root" not in said("annealed")
    assert "square root" in said("annealed")
    # 13 steps an epoch at 0.99, annealed over two epochs: 0.99 ** 2 a step over one
    assert "and 23 % of that belongs to the first epoch" in said("annealed")
    assert "begins anew" in said("special")
    assert "The rate is the same" in said("constant")
    assert continued(result_of(training("annealed", train=(0.5, 0.6)))) == ()


@pytest.mark.parametrize(
    ("best", "cycle", "says"),
    [
        (0.876, 0.93, "not best in 2 epochs: 5.4 points"),
        (0.93, 0.876, "ahead of it in 2 epochs too, by 5.4 points"),
        (0.93, 0.931, "Chance explains the difference"),
    ],
)
def test_one_cycle_is_held_against_the_scheme_that_was_best_in_one_epoch(best, cycle, says):
    made = result_of(training("annealed", train=(0.5, 0.6), test=best), **ALL)
    cycle_of = training("one_cycle", train=(0.5, 0.7), test=cycle)
    both = replace(made, cycle=cycle_of, cycle_clock=made.clock, from_best=True)
    said = plain(beside(both))
    assert says in said
    assert ("over 90 %" in said) == (cycle > 0.9)
    assert ("below the 90 %" in said) == (cycle < 0.9)
    assert beside(made) == ()
    assert f"by one cycle {100 * cycle:.1f} %" in plain(headline(both))
    for text in texts_of(account(both)):
        assert_well_formed(text, n=1)
    drawn = draw(FIGURES[0], both, ("svg",))
    assert_well_formed(drawn.caption, n=1)
    assert f"test accuracy {100 * cycle:.1f} %" in drawn.alt
    assert len(charts(both)["training-curve"]["panels"][0]["series"]) == 2


def test_a_training_is_called_short_by_the_images_of_cifar10_it_has_seen():
    few = result_of(training(train=(0.5, 0.6)), name="CIFAR-10", n_train=5_000)
    assert "10,000 images seen, 20 % of one epoch" in plain(short(few))
    assert short(result_of(training(train=(0.5,) * 3), **ALL)) == ()
    assert short(result_of(training(train=(0.5,)), name="digits", n_train=100)) == ()


def test_the_promise_of_90_percent_is_spoken_of_only_on_all_of_cifar10():
    assert "over 90 %" in plain(judged(result_of(training(test=0.92), **ALL)))
    assert "below the 90 %" in plain(judged(result_of(training(test=0.8), **ALL)))
    assert "within two standard errors" in plain(judged(result_of(training(test=0.901), **ALL)))
    assert judged(result_of(training(test=0.99), n_classes=2)) == ()
    assert judged(result_of(training(test=0.92), name="CIFAR-10", n_train=800)) == ()


def test_guessing_is_what_always_naming_one_class_reaches():
    assert "naming one class for every image (10.0 %)" in plain(
        judged(result_of(training(test=0.12)))
    )
    assert "naming one class for every image (50.0 %)" in plain(
        judged(result_of(training(test=0.55), n_classes=2))
    )
    far_below = plain(judged(result_of(training(test=0.1), n_classes=2)))
    assert "does not get beyond naming one class for every image (50.0 %)" in far_below
    assert judged(result_of(training(test=0.3))) == ()


def test_a_gap_and_a_rise_are_said_beyond_their_errors_only():
    said = plain(fit(result_of(training(test=0.5, train=(0.6, 0.9)))))
    assert "40 points better on what it trained on" in said
    assert "30 points above the one before" in said
    assert fit(result_of(training(test=0.5, train=(0.51, 0.52)))) == ()
    assert "above the one before" not in plain(fit(result_of(training(test=0.5, train=(0.9,)))))


def test_weight_decay_and_precision_are_said_as_they_were():
    assert "weight decay" not in plain(reached(result_of(training())))
    said = plain(reached(result_of(training(), decay=5e-4, precision="bfloat16")))
    assert "mixed precision, weight decay 0.0005" in said
    assert "after 1 epoch of the special scheme (13 steps on 800 images" in said


def test_which_epoch_s_weights_were_kept_is_said_where_they_were_chosen_of_several():
    made = training(train=(0.3, 0.5, 0.4), validation=0.5, kept_epoch=1)
    said = plain(kept(result_of(made, n_validation=60)))
    assert "those of epoch 2 of 3, which had the lowest loss on 60 validation images" in said
    assert kept(result_of(training(train=(0.3, 0.5), validation=0.5), n_validation=60)) == ()
    assert kept(result_of(training(validation=0.5, kept_epoch=0), n_validation=60)) == ()


def test_a_loss_that_rises_on_the_way_is_not_said_to_fall():
    assert course(np.array([3.0, 2.0, 1.0])) == "falls from 3 to 1"
    assert course(np.array([3.0, 9.0, 1.0])) == "rises from 3 to 9, ends at 1"
    assert course(np.array([1.0, 2.0])) == "rises from 1 to 2"
    assert course(np.array([1.0, 1.0])) == "begins and ends at 1"


def test_the_chart_draws_what_the_figure_draws():
    made = training(n_batches=60)
    panel = charts(result_of(made))["training-curve"]["panels"][0]
    np.testing.assert_allclose(panel["series"][0]["y"], made.smooth_loss, rtol=1e-4)


shares = st.sampled_from([0.0, 0.1, 0.5, 0.9, 0.905, 1.0])
results = st.builds(
    lambda scheme, test, train, held, n_batches, classes, decay, whole: result_of(
        training(scheme, test=test, train=train, validation=held, n_batches=n_batches),
        decay=decay,
        n_classes=classes,
        n_validation=60 if held is not None else 0,
        **(ALL if whole else {}),
    ),
    st.sampled_from(SCHEMES),
    shares,
    st.lists(shares, min_size=1, max_size=4).map(tuple),
    st.none() | shares,
    st.integers(1, 70),
    st.sampled_from([1, 2, 10]),
    st.sampled_from([0.0, 5e-4, 1e-6]),
    st.booleans(),
)


@given(results)
def test_every_result_is_told_without_a_false_or_malformed_sentence(result):
    texts = texts_of(account(result))
    for text in (*texts, basis(result).n, basis(result).spread):
        assert_well_formed(text, n=1)
    whole = " ".join(texts)
    assert ("one-cycle" in whole) <= (result.trained.scheme == "one_cycle")
    assert ("homework" in whole) <= (result.pictures.name == "CIFAR-10")
    assert ("does not get beyond naming one class" in whole) == result.is_guessing
    charts(result)


@pytest.mark.parametrize(
    "made",
    [training(n_batches=1), training("one_cycle", train=(0.2,) * 15), training(validation=0.3)],
)
def test_figures_are_drawn_with_words(made):
    held = 60 if made.validation_accuracies is not None else 0
    drawn = draw(FIGURES[0], result_of(made, n_validation=held), ("svg",))
    assert_well_formed(drawn.caption, n=1)
    assert_well_formed(drawn.alt, n=1)
    assert ("thick" in drawn.caption) == (made.n_steps >= 20)


def test_the_gap_is_that_of_the_epoch_whose_weights_were_tested():
    made = training(train=(0.5, 0.9), validation=0.5, kept_epoch=0, test=0.5)
    assert "better on what it trained on" not in plain(fit(result_of(made, n_test=2000)))
    last = replace(made, kept_epoch=None)
    assert "40 points better on what it trained on" in plain(fit(result_of(last, n_test=2000)))


def test_a_loss_of_ones_own_is_no_cross_entropy():
    result = result_of(training())
    own = replace(result, training=replace(result.training, loss="own.py:focal"))
    assert charts(result)["training-curve"]["panels"][0]["y"].startswith("cross-entropy (nats), ")
    assert charts(own)["training-curve"]["panels"][0]["y"].startswith("loss, ")


def test_pictures_that_are_not_square_are_said_by_height_and_width():
    result = result_of(training())
    wide = replace(result, pictures=replace(result.pictures, shape=(3, 20, 30)))
    assert plain(headline(wide)).endswith("training images, 20 × 30 pixels. ")


def test_what_was_tested_is_said_to_be_of_the_epoch_that_was_kept():
    made = training(train=(0.3, 0.5, 0.4), validation=0.5, kept_epoch=1)
    assert " right after 2 of 3 epochs of 800 training images" in plain(headline(result_of(made)))
    last = replace(made, kept_epoch=None)
    assert " right after 3 epochs of 800 training images" in plain(headline(result_of(last)))
