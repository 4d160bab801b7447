import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pitfalls.errors import InputError
from pitfalls.experiments.homework import timed
from pitfalls.experiments.image_homework import (
    FAST_SECONDS,
    PROGRAMS,
    SCHEME_SECONDS,
    STEPS,
    QuickWork,
    quick_work,
)
from pitfalls.experiments.image_pace import EXPERIMENT, Pace, PaceConfig, PaceResult
from pitfalls.experiments.image_pace import run as pace_run
from pitfalls.experiments.image_pace.words import account, basis, busy, chosen
from pitfalls.frame import Homework
from pitfalls.frame.experiment import run_experiment
from pitfalls.images.training import train
from pitfalls.prose import plain
from pitfalls.runs import RunStore
from tests.report.forbidden import assert_well_formed, texts_of


def result_of(*paces, threads=2):
    return PaceResult("a processor", threads, 3, paces)


FAST = Pace("fastnet", 24, 250, "float32", 1.0, 1.0)
FASTER = Pace("fastnet", 24, 250, "bfloat16", 0.6, 0.6)
SMALL = Pace("resnet18", 16, 32, "float32", 0.4, 0.4)
SLOWER = Pace("resnet18", 16, 32, "bfloat16", 0.8, 0.8)


def test_steps_of_every_kind_are_timed(monkeypatch, tmp_path):
    monkeypatch.setattr(pace_run, "PACED", (("fastnet", 8, 8),))
    monkeypatch.setattr(pace_run, "has_fast_bfloat16", lambda: True)
    result = run_experiment(
        EXPERIMENT, PaceConfig("a processor", 1, n_steps=1), RunStore(tmp_path)
    ).result
    assert [(p.network, p.precision) for p in result.paces] == [
        ("fastnet", "float32"),
        ("fastnet", "bfloat16"),
    ]
    assert all(p.seconds > 0 and p.cpu_seconds > 0 for p in result.paces)
    for text in texts_of(account(result)):
        assert_well_formed(text)


def test_steps_are_timed_in_one_thread_whatever_the_trainings_take(monkeypatch, tmp_path):
    seen, before = [], torch.get_num_threads()

    def train_and_look(*arguments, **keywords):
        seen.append(torch.get_num_threads())
        return train(*arguments, **keywords)

    monkeypatch.setattr(pace_run, "PACED", (("fastnet", 8, 8),))
    monkeypatch.setattr(pace_run, "train", train_and_look)
    torch.set_num_threads(2)
    try:
        run_experiment(EXPERIMENT, PaceConfig("a processor", 2, n_steps=1), RunStore(tmp_path))
        assert set(seen) == {1}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_an_image_s_time_is_that_of_quiet_cores():
    assert result_of(FAST).named == (("fastnet float32", 1.0 / 2 / 250),)
    busier = Pace("fastnet", 24, 250, "float32", 5.0, 1.0)
    assert result_of(busier).named == result_of(FAST).named


def test_the_faster_precision_is_taken_and_said():
    result = result_of(FAST, FASTER, SMALL, SLOWER)
    work = quick_work(Homework(paces=result.named))
    assert (work.fast_precision, work.precision) == ("bfloat16", "float32")
    assert "bfloat16 for FastNet and float32 for ResNet18" in plain(chosen(result))
    assert "faster precision" not in plain(chosen(result_of(FAST, SMALL)))


def test_other_work_on_the_machine_is_said_only_where_walls_show_it():
    assert busy(result_of(FAST, SMALL)) == ()
    loaded = Pace("fastnet", 24, 250, "float32", 3.0, 1.0)
    assert "3 times" in plain(busy(result_of(loaded, SMALL)))
    assert basis(result_of(FAST)).n == "3 steps a row"


@given(st.floats(1e-6, 1.0), st.floats(1e-6, 1.0))
def test_the_work_keeps_to_its_time_or_is_the_least_there_is(fast, small):
    paces = (("fastnet float32", fast), ("resnet18 float32", small))
    work = quick_work(Homework(paces=paces))
    epochs = sum((side / 24) ** 2 for side in work.image_sizes)
    assert work.image_sizes == PROGRAMS[0] or 50_000 * epochs * fast <= FAST_SECONDS
    assert work.n_steps == STEPS[0] or work.n_steps * 32 * small <= SCHEME_SECONDS + 32 * small
    assert STEPS[0] <= work.n_steps <= STEPS[1]


def test_a_faster_machine_is_never_given_less():
    works = [
        quick_work(Homework(paces=(("fastnet float32", t), ("resnet18 float32", t))))
        for t in np.geomspace(1e-6, 1, 40)
    ]
    assert works == sorted(works, key=lambda w: (-PROGRAMS.index(w.image_sizes), -w.n_steps))
    assert works[0].image_sizes == PROGRAMS[-1]


def test_without_a_timing_the_work_is_the_usual_one():
    assert quick_work(Homework()) == QuickWork()


def test_few_or_small_pictures_need_no_timing_nor_does_the_full_size():
    def refuse(experiment, config):
        raise AssertionError("nothing is to be timed")

    for asked in (Homework("quick", "digits"), Homework("full"), Homework("quick", device="cuda")):
        assert timed(asked, refuse) == asked


def test_what_was_timed_reaches_what_is_asked(monkeypatch):
    result = result_of(FAST, SMALL)
    monkeypatch.setattr(pace_run, "homework", lambda asked: (PaceConfig(),))
    assert timed(Homework(), lambda *_: result).paces == result.named


def test_no_threads_are_refused():
    with pytest.raises(InputError, match="at least 1"):
        PaceConfig(threads=0)
