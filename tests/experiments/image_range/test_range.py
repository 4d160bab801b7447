import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitfalls.errors import InputError
from pitfalls.experiments.image_networks import NetworkConfig
from pitfalls.experiments.image_range import EXPERIMENT, RangeConfig, RangeResult
from pitfalls.experiments.image_range.figures import FIGURES, title
from pitfalls.experiments.image_range.words import account, basis, recommended
from pitfalls.experiments.image_source import find_images
from pitfalls.frame.experiment import run_experiment
from pitfalls.images import DataConfig, TrainConfig
from pitfalls.plots import draw
from pitfalls.prose import plain
from pitfalls.runs import RunStore
from tests.experiments.image_pictures import pictures
from tests.report.forbidden import assert_well_formed, texts_of

SMALL = NetworkConfig("fastnet", (8, 8, 8))


@pytest.fixture(scope="module")
def source():
    return find_images(DataConfig("digits", subset_train=200, subset_val=60, validation=40))


@pytest.fixture(scope="module")
def ranged(source, tmp_path_factory):
    config = RangeConfig(source, SMALL, start=0.01, stop=1000.0, steps=60)
    return run_experiment(EXPERIMENT, config, RunStore(tmp_path_factory.mktemp("runs"))).result


def test_a_range_test_is_saved(ranged):
    assert ranged.rates.shape == ranged.losses.shape == ranged.smoothed.shape == (60,)
    assert 0.01 < ranged.steepest <= ranged.lowest < 1000.0
    assert ranged.undecided == ""
    assert ranged.training.flip == "none"  # what auto means for digits


def test_the_figure_says_what_the_words_say(ranged):
    drawn = draw(FIGURES[0], ranged, ("svg",))
    assert len(drawn.files["svg"]) > 1000
    assert "on digits" in drawn.alt
    assert plain(recommended(ranged)).strip() in drawn.caption


def test_a_range_without_a_rate_is_drawn_and_says_so(source, tmp_path):
    config = RangeConfig(source, SMALL, steps=5, stop=0.1)
    result = run_experiment(EXPERIMENT, config, RunStore(tmp_path)).result
    assert result.steepest is None
    assert title(result) == "The range shows no rate to recommend"
    caption = draw(FIGURES[0], result, ()).caption
    assert f"there is no rate to recommend: {result.undecided}." in caption


@pytest.mark.parametrize(
    "bad", [{"start": 0.0}, {"start": 2.0, "stop": 1.0}, {"stop": float("inf")}, {"steps": 2}]
)
def test_ranges_without_meaning_are_refused(source, bad):
    with pytest.raises(InputError, match="RangeConfig"):
        RangeConfig(source, **bad)


results = st.builds(
    lambda n, low, high, found, why, diverged: RangeResult(
        pictures(n_classes=2),
        SMALL,
        TrainConfig(),
        np.geomspace(low, high, n),
        np.linspace(2.3, 1.0, n),
        np.linspace(2.3, 1.0, n),
        None if why else found,
        None if why else 2 * found,
        why,
        diverged,
    ),
    st.integers(3, 40),
    st.sampled_from([1e-7, 1e-5, 0.01]),
    st.sampled_from([0.1, 10.0, 1000.0]),
    st.floats(1e-6, 100),
    st.sampled_from(["", "", "the loss falls by no more than its noise"]),
    st.booleans(),
)


@given(results)
def test_every_result_is_told_and_a_rate_only_where_one_is_shown(result):
    for text in (*texts_of(account(result)), title(result), basis(result).n):
        assert_well_formed(text, n=1)
    said = plain(recommended(result))
    assert ("a peak rate to try" in said) == (result.steepest is not None)
    assert ("no rate to recommend" in said) == (result.steepest is None)
    assert ("bursts" in said) <= result.diverged


def test_the_command_s_help_needs_no_torch():
    code = (
        "import sys; import pitfalls.experiments.image_range.command as c;"
        "assert not {'torch', 'matplotlib', 'numba', 'sklearn'} & set(sys.modules), sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_adamw_needs_no_rate_where_the_rates_are_the_test_s_own(source, tmp_path):
    training = replace(RangeConfig(source).training, optimizer="adamw", flip="none")
    config = RangeConfig(source, NetworkConfig("linear"), training, steps=5)
    result = run_experiment(EXPERIMENT, config, RunStore(tmp_path)).result
    assert len(result.rates) == 5
