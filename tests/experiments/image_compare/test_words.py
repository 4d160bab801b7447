from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure as MplFigure

from pitfalls.experiments.image_compare import CompareResult
from pitfalls.experiments.image_compare.figures import FIGURES, most_changed, title
from pitfalls.experiments.image_compare.words import (
    account,
    annealing,
    augmentation,
    basis,
    charts,
    guessing,
    lost,
    ranking,
    rising,
    same_start,
)
from pitfalls.experiments.image_curves import Diverged, Training, smooth
from pitfalls.experiments.image_networks import NetworkConfig
from pitfalls.images import SCHEMES, TrainConfig
from pitfalls.plots import draw
from pitfalls.prose import Table, plain
from tests.experiments.image_pictures import pictures
from tests.experiments.image_trainings import training
from tests.kinds import of_kind
from tests.report.forbidden import assert_well_formed, texts_of


def result_of(*trainings, diverged=(), flip="none", border=1, mirror="", **data):
    names = dict.fromkeys([t.scheme for t in trainings] + [d.scheme for d in diverged])
    seeds = sorted({t.seed for t in trainings} | {d.seed for d in diverged})
    config = TrainConfig(flip=flip, crop_padding=border, seed=seeds[0])
    return CompareResult(
        pictures(**data), NetworkConfig(), config, tuple(names), tuple(seeds), trainings,
        tuple(diverged), mirror,
    )  # fmt: skip


APART = (training("constant", test=0.2), training("annealed", test=0.6))
CLOSE = (training("constant", test=0.50), training("annealed", test=0.51))


def test_a_winner_is_named_only_beyond_chance_which_is_said():
    said = plain(ranking(result_of(*APART)))
    assert "The annealed scheme ends first with 60.0 %, before constant with 20.0 %" in said
    assert "further away than chance explains on 512 test images (95 %)" in said
    assert "one start says nothing of other starts" in said
    assert "does not decide" in plain(ranking(result_of(*CLOSE)))
    assert title(result_of(*CLOSE)) == "No clear winner: 51.0 % at best"
    assert title(result_of(*APART)) == "annealed ends ahead: 60.0 %"


def test_one_scheme_alone_is_neither_first_nor_last_and_shares_its_start_with_none():
    alone = result_of(training("constant", test=0.5))
    assert ranking(alone) == same_start(alone) == annealing(alone) == rising(alone) == ()
    assert title(alone) == "constant: 50.0 %"
    assert most_changed(alone) == "The rate ends as it began"


def test_a_reversed_list_of_schemes_gives_the_same_ranking():
    there, back = result_of(*APART), result_of(*reversed(APART))
    assert ranking(there) == ranking(back)
    assert [row.scheme for row in back.rows] == ["annealed", "constant"]


def test_equal_accuracies_have_no_winner():
    equal = result_of(training("constant", test=0.5), training("special", test=0.5))
    assert "does not decide" in plain(ranking(equal))


def test_a_spread_over_starts_counts_beside_the_counting():
    steady = [training(s, k, test=0.5 + 0.1 * (s == "special")) for s in ("constant", "special")
              for k in range(3)]  # fmt: skip
    assert "ends first" in plain(ranking(result_of(*steady)))
    wild = [training("constant", k, test=0.5) for k in range(3)]
    wild += [training("special", k, test=t) for k, t in enumerate((0.9, 0.2, 0.7))]
    said = plain(ranking(result_of(*wild)))
    assert "does not decide" in said
    assert "by the spread over the starts" in said


def test_schemes_are_compared_over_the_seeds_of_both():
    left = [training("constant", 0, test=0.9), training("special", 1, test=0.3)]
    gone = [Diverged("constant", 1, "step 3"), Diverged("special", 0, "step 4")]
    said = plain(ranking(result_of(*left, diverged=gone)))
    assert "does not decide" in said


def test_only_the_annealed_scheme_is_said_to_multiply_at_every_step():
    said = plain(annealing(result_of(*APART)))
    assert "multiplies its rate by 0.99 at every step: the last of 13 steps has 0.89" in said
    assert annealing(result_of(training("cosine"), training("linear"))) == ()
    assert annealing(result_of(training("annealed", n_batches=1))) == ()


def test_a_rate_only_rises_where_it_never_fell():
    assert "Within 1 epoch the rate of special only rises" in plain(rising(result_of(training())))
    assert (
        rising(result_of(training(train=(0.2,) * 8))) == ()
    )  # special comes down from epoch 5.5 on
    assert rising(result_of(training("constant"), training("cosine"))) == ()
    assert rising(result_of(training(n_batches=1))) == ()


def test_guessing_is_what_always_naming_one_class_reaches():
    assert "within three standard errors" in plain(guessing(result_of(training(test=0.11))))
    assert guessing(result_of(training(test=0.3))) == ()
    # of two classes one half is guessing
    assert guessing(result_of(training(test=0.52), n_classes=2)) != ()


def test_what_diverged_is_counted_and_has_its_row():
    gone = [Diverged("annealed", 123, "the loss is nan at step 3")]
    result = result_of(training("constant"), diverged=gone)
    assert plain(lost(result)) == "Diverged: 1 of 1 training with the annealed scheme. "
    assert lost(result_of(*APART)) == ()
    shown = next(block for block in account(result) if isinstance(block, Table))
    assert [plain(cell) for cell in shown.rows[1]][:3] == ["annealed", "diverged", "–"]
    assert "1 training diverged" in draw(FIGURES[0], result, ()).caption


def test_mirroring_is_said_only_where_it_was_done():
    for flip, said in (
        ("none", "but not mirrored"),
        ("random", "and mirrored at random, half"),
        ("alternating", "mirrored at random once and then in every other epoch"),
    ):
        assert said in plain(augmentation(result_of(training(), flip=flip)))
    assert "a border of 1 pixel was" in plain(augmentation(result_of(training())))
    bare = plain(augmentation(result_of(training(), border=0)))
    assert "are not cropped and not mirrored." in bare
    told = plain(augmentation(result_of(training(), mirror="the classes are letters or signs")))
    assert told.endswith("not mirrored: the classes are letters or signs. ")


def test_the_images_that_decide_have_one_name_in_table_ranking_and_figure():
    for validation, name in ((None, "test"), (0.4, "validation")):
        made = [training(s, validation=validation) for s in ("constant", "special")]
        result = result_of(*made, n_validation=200 if validation else 0)
        shown = next(block for block in account(result) if isinstance(block, Table))
        assert plain(shown.header[3]) == f"{name.capitalize()} accuracy"
        assert f"{name} images" in plain(ranking(result))
        assert f"{name} images" in draw(FIGURES[0], result, ()).caption
        assert result.rows[0].held_out == (0.5 if validation is None else 0.4)


def test_page_and_figure_smooth_the_same_curve_by_one_function():
    made = training(n_batches=60)
    panel = charts(result_of(made))["training-curves"]["panels"][0]
    np.testing.assert_allclose(panel["series"][0]["y"], smooth(made.loss), rtol=1e-4)
    assert panel["y"] == "cross-entropy (nats), mean of 6 steps"
    short = charts(result_of(training(n_batches=5)))["training-curves"]["panels"][0]
    assert short["y"] == "cross-entropy (nats), single steps"


def test_smoothing_is_the_mean_of_the_last_steps():
    values = np.random.default_rng(0).normal(size=50)
    expected = [values[max(k - 4, 0) : k + 1].mean() for k in range(50)]
    np.testing.assert_allclose(smooth(values), expected, atol=1e-14)
    np.testing.assert_array_equal(smooth(values[:15]), values[:15])
    values[3] = 1e25  # a spike does not take the digits of what comes after it
    np.testing.assert_allclose(smooth(values)[8:], expected[8:], rtol=1e-12)


def test_the_axis_names_a_mean_only_where_one_is_drawn():
    for n_batches, label in (
        (13, "cross-entropy [nats]"),
        (40, "cross-entropy [nats], mean of 4 steps"),
    ):
        drawn = FIGURES[0].draw(result_of(training(n_batches=n_batches)))
        figure = of_kind(MplFigure, drawn.figure)
        assert figure.axes[0].get_ylabel() == label
        plt.close(figure)


def test_the_scheme_named_is_the_one_whose_rate_changed_most():
    rates = result_of(
        training("constant"), training("annealed", n_batches=459), training("special")
    )
    assert most_changed(rates) == "annealed: the rate falls 100-fold"
    assert most_changed(result_of(training("special"))).startswith("special: the rate rises to 0.0")
    both = result_of(training("constant"), training("constant", 124))
    assert most_changed(both) == "The rate ends as it began"


schemes = st.lists(st.sampled_from(SCHEMES), min_size=1, max_size=4, unique=True)
shares = st.sampled_from([0.0, 0.1, 0.5, 0.503, 0.8, 1.0])


@st.composite
def results(drawn):
    names, n = drawn(schemes), drawn(st.integers(1, 3))
    epochs, n_batches = drawn(st.integers(1, 3)), drawn(st.integers(1, 60))
    held = drawn(st.booleans())
    trainings: list[Training] = []
    diverged: list[Diverged] = []
    for seed in range(n):
        for name in names:
            if drawn(st.integers(0, 4)) == 0 and (trainings or (seed, name) != (n - 1, names[-1])):
                diverged.append(Diverged(name, seed, "the loss is nan at step 3"))
                continue
            made = training(
                name, seed, test=drawn(shares), train=(drawn(shares),) * epochs,
                validation=drawn(shares) if held else None, n_batches=n_batches,
            )  # fmt: skip
            trainings.append(made)
    return result_of(
        *trainings, diverged=diverged, flip=drawn(st.sampled_from(["none", "random", "alternating"])),
        border=drawn(st.sampled_from([0, 1, 4])), n_classes=drawn(st.sampled_from([1, 2, 10])),
        n_train=drawn(st.sampled_from([20, 800])), n_test=drawn(st.sampled_from([10, 512])),
        n_validation=60 if held else 0,
    )  # fmt: skip


@given(results())
def test_every_result_is_told_without_a_false_or_malformed_sentence(result):
    n = len(result.seeds)
    texts = [*texts_of(account(result)), title(result), most_changed(result)]
    for text in (*texts, basis(result).n, basis(result).spread):
        assert_well_formed(text, n=n)
    whole = " ".join(texts)
    assert ("multiplies its rate" in whole) <= any(row.scheme == "annealed" for row in result.rows)
    assert ("ends first" in whole) <= (len(result.rows) > 1 and not result.tied)
    assert ("mirrored at random" in whole) == (result.training.flip != "none")
    assert ("iverged" in whole) == bool(result.diverged)
    if len(result.rows) == 1:
        assert "all schemes" not in whole
    charts(result)


@pytest.mark.parametrize("seed", range(4))
def test_figures_of_odd_results_are_drawn_with_words(seed):
    rng = np.random.default_rng(seed)
    names = rng.permutation(SCHEMES)[: seed + 1]
    made = [
        training(str(s), k, n_batches=1 + 20 * seed) for k in range(1 + seed % 2) for s in names
    ]
    drawn = draw(FIGURES[0], result_of(*made), ("svg",))
    assert_well_formed(drawn.caption)
    assert_well_formed(drawn.alt)


def test_a_network_far_below_one_class_is_not_called_like_it():
    said = plain(guessing(result_of(training(test=0.1), n_classes=2)))
    assert "does not get beyond naming one class for every image (50.0 %)" in said


def test_a_rate_that_is_warmed_up_is_not_said_to_be_multiplied_by_the_ratio_of_two_steps():
    warmed = result_of(training("annealed"))
    warmed = replace(warmed, training=replace(warmed.training, warmup=0.5))
    assert annealing(warmed) == ()


def test_parts_of_ones_own_that_images_pass_through_are_named():
    result = result_of(training())
    own = replace(result.training, transforms=("crop", "my/own.py:mixup"))
    said = plain(augmentation(replace(result, training=own)))
    assert said.endswith("not mirrored; they pass through my/own.py:mixup as well. ")


@pytest.mark.parametrize("name", ['a.py:x` $#panic("no")$ `', "a{b}.py:x", "a*b*.py:x"])
def test_the_name_of_a_scheme_is_text_whatever_it_holds(name):
    result = result_of(training("constant", test=0.2), training("annealed", test=0.6))
    schemes = tuple(name if s == "annealed" else s for s in result.schemes)
    trainings = tuple(
        replace(t, scheme=name) if t.scheme == "annealed" else t for t in result.trainings
    )
    renamed = replace(result, schemes=schemes, trainings=trainings)
    spans = ranking(renamed)
    assert name in [span.text for span in spans if span.kind == "code"]
    assert not [span for span in spans if span.kind == "math"]
    assert account(renamed)


def test_trainings_that_ended_after_unequal_epochs_are_drawn_and_counted():
    made = [training("constant", 0, train=(0.5,) * 3), training("constant", 1, train=(0.5,) * 5)]
    result = result_of(*made)
    shown = next(block for block in account(result) if isinstance(block, Table))
    row = dict(zip(map(plain, shown.header), map(plain, shown.rows[0]), strict=True))
    assert (row["Epochs"], row["Steps"]) == ("3 to 5", "39 to 65")
    drawn = FIGURES[0].draw(result)
    assert "3 to 5 epochs, 2 starts a scheme" in drawn.caption
    figure = of_kind(MplFigure, drawn.figure)
    mean = figure.axes[0].lines[-1]
    expected = [(made[0].smooth_loss[k] + made[1].smooth_loss[k]) / 2 for k in range(39)]
    np.testing.assert_allclose(np.asarray(mean.get_ydata(), dtype=float), expected)
    plt.close(figure)


def test_a_loss_of_ones_own_is_no_cross_entropy():
    result = result_of(training())
    own = replace(result, training=replace(result.training, loss="own.py:focal"))
    assert charts(own)["training-curves"]["panels"][0]["y"] == "loss, single steps"
    drawn = FIGURES[0].draw(own)
    figure = of_kind(MplFigure, drawn.figure)
    assert figure.axes[0].get_ylabel() == "loss"
    plt.close(figure)


def test_pictures_that_are_not_square_are_said_by_height_and_width():
    result = result_of(training())
    wide = replace(result, pictures=replace(result.pictures, shape=(3, 20, 30)))
    shown = next(block for block in account(wide) if isinstance(block, Table))
    assert "training images of 20 × 30 pixels, " in plain(shown.caption)
