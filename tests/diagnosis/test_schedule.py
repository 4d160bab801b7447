import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.optim import LBFGS, SGD, Adam, AdamW
from torch.optim.lr_scheduler import CyclicLR, ExponentialLR, LambdaLR, OneCycleLR

from pitfalls import diagnose
from pitfalls.diagnosis import ask_schedule, steps
from pitfalls.diagnosis.confinement import least_by_one_output
from pitfalls.diagnosis.evidence.schedule import ScheduleEvidence
from pitfalls.diagnosis.examination import examine
from pitfalls.diagnosis.noise_scale import noise_scale
from pitfalls.diagnosis.schedule import _more
from pitfalls.diagnosis.schedule_runs import measure_noise
from pitfalls.diagnosis.trials import Bench, plan_runs
from tests.kinds import there


def data(n=240, d=8, k=3):
    g = torch.Generator().manual_seed(0)
    x = torch.randn(n, d, generator=g)
    return x, x[:, :k].argmax(1)


def mlp():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3))


def ask(make, model=None):
    model = mlp() if model is None else model
    x, y = data()
    return ask_schedule(model, functional.cross_entropy, x, y, make(model.parameters()), budget=600)


def test_a_good_rate_learns_and_the_steps_are_the_users_own():
    card = ask(lambda p: Adam(p, 1e-2))
    assert card.verdict == "learns"
    own = card.evidence.own
    assert len(own.losses) == 60
    assert own.after < own.before
    assert card.p_value == own.held_after.p_value <= 5e-4
    assert card.check(mlp(), functional.cross_entropy, *data())


@pytest.mark.parametrize(
    ("make", "verdict"),
    [
        (lambda p: SGD(p, 100.0), "rate-too-high"),
        (lambda p: Adam(p, 30.0), "rate-too-high"),
        (lambda p: SGD(p, 1e-6), "rate-too-low"),
        (lambda p: Adam(p, 1e-10), "rate-too-low"),
        (lambda p: SGD(p, 0.1, weight_decay=10.0), "rate-too-high"),
        (lambda p: AdamW(p, 5e-3, weight_decay=100.0), "rate-too-high"),
    ],
    ids=[
        "SGD at 100",
        "Adam at 30",
        "SGD at 1e-6",
        "Adam at 1e-10",
        "decay of 10",
        "decay of half a step",
    ],
)
def test_a_rate_that_is_off_is_mended_by_another_from_the_same_start(make, verdict):
    card = ask(make)
    assert card.verdict == verdict
    e = card.evidence
    mended = e.cure if e.cure is not None else e.without_decay
    assert mended.learned
    assert mended.before == e.own.before
    assert mended.held_after.loss < e.own.held_after.loss


def test_the_weights_of_the_run_that_shows_it_are_the_witness():
    x, y = data()
    card = ask(lambda p: SGD(p, 100.0))
    assert card.verdict == "rate-too-high"
    mended = mlp()
    mended.load_state_dict({k: torch.from_numpy(v) for k, v in card.witness.weights.items()})
    rows = list(card.witness.plan.train[: card.witness.plan.n_risk])
    loss = float(functional.cross_entropy(mended(x[rows]), y[rows]).detach())
    assert loss == pytest.approx(card.witness.after, rel=1e-4)
    assert loss < card.witness.before
    assert card.check(mlp(), functional.cross_entropy, x, y)
    assert not card.check(mlp(), functional.cross_entropy, x, y.roll(1))
    worse = {k: 0 * v for k, v in card.witness.weights.items()}
    changed = dataclasses.replace(card.witness, weights=worse)
    assert not dataclasses.replace(card, witness=changed).check(
        mlp(), functional.cross_entropy, x, y
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda p: SGD(p, 100.0),
        lambda p: SGD(p, 1e-6, momentum=0.9, nesterov=True),
        lambda p: Adam(p, 1e-2, betas=(0.8, 0.99), weight_decay=1e-3),
        lambda p: SGD(p, 0.1, weight_decay=10.0),
    ],
)
def test_the_witness_takes_the_optimizers_steps_again_from_its_record_alone(make):
    x, y = data()
    card = ask(make)
    runs = card.witness.runs
    assert runs[0].own
    assert card.check(mlp(), functional.cross_entropy, x, y)
    turned = dataclasses.replace(runs[0], learned=not runs[0].learned)
    false = dataclasses.replace(card.witness, runs=(turned, *runs[1:]))
    assert not dataclasses.replace(card, witness=false).check(mlp(), functional.cross_entropy, x, y)


def test_an_optimizer_that_is_more_than_names_and_numbers_has_no_record():
    class Own(SGD):
        pass

    def hooked(parameters):
        optimizer = SGD(parameters, 0.1)
        optimizer.register_step_post_hook(lambda *_: None)
        return optimizer

    def used(parameters):
        held = list(parameters)
        optimizer = SGD(held, 0.1, momentum=0.9)
        for p in held:
            p.grad = torch.zeros_like(p)
        optimizer.step()
        return optimizer

    for make in (lambda p: Own(p, 0.1), hooked, used):
        card = ask(make)
        assert card.witness.optimizer is None
        assert card.witness.runs == ()
        assert card.check(mlp(), functional.cross_entropy, *data())


def test_a_warm_up_that_starts_low_is_no_fault_and_a_rate_that_fades_is():
    def warm(parameters):
        optimizer = SGD(parameters, 0.1)
        LambdaLR(optimizer, lambda step: (step + 1) / 10_000)
        return optimizer

    def fading(parameters):
        optimizer = SGD(parameters, 0.05)
        scheduler = ExponentialLR(optimizer, 0.3)
        optimizer.register_step_post_hook(lambda *_: scheduler.step())
        return optimizer

    assert ask(warm).verdict != "rate-too-low"
    card = ask(fading)
    assert card.verdict == "rate-too-low"
    assert card.evidence.own.rate_end < 1e-6


def test_an_optimizer_that_needs_a_closure_gets_one():
    card = ask(lambda p: LBFGS(p, lr=0.5, max_iter=2))
    assert card.verdict == "learns"


def test_a_network_that_knows_the_labels_needs_no_more_learning():
    card = ask(lambda p: SGD(p, 1e-5), trained())
    assert card.evidence.known
    assert card.verdict not in ("rate-too-low", "rate-too-high")


def test_what_one_output_for_all_would_cost_is_that_of_the_classes_shares():
    x, y = data()
    shares = np.bincount(y.numpy()) / len(y)
    with examine(mlp(), functional.cross_entropy, x, y, who="test") as subject:
        least = least_by_one_output(subject, np.arange(len(x)))
    assert least == pytest.approx(-(shares * np.log(shares)).sum(), rel=1e-3)


def test_an_optimizer_that_fails_is_said_in_one_line():
    class Broken(SGD):
        def step(self, closure=None):
            raise RuntimeError("no such step\nat all")

    card = ask(lambda p: Broken(p, 0.1))
    assert card.verdict == "undecided"
    assert card.evidence.findings == (
        "ask_schedule: a training step failed with RuntimeError: no such step",
    )


def test_the_noise_scale_is_that_of_gaussian_gradients_and_its_interval_covers():
    rng = np.random.default_rng(0)
    mean, sigma, size, m = np.array([0.3, -0.2, 0.1]), np.array([1.0, 2.0, 0.5]), 8, 12
    exact = (sigma**2).sum() / (mean**2).sum()
    covered, reciprocals = 0, []
    for _ in range(200):
        batches = mean + sigma * rng.standard_normal((m, size, 3))
        rows = batches.mean(1)
        found = noise_scale(rows @ rows.T, size)
        covered += found.interval[0] <= exact <= found.interval[1]
        reciprocals.append(0.0 if np.isinf(found.value) else 1 / found.value)
    assert covered >= 180
    assert np.mean(reciprocals) == pytest.approx(1 / exact, rel=0.25)


@pytest.mark.parametrize("size", [1e-30, 1e25])
def test_the_noise_scale_has_no_unit_of_the_loss(size):
    x, y = data()
    found = []
    for factor in (1.0, size):
        model = mlp().double()
        with examine(
            model,
            lambda o, t, factor=factor: factor * functional.cross_entropy(o, t),
            x.double(),
            y,
            who="test",
        ) as subject:
            bench = Bench(subject, plan_runs(subject, 10.0)[0])
            found.append(there(measure_noise(subject, bench)))
    assert found[0].value > 1
    assert found[1].value == pytest.approx(found[0].value, rel=1e-4)
    assert found[1].interval == pytest.approx(found[0].interval, rel=1e-3)


def test_a_gradient_of_zero_has_no_noise_scale():
    x, y = data()
    with examine(mlp(), lambda o, t: 0 * o.sum(), x, y, who="test") as subject:
        assert measure_noise(subject, Bench(subject, plan_runs(subject, 10.0)[0])) is None


def test_the_interval_of_a_noise_scale_that_one_batch_makes_covers_it():
    gradients = np.ones((6, 3))
    gradients[0, 1] = 2.0
    found = noise_scale(gradients @ gradients.T, 4)
    assert np.isfinite(found.value)
    assert found.interval[0] <= found.value <= found.interval[1]


def test_the_curvature_that_was_seen_bounds_the_stable_rate_from_above():
    evidence = ScheduleEvidence(100, own=None, sharpness=3.0)
    (said,) = (text for text in _more(evidence) if "curvature" in text)
    assert said == (
        "The largest curvature is 3 or more: plain descent at a rate above 0.667 climbs along it."
    )


def test_where_the_loss_looks_at_no_labels_there_is_no_p_value():
    x, _ = data()
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 4), nn.Linear(4, 8))
    card = ask_schedule(
        model, lambda o, y: (o**2).mean(), x, x, SGD(model.parameters(), 0.1), budget=5
    )
    assert card.verdict == "learns"
    assert card.p_value is None


def trained():
    x, y = data()
    model = mlp()
    optimizer = Adam(model.parameters(), 1e-2)
    for _ in range(200):
        optimizer.zero_grad()
        functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    return model


@pytest.mark.parametrize(
    ("rate", "cause"),
    [
        (1e-2, "healthy"),
        (10.0, "rate-too-high"),
        (30.0, "rate-too-high"),
        (1e6, "rate-too-high"),
    ],
)
def test_a_network_that_its_own_steps_make_forget_is_not_healthy_for_what_it_knew(rate, cause):
    x, y = data()
    model = trained()
    optimizer = SGD(model.parameters(), rate, momentum=0.9)
    found = diagnose(
        model, functional.cross_entropy, x, y, optimizer, budget=15,
        questions=["wiring", "units", "schedule"],
    )  # fmt: skip
    assert found.cause == cause
    assert found.card("schedule").check(model, functional.cross_entropy, x, y)
    evidence = there(found.card("schedule").evidence)
    assert isinstance(evidence, ScheduleEvidence)
    assert evidence.known
    assert evidence.forgets is (cause != "healthy")


def one_cycle(parameters):
    optimizer = SGD(parameters, 0.1)
    OneCycleLR(optimizer, 0.5, total_steps=1000, div_factor=1e5)
    return optimizer


def cyclic(parameters):
    optimizer: Any = SGD(parameters, 0.1)
    optimizer.scheduler = CyclicLR(optimizer, 1e-6, 0.5)  # held, or nobody steps it
    return optimizer


@pytest.mark.parametrize("make", [one_cycle, cyclic])
def test_a_rate_that_a_scheduler_raises_later_is_not_too_low(make):
    card = ask(make)
    assert card.evidence.scheduled_rate == 0.5
    assert card.verdict == "does not learn yet"


def test_a_rate_too_low_is_one_whatever_scheduler_starts_from_it():
    def fades(parameters):
        optimizer = SGD(parameters, 1e-7)
        LambdaLR(optimizer, lambda step: 1 / (step + 1))
        return optimizer

    assert ask(fades).verdict == "rate-too-low"


@pytest.mark.parametrize(
    "make", [lambda p: SGD(p, 0.0), lambda p: Adam(p, 1e-30)], ids=["zero", "lost in rounding"]
)
def test_steps_that_move_no_weight_are_too_low_where_adams_learn(make):
    card = ask(make)
    assert card.verdict == "rate-too-low"
    assert card.evidence.still
    assert "They move no weight." in card.evidence.findings


def test_a_warm_up_from_zero_waits_and_is_no_fault():
    def waits(parameters):
        optimizer = SGD(parameters, 0.1)
        LambdaLR(optimizer, lambda step: step / 100)
        return optimizer

    card = ask(waits)
    assert card.evidence.rates == (0.0,)
    assert card.verdict == "does not learn yet"


def test_the_p_value_of_labels_is_exact_wherever_its_draws_are_stopped(monkeypatch):
    monkeypatch.setattr(steps, "_ENOUGH", 2)
    monkeypatch.setattr(steps, "_FEWEST", 4)
    y = torch.arange(6.0)
    rng = np.random.default_rng(0)

    class Exchangeable:
        """A loss of its own for each order of the labels."""

        def loss_of(self, out, labels):
            return torch.tensor(rng.random())

    exchangeable: Any = Exchangeable()
    found = np.array(
        [steps._permuted(exchangeable, y, y, float(rng.random()), rng, 60)[0] for _ in range(4000)]
    )
    for level in (0.1, 0.25, 0.4, 0.5, 0.6, 0.75):
        share = float((found <= level).mean())
        assert share <= level + 4 * (level * (1 - level) / 4000) ** 0.5


def test_what_a_slow_loss_shows_clearly_is_learned_though_few_permutations_fit_the_time(
    monkeypatch,
):
    monkeypatch.setattr(steps, "_PERMUTING", 0.0)
    card = ask(lambda p: Adam(p, 1e-2))
    known = card.evidence.own.held_after
    assert known.p_value == 0.01  # of 99 permutations, no less
    assert known.clear
    assert card.verdict == "learns"
    x, y = data()
    shuffled = y[torch.randperm(len(y), generator=torch.Generator().manual_seed(1))]
    model = mlp()
    none = ask_schedule(
        model, functional.cross_entropy, x, shuffled, Adam(model.parameters(), 1e-2), budget=30
    )
    assert none.verdict != "learns"


def test_an_optimizer_that_makes_its_own_rate_is_asked_without_one():
    class Relative(SGD):
        """Steps of a hundredth of each weight's size."""

        def __init__(self, parameters):
            super().__init__(parameters, lr=0.1)
            self.param_groups[0]["lr"] = None

        @torch.no_grad()
        def step(self, closure=None):
            for p in self.param_groups[0]["params"]:
                p -= 0.03 * (p.norm() + 0.1) * p.grad / (p.grad.norm() + 1e-12)

    card = ask(Relative)
    assert card.evidence.rates == ()
    assert card.verdict == "learns"


class _Angles(nn.Module):
    """A loss that learns a direction for each class."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.directions = nn.Parameter(torch.randn(3, 8, generator=generator))

    def forward(self, outputs, y):
        cosines = (
            functional.normalize(outputs, dim=1) @ functional.normalize(self.directions, dim=1).T
        )
        return functional.cross_entropy(8 * cosines, y)


def test_what_a_loss_learns_beside_the_network_is_part_of_the_witness():
    x = torch.randn(400, 6, generator=torch.Generator().manual_seed(0))
    y = x[:, :3].argmax(1)
    torch.manual_seed(0)
    model, loss = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 8)), _Angles()
    before = loss.directions.detach().clone()
    optimizer = torch.optim.Adam([*model.parameters(), *loss.parameters()], 1e-2)
    card = ask_schedule(model, loss, x, y, optimizer, budget=5)
    assert card.verdict == "learns"
    assert card.check(model, loss, x, y)
    assert torch.equal(loss.directions, before)


def test_adams_steps_are_taken_where_gradients_are_sparse():
    ids = torch.randint(0, 50, (600, 8), generator=torch.Generator().manual_seed(0))
    y = (ids < 15).sum(1).clamp(max=3)
    torch.manual_seed(0)
    model = nn.Sequential(nn.EmbeddingBag(50, 16, sparse=True), nn.Linear(16, 4))
    card = ask_schedule(model, functional.cross_entropy, ids, y, budget=5)
    assert card.verdict == "learns"
    assert card.check(model, functional.cross_entropy, ids, y)
