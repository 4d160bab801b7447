"""Rules read evidence: cards made by hand, and networks whose fault is planted."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.optim import SGD, Adam

from pitfalls import diagnose
from pitfalls.diagnosis import CAUSES, RULES, Card, attribute
from pitfalls.diagnosis.attribution import _SAID as WORDS
from pitfalls.diagnosis.evidence.data import DataEvidence, LearnerScore
from pitfalls.diagnosis.evidence.saddle import SaddleEvidence
from pitfalls.diagnosis.evidence.schedule import Knowledge, ScheduleEvidence, Trial
from pitfalls.diagnosis.evidence.signal import PermutationTest, SignalEvidence
from pitfalls.diagnosis.evidence.units import LayerGradient, LayerUnits, UnitsEvidence
from pitfalls.diagnosis.evidence.wiring import OutputMixing, Slope, WiringEvidence
from tests.kinds import of_kind


def trial(learned, **changes):
    before = Knowledge(1.0, 1.0, 0.6, 200)
    after = Knowledge(0.5, 1.0, 2e-4, 200) if learned else Knowledge(1.0, 1.0, 0.6, 200)
    end = 0.4 if learned else 0.999
    made = Trial(1.0, True, (1.0,) * 59 + (end,), 1.0, end, before, after, True, 0.1, 1.0, "")
    return dataclasses.replace(made, **changes)


def schedule(own, **more):
    e = ScheduleEvidence(400, ("steps",), rates=(0.1,), own=own, **more)
    return Card("schedule", "", e, None, None)


def units(dead=0, ratio=1.0, scales=()):
    layer = LayerUnits("1", "relu", 20, tuple(range(dead)), 0.0, (), False, False)
    gradients = (LayerGradient("a", 1.0, 1.0), LayerGradient("b", ratio, 1.0))
    return Card(
        "units", "", UnitsEvidence(100, ("units",), (layer,), gradients, scales), None, None
    )


def causes(*cards):
    return [a.cause for a in attribute(cards)]


def test_every_rule_names_a_cause_of_the_vocabulary_and_so_does_what_it_explains():
    for rule in RULES:
        assert rule.cause in CAUSES
        assert set(rule.explains) <= set(CAUSES)
        assert rule.text.endswith((".", ")"))


def test_a_network_that_learns_is_healthy_whatever_its_units_and_gradients_look_like():
    assert causes(units(dead=19, ratio=1e-6), schedule(trial(True))) == ["healthy"]


def test_where_no_optimizer_was_given_it_is_adams_steps_that_learn():
    (own,) = attribute([schedule(trial(True))])
    (adam,) = attribute([schedule(None, adam=trial(True))])
    assert own.reason == "The optimizer's own steps fit labels they have not seen."
    assert (adam.cause, adam.rule) == ("healthy", "learns")
    assert adam.reason == "Steps of Adam fit labels they have not seen."


def test_the_same_units_are_the_cause_where_nothing_is_learned():
    assert causes(units(dead=19), schedule(trial(False))) == ["dead-units"]
    assert causes(units(ratio=1e-6), schedule(trial(False))) == ["vanishing-gradient"]


def test_signals_that_shrink_are_a_cause_only_where_another_start_learns():
    shrinking = units(scales=(("a", 1.0), ("b", 0.01), ("c", 1e-3), ("d", 1e-6)))
    slow = trial(False)
    better = schedule(slow, plain=trial(False), fresh=trial(True))
    assert causes(shrinking, better) == ["vanishing-gradient"]
    assert causes(shrinking, schedule(slow, plain=trial(False))) == ["unclear"]


def test_signals_that_shrink_are_a_cause_where_no_layers_gradient_is_felt():
    scales = (("a", 1.0), ("b", 0.01), ("c", 1e-3), ("d", 1e-6))
    shrinking = units(scales=scales)
    gradients = tuple(LayerGradient(name, 1e-9, 1.0) for name in "ab")
    faint = dataclasses.replace(
        shrinking, evidence=dataclasses.replace(shrinking.evidence, gradients=gradients)
    )
    slow = schedule(trial(False), adam=trial(True))
    assert causes(faint, slow) == ["vanishing-gradient"]
    assert causes(shrinking, slow) == ["healthy"]
    assert causes(faint, schedule(trial(True))) == ["healthy"]


def test_an_exact_finding_of_wiring_speaks_against_a_network_that_learns():
    mixing = WiringEvidence(16, ("mixes",), mixing=OutputMixing(True, 0.5, 0, 1))
    card = Card("wiring", "outputs-mix-samples", mixing, None, None)
    assert causes(card, schedule(trial(True))) == ["outputs-mix-samples"]


def test_a_stopped_gradient_is_a_cause_only_where_no_run_learns():
    slope = Slope("a", 1.0, 3.0, 1e-6, 1e-6, stopped=True)
    evidence = WiringEvidence(16, ("detach",), slopes=(slope,))
    card = Card("wiring", "stopped-gradient", evidence, None, None)
    assert causes(card, schedule(trial(True))) == ["healthy"]
    assert causes(card, schedule(trial(False), adam=trial(True))) == ["healthy"]
    assert causes(card, schedule(trial(False))) == ["gradient-wrong"]
    cure = trial(True, factor=1e3)
    assert causes(card, schedule(trial(False), tried=(cure,))) == ["rate-too-low"]
    true = dataclasses.replace(slope, stopped=False)
    wrong = dataclasses.replace(card, evidence=dataclasses.replace(evidence, slopes=(true,)))
    assert causes(wrong, schedule(trial(True))) == ["gradient-wrong"]


def test_a_burst_is_a_rate_too_high_only_where_a_lower_one_learns():
    burst = trial(False, after=50.0)
    cure = trial(True, factor=0.01)
    assert causes(schedule(burst, tried=(cure,))) == ["rate-too-high"]
    assert causes(schedule(burst)) == ["unclear"]


def test_a_start_that_explodes_is_named_before_the_rate_that_bears_it():
    scales = (("a", 1.0), ("b", 10.0), ("c", 1e2), ("d", 1e4))
    growing = units(scales=scales)
    gradients = (LayerGradient("a", 1e5, 1.0), LayerGradient("b", 1e5, 1.0))
    card = dataclasses.replace(
        growing, evidence=dataclasses.replace(growing.evidence, gradients=gradients)
    )
    far = Knowledge(100.0, 100.0, 0.6, 200)
    burst = trial(False, before=100.0, after=5e3, held_before=far, held_after=far)
    cure = trial(True, factor=0.01, before=100.0, held_before=far)
    assert causes(card, schedule(burst, tried=(cure,))) == ["exploding-gradient", "rate-too-high"]


def saddle(drop):
    e = SaddleEvidence(200, ("saddle",), lowest=-1.0, largest=2.0, drop=drop, promised=1e-6)
    return Card("saddle", "saddle", e, None, None)


def test_a_saddle_that_holds_a_part_of_the_labels_is_named_where_nothing_moves():
    known = Knowledge(0.6, 1.0, 2e-4, 200)
    stuck = trial(False, before=0.6, after=0.599, held_before=known, held_after=known)
    assert causes(saddle(0.3), schedule(stuck)) == ["saddle"]
    assert causes(saddle(0.01), schedule(stuck)) == ["healthy"]  # next to nothing to gain there
    moving = dataclasses.replace(stuck, after=0.5)
    assert causes(saddle(0.3), schedule(moving)) == ["healthy"]


def test_steps_that_leave_the_numbers_are_too_large_where_smaller_ones_fall_and_some_run_learns():
    burst = trial(False, losses=(1.0, float("inf")), finite=False, after=float("inf"))
    calm = trial(False, factor=0.01, after=0.5)
    assert causes(schedule(burst, tried=(calm,), adam=trial(True))) == ["rate-too-high"]
    assert causes(schedule(burst, tried=(calm,))) == ["unclear"]


def test_a_network_whose_steps_rise_is_not_called_healthy_because_others_learn():
    rising = trial(False, after=2.0, losses=(1.0,) * 29)
    assert causes(schedule(rising, adam=trial(True))) == ["unclear"]
    level = trial(False, losses=(1.0,) * 29)
    assert causes(schedule(level, adam=trial(True))) == ["healthy"]


def test_steps_that_stand_still_are_not_healthy_where_other_rates_found_no_time():
    still, adam = trial(False, losses=(1.0,) * 60), trial(True)
    assert causes(schedule(still, plain=adam, adam=adam)) == ["healthy"]
    (found,) = attribute([schedule(still, plain=adam, adam=adam, untried=True)])
    assert (found.cause, found.rule) == ("unclear", "rates untried")
    cured = schedule(still, adam=adam, tried=(trial(True, factor=1e3),), untried=True)
    assert causes(cured) == ["rate-too-low"]


def test_steps_that_rise_with_a_batch_too_small_for_their_rate_show_nothing():
    burst = trial(False, after=50.0, losses=(1.0,) * 60)
    cure = trial(True, factor=0.01)
    test = PermutationTest(0.005, 0.005, 9.0, 0.1, (), 200, 199, (9.0, 1.0))
    seen = Card("signal", "labels seen", SignalEvidence(200, ("seen",), test), None, 0.005)
    (found,) = attribute([seen, schedule(burst, batch_shrunk=True, batch_size=8, tried=(cure,))])
    assert (found.cause, found.rule) == ("unclear", "steps rise in small batches")
    assert "batches of 8 examples" in found.reason
    assert causes(seen, schedule(burst, tried=(cure,))) == ["rate-too-high"]
    assert causes(schedule(burst, batch_shrunk=True)) == ["unclear"]


def test_a_gradient_that_sees_is_no_health_where_sixty_steps_and_others_learn_nothing():
    test = PermutationTest(0.005, 0.005, 9.0, 0.1, (), 200, 199, (9.0, 1.0))
    seen = Card("signal", "labels seen", SignalEvidence(200, ("seen",), test), None, 0.005)
    assert causes(seen, schedule(trial(False), adam=trial(False))) == ["unclear"]
    short = dataclasses.replace(schedule(trial(False, losses=(1.0,) * 9)), verdict="undecided")
    (found,) = attribute([seen, short])
    assert found.cause == "healthy"
    assert found.reason.endswith("no fault was found. Undecided: schedule.")


def test_a_random_start_that_favours_labels_by_chance_knows_nothing():
    lucky = Knowledge(1.2, 1.4, 2e-4, 200, constant=1.1)  # worse than one output for all
    own = trial(False, before=1.2, after=1.2, held_before=lucky, held_after=lucky)
    cure = trial(True, before=1.2, after=0.4, factor=1e5, held_before=lucky)
    assert causes(schedule(own, tried=(cure,))) == ["rate-too-low"]
    knows = dataclasses.replace(lucky, loss=0.5)
    trained = dataclasses.replace(own, before=0.5, after=0.5, held_before=knows, held_after=knows)
    assert causes(schedule(trained)) == ["healthy"]


def test_a_start_that_favours_false_labels_has_not_learned_by_forgetting_them():
    before = Knowledge(1.25, 1.13, 1.0, 300)
    assert not Knowledge(1.0987, 1.0988, 2e-4, 300).learned_since(before)
    assert Knowledge(1.03, 1.1, 2e-4, 300).learned_since(before)


def test_a_memory_longer_than_the_run_is_too_high_where_it_never_settles():
    own = trial(True, after=0.9)
    short = trial(True, memory=0.9)
    wild = trial(False, after=3.0, losses=(1.0,) * 600)
    calm = trial(True, after=0.2, losses=(1.0,) * 600)
    assert causes(schedule(own, forgetful=short, longer=wild)) == ["rate-too-high"]
    assert causes(schedule(own, forgetful=short, longer=calm)) == ["healthy"]
    cut = dataclasses.replace(wild, losses=(1.0,) * 100)
    assert causes(schedule(own, forgetful=short, longer=cut)) == ["healthy"]


def test_without_any_card_the_cause_is_unclear():
    assert causes() == ["unclear"]


def classes(n=600, d=12):
    g = torch.Generator().manual_seed(0)
    x = torch.randn(n, d, generator=g)
    return x, (x @ torch.randn(d, 3, generator=g)).argmax(1)


def layers(*widths):
    torch.manual_seed(0)
    parts = []
    for fan_in, fan_out in pairwise(widths):
        parts += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    return nn.Sequential(*parts[:-1])


def constant_weights():
    model = layers(12, 24, 24, 3)
    for layer in model:
        if isinstance(layer, nn.Linear):
            nn.init.constant_(layer.weight, 0.05)
            nn.init.zeros_(layer.bias)
    return model, functional.cross_entropy, *classes(), SGD(model.parameters(), 0.1)


def small_weights():
    model = layers(12, *[24] * 6, 3)
    with torch.no_grad():
        for layer in model:
            if isinstance(layer, nn.Linear):
                layer.weight.mul_(0.05)
                layer.bias.zero_()
    return model, functional.cross_entropy, *classes(), SGD(model.parameters(), 0.1)


def counts():
    """Logarithms of rates have the shape of counts: R^2 says nothing of them."""
    g = torch.Generator().manual_seed(1)
    x = torch.randn(500, 5, generator=g)
    y = torch.poisson(torch.exp(0.5 * x[:, :1] + 0.3 * x[:, 1:2]), generator=g)
    model = layers(5, 32, 1)
    return model, nn.PoissonNLLLoss(), x, y, Adam(model.parameters(), 3e-3)


def quantile():
    """The upper tenth of a noisy number: R^2 says nothing of it."""
    g = torch.Generator().manual_seed(1)
    x = torch.rand(700, 3, generator=g) * 4 - 2
    y = (x[:, 0].abs() + x[:, 1] + (0.5 + x[:, 2].abs()) * torch.randn(700, generator=g))[:, None]
    model = layers(3, 32, 1)

    def pinball(outputs, labels):
        return torch.maximum(0.9 * (labels - outputs), 0.1 * (outputs - labels)).mean()

    return model, pinball, x, y, Adam(model.parameters(), 3e-3)


def line_search():
    model = layers(12, 3)
    optimizer = torch.optim.LBFGS(model.parameters(), 0.5)
    return model, functional.cross_entropy, *classes(), optimizer


@pytest.mark.parametrize(
    ("make", "cause"),
    [
        (constant_weights, "saddle-at-init"),
        (small_weights, "vanishing-gradient"),
        (counts, "healthy"),
        (quantile, "healthy"),
        (line_search, "healthy"),
    ],
)
def test_what_is_planted_is_named_and_a_bad_start_is_no_lack_of_capacity(make, cause):
    assert diagnose(*make(), budget=10).cause == cause


def test_the_rules_do_not_depend_on_names_of_modules():
    model, loss, x, y, _ = constant_weights()
    named = nn.ModuleDict({"zz": model})

    class Renamed(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = named

        def forward(self, x):
            return self.inner["zz"](x)

    renamed = Renamed()
    found = diagnose(renamed, loss, x, y, SGD(renamed.parameters(), 0.1), budget=10)
    assert found.cause == "saddle-at-init"
    assert np.isfinite(found.seconds)


def test_a_run_that_was_cut_short_shows_nothing():
    short = trial(False, losses=(1.0, 1.0, 1.0))
    assert causes(units(dead=19), schedule(short)) == ["unclear"]
    burst = trial(False, losses=(1.0, float("inf")), finite=False, after=float("inf"))
    assert causes(units(dead=19), schedule(burst)) == ["dead-units"]


def test_a_saddle_of_labels_that_nothing_sees_is_no_cause_of_its_own():
    learner = LearnerScore("ridge", 0.6, "accuracy", 0.5, 0.5, 100, 100)
    data = DataEvidence(200, ("data",), learners=(learner,), planted_p_value=0.005)
    card = Card("data", "labels not seen", data, None, None)
    assert causes(card, saddle(0.3), schedule(trial(False))) == ["unclear"]
    assert causes(saddle(0.3), schedule(trial(False))) == ["saddle"]


def test_each_cause_has_the_finding_that_it_rests_on():
    x = torch.randn(200, 6, generator=torch.Generator().manual_seed(0))
    y = x[:, :3].argmax(1)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))
    model[0].requires_grad_(False)
    head_forgotten = SGD(model[0].parameters(), 0.1)
    found = diagnose(
        model, functional.cross_entropy, x, y, head_forgotten, questions=["wiring"], budget=5
    )
    reasons = {a.cause: a.reason for a in found.attributions}
    assert list(reasons) == ["not-in-optimizer", "frozen"]
    assert "2.weight" in reasons["not-in-optimizer"]
    assert reasons["frozen"] == next(rule.text for rule in RULES if rule.name == "frozen")


def test_the_reason_is_the_cards_finding_about_the_rule_and_not_its_first():
    said = (
        "Relative gradients of the layers differ by 1.2.",
        "All 20 units of 1 (tanh) do the same.",
    )
    alike = LayerUnits("1", "tanh", 20, (), 0.0, (), True, False)
    gradients = (LayerGradient("a", 1.0, 1.0), LayerGradient("b", 0.8, 1.0))
    card = Card("units", "", UnitsEvidence(100, said, (alike,), gradients), None, None)
    (first, *_) = attribute([card, schedule(trial(False))])
    assert (first.cause, first.reason) == ("saddle-at-init", said[1])


def test_words_that_tell_findings_apart_belong_to_rules():
    assert set(WORDS) <= {rule.name for rule in RULES}


def test_a_gradient_that_is_small_in_one_layer_does_not_vanish_where_another_rate_goes_far():
    small, cure = units(ratio=1e-6), trial(True, factor=1e6)
    assert causes(small, schedule(trial(False))) == ["vanishing-gradient"]
    assert causes(small, schedule(trial(False), tried=(cure,))) == ["rate-too-low"]
    little = dataclasses.replace(cure, after=0.9)
    assert causes(small, schedule(trial(False), tried=(little,))) == ["vanishing-gradient"]


def test_zeros_that_some_steps_leave_are_no_symmetric_start():
    zero = dataclasses.replace(units(), evidence=dataclasses.replace(
        of_kind(UnitsEvidence, units().evidence), zero_weights=("a", "b"), zero_gradients=("a",),
    ))  # fmt: skip
    cure = trial(True, factor=1e6)
    assert causes(zero, schedule(trial(False))) == ["saddle-at-init"]
    assert causes(zero, schedule(trial(False), tried=(cure,))) == ["rate-too-low"]
    assert causes(zero, schedule(trial(False), plain=trial(True))) != ["saddle-at-init"]
    assert causes(zero, schedule(trial(False), fresh=trial(True))) == ["saddle-at-init"]
