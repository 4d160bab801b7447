import pickle

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pitfalls.errors import InputError
from pitfalls.images.training.schedules import (
    SCHEMES,
    annealed_schedule,
    constant_schedule,
    cosine_schedule,
    linear_schedule,
    never_moves,
    one_cycle_schedule,
    schedule,
    special_schedule,
)


def starter_special(epochs, t, peak=0.1, final=0.005, extra=5):
    """The homework's formula, branch by branch."""
    e = epochs + 3
    if t < e / 2:
        return 2 * peak * (1 - (e - t) / e)
    if t <= e:
        return final + 2 * (peak - final) * (e - t) / e
    if t <= e + extra:
        return final * (extra - (t - e)) / extra
    return final / 10


@given(st.integers(1, 40), st.integers(0, 60), st.integers(0, 390))
def test_special_is_the_homeworks_formula(epochs, epoch, batch):
    got = special_schedule(epochs)(0.3, epoch, batch, 391)
    assert got == pytest.approx(starter_special(epochs, epoch + batch / 391), abs=1e-15)


def test_special_ends_its_tail_at_zero_and_stays_at_a_tenth_of_the_final_rate_after_it():
    rate = special_schedule(7, peak=0.4, final=0.02)  # E = 10, the tail ends at 15
    assert rate(0, 10, 0, 8) == 0.02
    assert rate(0, 15, 0, 8) == 0.0
    assert rate(0, 15, 1, 8) == 0.002


def test_one_epoch_of_special_sees_only_the_rise():
    rate = special_schedule(epochs=1)
    rates = [rate(0, 0, b, 391) for b in range(391)]
    assert rates == sorted(rates)
    assert rates[0] == 0
    assert rates[-1] < 0.05


def test_annealed_multiplies_the_previous_rate_at_every_step():
    rate, value = annealed_schedule(), 0.01
    for batch in range(391):
        value = rate(value, 0, batch, 391)
    assert value == pytest.approx(0.01 * 0.99**391)


def test_constant_forgets_the_previous_rate():
    assert constant_schedule()(0.7, 3, 5, 10) == 0.001


@given(st.floats(0.5, 50), st.floats(1e-4, 10), st.floats(0, 0.9), st.floats(0, 1))
def test_cycles_stay_between_their_ends_and_peak(epochs, peak, warmup, share):
    t = share * epochs
    for rate in (one_cycle_schedule(epochs, peak, warmup), cosine_schedule(epochs, peak)):
        value = rate(0.0, int(t), round((t % 1) * 1000), 1000)
        assert -1e-12 <= value <= peak * (1 + 1e-12)


def test_one_cycle_peaks_after_its_rise_and_ends_at_its_end():
    rate = one_cycle_schedule(10, 0.4, warmup=0.25, final=0.001)
    assert rate(0, 2, 50, 100) == pytest.approx(0.4)
    assert rate(0, 0, 0, 100) == 0
    assert rate(0, 10, 0, 100) == pytest.approx(0.001)
    assert rate(0, 99, 0, 100) == pytest.approx(0.001)


@pytest.mark.parametrize("name", SCHEMES)
def test_every_scheme_is_built_by_name_and_takes_its_rate(name):
    assert schedule(name, 4)(0.01, 1, 5, 10) >= 0
    assert schedule(name, 4, 0.5)(0.01, 1, 5, 10) != schedule(name, 4, 0.25)(0.01, 1, 5, 10)


@pytest.mark.parametrize(
    "make",
    [
        lambda: constant_schedule(0),
        lambda: constant_schedule(float("inf")),
        lambda: annealed_schedule(-1),
        lambda: special_schedule(0),
        lambda: one_cycle_schedule(3, warmup=1.0),
        lambda: cosine_schedule(0),
        lambda: schedule("stepped", 1),
        lambda: special_schedule(5, ramp=-5),
        lambda: special_schedule(5, final=float("nan")),
        lambda: special_schedule(5, final=-0.1),
        lambda: special_schedule(5, extra=0),
        lambda: cosine_schedule(5, final=float("nan")),
        lambda: linear_schedule(5, final=float("inf")),
        lambda: one_cycle_schedule(5, final=-1.0),
        lambda: one_cycle_schedule(5, warmup=float("nan")),
        lambda: constant_schedule("fast"),  # type: ignore[arg-type]
        lambda: one_cycle_schedule(0),
        lambda: one_cycle_schedule(5, peak=0.0),
        lambda: linear_schedule(5, peak=-0.1),
    ],
)
def test_settings_without_meaning_are_refused(make):
    with pytest.raises(InputError):
        make()


@pytest.mark.parametrize("name", SCHEMES)
def test_a_pickled_schedule_gives_the_same_rates(name):
    rate = schedule(name, 4, 0.5)
    again = pickle.loads(pickle.dumps(rate))
    steps = [(0.01, epoch, batch, 10) for epoch in range(12) for batch in range(10)]
    assert [again(*step) for step in steps] == [rate(*step) for step in steps]


@given(st.integers(1, 9), st.integers(1, 30), st.floats(0, 0.9), st.floats(0, 0.01))
def test_the_last_step_of_one_cycle_has_the_final_rate(epochs, n_batches, warmup, final):
    rate = one_cycle_schedule(epochs, 0.4, warmup, final)
    assert rate(0, epochs - 1, n_batches - 1, n_batches) == final


def torch_rates(make, n_steps):
    """The rates that one of PyTorch's schedulers gives to the steps of a run."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.4)
    scheduler, rates = make(optimizer), []
    for _ in range(n_steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


PEERS = {
    "linear": (
        linear_schedule(5, 0.4, final=0.04),
        lambda o: torch.optim.lr_scheduler.LinearLR(o, 1.0, 0.1, total_iters=50),
    ),
    "cosine": (
        cosine_schedule(5, 0.4, final=0.04),
        lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 50, eta_min=0.04),
    ),
    "annealed": (
        annealed_schedule(0.9),
        lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.9),
    ),
    # theirs counts the rise from step 0 to step pct·n − 1, ours in time: no rise, no difference
    "one_cycle": (
        one_cycle_schedule(5, 0.4, warmup=0.0, final=0.004),
        lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda k: 1 - 0.99 * k / 49),
    ),
}


@pytest.mark.parametrize("name", PEERS)
def test_rates_are_those_of_pytorchs_scheduler(name):
    ours, theirs = PEERS[name]
    previous, rates = 0.4 / 0.9 if name == "annealed" else 0.01, []
    for step in range(50):
        previous = ours(previous, *divmod(step, 10), 10)
        rates.append(previous)
    assert rates == pytest.approx(torch_rates(theirs, 50), rel=1e-9)


@pytest.mark.parametrize(("scheme", "idle"), [("special", 1), ("one_cycle", 1), ("constant", 0)])
def test_a_run_of_one_step_never_moves_under_a_schedule_that_begins_at_zero(scheme, idle):
    assert never_moves(schedule(scheme, 1), epochs=1, n_batches=1) == bool(idle)
    assert not never_moves(schedule(scheme, 1), epochs=1, n_batches=3)
    assert not never_moves(schedule(scheme, 2), epochs=2, n_batches=2)
