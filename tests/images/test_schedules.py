import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitfalls.errors import InputError
from pitfalls.images.schedules import (
    SCHEMES,
    annealed,
    constant,
    cosine,
    one_cycle,
    schedule,
    special,
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
    got = special(epochs)(0.3, epoch, batch, 391)
    assert got == pytest.approx(starter_special(epochs, epoch + batch / 391), abs=1e-15)


def test_one_epoch_of_special_sees_only_the_rise():
    rate = special(epochs=1)
    rates = [rate(0, 0, b, 391) for b in range(391)]
    assert rates == sorted(rates)
    assert rates[0] == 0
    assert rates[-1] < 0.05


def test_annealed_multiplies_the_previous_rate_at_every_step():
    rate, value = annealed(), 0.01
    for batch in range(391):
        value = rate(value, 0, batch, 391)
    assert value == pytest.approx(0.01 * 0.99**391)


def test_constant_forgets_the_previous_rate():
    assert constant()(0.7, 3, 5, 10) == 0.001


@given(st.floats(0.5, 50), st.floats(1e-4, 10), st.floats(0, 0.9), st.floats(0, 1))
def test_cycles_stay_between_their_ends_and_peak(epochs, peak, warmup, share):
    t = share * epochs
    for rate in (one_cycle(epochs, peak, warmup), cosine(epochs, peak)):
        value = rate(0.0, int(t), round((t % 1) * 1000), 1000)
        assert -1e-12 <= value <= peak * (1 + 1e-12)


def test_one_cycle_peaks_after_its_rise_and_ends_at_its_end():
    rate = one_cycle(10, 0.4, warmup=0.25, final=0.001)
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
        lambda: constant(0),
        lambda: constant(float("inf")),
        lambda: annealed(-1),
        lambda: special(0),
        lambda: one_cycle(3, warmup=1.0),
        lambda: cosine(0),
        lambda: schedule("stepped", 1),
    ],
)
def test_settings_without_meaning_are_refused(make):
    with pytest.raises(InputError):
        make()
