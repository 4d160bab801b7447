import dataclasses
import random
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.optim import SGD, Adam

from pitfalls import diagnose
from pitfalls.diagnosis import ask_wiring
from pitfalls.diagnosis.evidence.wiring import WiringEvidence
from pitfalls.diagnosis.wiring_witnesses import CompositionWitness, ReachWitness, SlopeWitness
from tests.kinds import of_kind, there


def evidence_of(card):
    return of_kind(WiringEvidence, card.evidence)


def numbers(n=64, d=5, seed=0):
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(n, d, generator=g)
    return x, x @ torch.randn(d, generator=g)


def classes(n=64, d=5, k=3, seed=0):
    x, score = numbers(n, d, seed)
    return x, (score - score.min()).div(score.max() - score.min() + 1e-6).mul(k).long()


def mlp(d=5, out=1):
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(d, 16), nn.Tanh(), nn.Linear(16, out))


LOSSES = {
    "mean": (functional.cross_entropy, "mean"),
    "sum": (nn.CrossEntropyLoss(reduction="sum"), "sum"),
    "class weights": (nn.CrossEntropyLoss(weight=torch.tensor([0.1, 1.0, 5.0])), "weighted mean"),
    "label smoothing": (nn.CrossEntropyLoss(label_smoothing=0.1), "mean"),
    "sum and a penalty": (
        lambda o, y: functional.cross_entropy(o, y, reduction="sum") + 3.0,
        "sum plus a constant",
    ),
    "mean and a penalty": (lambda o, y: functional.cross_entropy(o, y) + 3.0, "mean"),
    "softmax over the batch": (
        lambda o, y: functional.nll_loss(torch.log_softmax(o, 0), y),
        "other",
    ),
}


@pytest.mark.parametrize(("loss", "expected"), LOSSES.values(), ids=LOSSES)
def test_the_loss_of_a_batch_is_taken_apart(loss, expected):
    x, y = classes()
    card = ask_wiring(mlp(out=3), loss, x, y)
    assert evidence_of(card).composition == expected
    assert card.verdict == "sound"
    assert card.check(mlp(out=3), loss, x, y)


def test_a_broadcast_is_named_and_its_two_numbers_are_those_of_the_definition():
    x, y = numbers()
    model = mlp()
    card = ask_wiring(model, lambda o, t: ((o - t) ** 2).mean(), x, y)
    assert card.verdict == "loss-mixes-samples"
    rows = torch.tensor(of_kind(CompositionWitness, card.witness).rows)
    out, target = model(x[rows]).detach().double(), y[rows].double()
    assert evidence_of(card).batch_loss == pytest.approx(
        float(((out - target) ** 2).mean()), rel=1e-5
    )
    assert evidence_of(card).mean_loss == pytest.approx(
        float(((out[:, 0] - target) ** 2).mean()), rel=1e-5
    )
    assert card.check(model, lambda o, t: ((o - t) ** 2).mean(), x, y)
    assert not card.check(model, lambda o, t: ((o[:, 0] - t) ** 2).mean(), x, y)


def test_class_weights_that_are_not_a_mean_of_singles_raise_no_alarm_beside_a_broadcast_of_equal_labels():
    x, _ = numbers()
    y = torch.ones(len(x))
    card = ask_wiring(mlp(), lambda o, t: ((o - t) ** 2).mean(), x, y)
    # with equal labels every pair and its own label are the same thing: nothing can be told
    assert evidence_of(card).composition == "mean"


class _Mixes(nn.Module):
    def __init__(self, how):
        super().__init__()
        self.layer, self.how = nn.Linear(5, 3), how

    def forward(self, x):
        return self.layer(self.how(x))


MIXING = {
    "shuffle": (lambda x: x.flip(0), True),
    "reshape": (lambda x: x.t().reshape(x.shape), True),
    "centring by the batch": (lambda x: x - x.mean(0), True),
    "largest of the batch": (lambda x: x / x.abs().max(), True),
    "centring by the sample": (lambda x: x - x.mean(1, keepdim=True), False),
    "identity": (lambda x: x, False),
}


@pytest.mark.parametrize(("how", "mixes"), MIXING.values(), ids=MIXING)
def test_outputs_that_depend_on_other_samples_are_found(how, mixes):
    x, y = classes()
    torch.manual_seed(0)
    model = _Mixes(how)
    card = ask_wiring(model, functional.cross_entropy, x, y)
    assert (card.verdict == "outputs-mix-samples") == mixes
    assert card.check(model, functional.cross_entropy, x, y)


@pytest.mark.parametrize("axis_of_samples", [0, 1])
def test_sequences_laid_out_time_first_are_no_mixing(axis_of_samples):
    g = torch.Generator().manual_seed(0)
    x = torch.randint(0, 7, (40, 6), generator=g)

    class TimeFirst(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.head = nn.Embedding(7, 8), nn.Linear(8, 7)

        def forward(self, tokens):
            out = self.head(self.embed(tokens))
            return out if axis_of_samples == 0 else out.transpose(0, 1)

    def loss(out, y):
        out = out if axis_of_samples == 0 else out.transpose(0, 1)
        return functional.cross_entropy(out.flatten(0, 1), y.flatten())

    card = ask_wiring(TimeFirst(), loss, x, x)
    assert card.verdict == "sound"
    assert evidence_of(card).mixing.mixes is False


@pytest.mark.parametrize("tracks", [True, False])
def test_batch_norm_raises_no_alarm_with_or_without_statistics(tracks):
    x, y = classes()
    model = nn.Sequential(
        nn.Linear(5, 8), nn.BatchNorm1d(8, track_running_stats=tracks), nn.Linear(8, 3)
    )
    card = ask_wiring(model, functional.cross_entropy, x, y)
    assert card.verdict == "sound"
    assert evidence_of(card).mixes_by_batch_norm != tracks
    assert model[1].running_mean is None or tracks


class _Parts(nn.Module):
    def __init__(self, forward):
        super().__init__()
        self.body, self.head, self.spare = nn.Linear(5, 8), nn.Linear(8, 3), nn.Linear(2, 2)
        self._forward = forward

    def forward(self, x):
        return self._forward(self, x)


def test_cut_unused_and_frozen_parameters_are_told_apart():
    x, y = classes()
    torch.manual_seed(0)
    model = _Parts(lambda m, x: m.head(torch.relu(m.body(x)).detach()))
    model.head.bias.requires_grad_(False)
    card = ask_wiring(model, functional.cross_entropy, x, y, SGD(model.parameters(), 0.1))
    reach = evidence_of(card).reach
    assert reach.cut == ("body.weight", "body.bias")
    assert reach.unused == ("spare.weight", "spare.bias")
    assert reach.frozen == ("head.bias",)
    assert card.verdict == "cut-from-loss"
    assert card.check(model, functional.cross_entropy, x, y)


def test_an_unused_layer_alone_is_a_remark_and_no_alarm():
    x, y = classes()
    model = _Parts(lambda m, x: m.head(torch.relu(m.body(x))))
    card = ask_wiring(model, functional.cross_entropy, x, y, SGD(model.parameters(), 0.1))
    assert card.verdict == "sound"
    assert any("take no part" in finding for finding in card.evidence.findings)


def test_what_the_optimizer_lacks_is_checked_from_the_names_it_was_given():
    x, y = classes()
    model = _Parts(lambda m, x: m.head(torch.relu(m.body(x))))
    card = ask_wiring(model, functional.cross_entropy, x, y, SGD(model.body.parameters(), 0.1))
    assert card.verdict == "not-in-optimizer"
    witness = of_kind(ReachWitness, card.witness)
    assert witness.not_in_optimizer == ("head.weight", "head.bias")
    assert card.check(model, functional.cross_entropy, x, y)
    everything = tuple(name for name, _ in model.named_parameters())
    mended = dataclasses.replace(card, witness=dataclasses.replace(witness, given=everything))
    assert not mended.check(model, functional.cross_entropy, x, y)


def test_a_trained_layer_in_no_list_is_found_in_the_graph():
    x, y = classes()
    hidden = nn.Linear(5, 5)
    model = _Parts(lambda m, x: m.head(torch.relu(m.body(hidden(x)))))
    card = ask_wiring(model, functional.cross_entropy, x, y, SGD(model.parameters(), 0.1))
    assert card.verdict == "not-in-optimizer"
    assert evidence_of(card).reach.outside_model == (
        "a tensor of shape (5,)",
        "a tensor of shape (5, 5)",
    ) or set(evidence_of(card).reach.outside_model) == {
        "a tensor of shape (5,)",
        "a tensor of shape (5, 5)",
    }


def test_frozen_counts_as_a_fault_only_where_it_was_to_be_trained():
    x, y = classes()
    torch.manual_seed(0)
    fresh = nn.Sequential(nn.Linear(5, 64), nn.Tanh(), nn.Linear(64, 3))
    fresh[0].requires_grad_(False)
    given = ask_wiring(fresh, functional.cross_entropy, x, y, SGD(fresh.parameters(), 0.1))
    left_out = ask_wiring(fresh, functional.cross_entropy, x, y, SGD(fresh[2].parameters(), 0.1))
    trained = nn.Sequential(nn.Linear(5, 64), nn.Tanh(), nn.Linear(64, 3))
    with torch.no_grad():  # a few large entries, as training leaves them
        weight = of_kind(nn.Linear, trained[0]).weight
        weight.mul_(torch.rand(64, 5, generator=torch.Generator().manual_seed(0)) ** 6)
    trained[0].requires_grad_(False)
    kept = ask_wiring(trained, functional.cross_entropy, x, y, SGD(trained.parameters(), 0.1))
    assert [given.verdict, left_out.verdict, kept.verdict] == ["frozen", "sound", "sound"]


class _Scaled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, factor):
        ctx.factor = factor
        return x.clone()

    @staticmethod
    def backward(ctx, flowing):
        return flowing * ctx.factor, None


@pytest.mark.parametrize(
    ("factor", "wrong"), [(1.0, False), (1.2, True), (-1.0, True), (0.0, True)]
)
def test_a_backward_pass_that_is_off_by_a_factor_is_found(factor, wrong):
    x, y = classes()
    torch.manual_seed(0)
    model = _Parts(lambda m, x: m.head(_Scaled.apply(torch.tanh(m.body(x)), factor)))
    card = ask_wiring(model, functional.cross_entropy, x, y)
    assert (card.verdict == "gradient-wrong") == wrong
    if wrong and factor:
        slope = of_kind(SlopeWitness, card.witness).slope
        assert slope.name.startswith("body")
        assert slope.by_gradient / abs(slope.by_difference) == pytest.approx(abs(factor), rel=1e-3)
    assert card.check(model, functional.cross_entropy, x, y)


def test_relu_at_its_kink_is_undecided_and_not_wrong():
    x, y = classes()
    model = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3))
    for p in model[0].parameters():
        nn.init.zeros_(p)
    card = ask_wiring(model, functional.cross_entropy, x, y)
    assert card.verdict == "sound"


def test_kinks_that_cancel_are_no_wrong_gradient():
    """Gains of zero put a ReLU on kinks whose one-sided slopes cancel in the second difference."""
    kink = torch.tensor([[1.0, -1.0]])

    class AtKinks(nn.Module):
        def __init__(self):
            super().__init__()
            self.shift = nn.Parameter(torch.zeros(2))

        def forward(self, x):
            # slopes at zero: 1 for the first, -1 for the second, each on one side only
            h = torch.relu(self.shift * torch.tensor([1.0, -1.0]) + 0 * x[:, :2])
            return (3 * self.shift.sum() + (h * kink).sum(1, keepdim=True)).expand(len(x), 1)

    x = torch.randn(40, 2, generator=torch.Generator().manual_seed(0))
    card = ask_wiring(AtKinks(), lambda o, y: o.mean(), x, x[:, :1])
    assert evidence_of(card).wrong_slopes == ()


def test_slopes_equal_autograd_in_float64():
    x, y = classes()
    model = mlp(out=3).double()
    x = x.double()
    card = ask_wiring(model, functional.cross_entropy, x, y)
    rows = torch.tensor(of_kind(CompositionWitness, card.witness).rows)
    assert len(evidence_of(card).slopes) == 4
    for slope in evidence_of(card).slopes:
        assert slope.by_difference == pytest.approx(slope.by_gradient, rel=1e-6)
    assert len(rows) > 0


UNBOUNDED = {
    "cross-entropy": lambda o, y: -functional.cross_entropy(o, y),
    "squares": lambda o, y: -((o - functional.one_hot(y, 3)) ** 2).mean(),
    "log-softmax and its loss": lambda o, y: -functional.nll_loss(torch.log_softmax(o, 1), y),
}


@pytest.mark.parametrize("loss", UNBOUNDED.values(), ids=UNBOUNDED)
def test_a_loss_with_its_sign_turned_falls_without_limit(loss):
    x, y = classes()
    model = mlp(out=3)
    card = ask_wiring(model, loss, x, y)
    assert card.verdict == "loss-unbounded-below"
    assert card.check(model, loss, x, y)
    assert not card.check(model, functional.cross_entropy, x, y)


def likelihood(o, y):
    target = y.double().sub(1).to(o)
    return (0.5 * (target - o[:, 0]) ** 2 * torch.exp(-o[:, 1]) + 0.5 * o[:, 1]).mean()


BOUNDED = {
    "a likelihood with a free variance, far below zero": lambda o, y: likelihood(o, y) - 5,
    "log-softmax and its loss": lambda o, y: functional.nll_loss(torch.log_softmax(o, 1), y),
    "a mean similarity": lambda o, y: (
        -functional.cosine_similarity(o, functional.one_hot(y, 3).to(o)).mean()
    ),
    "a loss less its constant": lambda o, y: functional.cross_entropy(o, y) - 7.0,
}


@pytest.mark.parametrize("loss", BOUNDED.values(), ids=BOUNDED)
def test_a_negative_loss_with_a_lower_end_raises_no_alarm(loss):
    x, y = classes()
    assert ask_wiring(mlp(out=3), loss, x, y).verdict == "sound"


def test_a_loss_linear_in_the_output_has_no_floor_though_labels_are_evenly_shared():
    x, _ = classes()
    y = torch.ones(len(x)).index_fill(0, torch.arange(0, len(x), 2), -1.0)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(x.shape[1], 8), nn.ReLU(), nn.Linear(8, 1), nn.Flatten(0))
    card = ask_wiring(model, lambda o, t: -(o * t).mean(), x, y)
    assert card.verdict == "loss-unbounded-below"
    assert card.check(model, lambda o, t: -(o * t).mean(), x, y)
    assert ask_wiring(model, lambda o, t: torch.relu(1 - o * t).mean(), x, y).verdict == "sound"


class _Critic(nn.Module):
    """Judges what is real and what was made; training keeps its weights small from outside."""

    def __init__(self):
        super().__init__()
        self.body = mlp()

    def forward(self, real, made):
        return self.body(real), self.body(made)


@pytest.mark.parametrize("labels", ["zeros", "numbers"])
def test_a_loss_that_looks_at_no_labels_needs_no_floor_whatever_labels_are_given(labels):
    x, _ = classes()
    y = torch.zeros(len(x)) if labels == "zeros" else torch.arange(float(len(x)))
    model = _Critic()
    card = ask_wiring(model, lambda o, _: o[1].mean() - o[0].mean(), (x + 2, x), y)
    assert card.verdict == "sound"
    assert not evidence_of(card).unbounded


def test_gradients_that_are_never_zeroed_are_found():
    x, y = classes()
    model = mlp(out=3)

    class Keeps(SGD):
        def zero_grad(self, set_to_none=True):
            pass

    card = ask_wiring(model, functional.cross_entropy, x, y, Keeps(model.parameters(), 0.1))
    assert card.verdict == "gradient-wrong"
    assert evidence_of(card).reach.gradients_kept


@pytest.mark.parametrize("where", ["parameter 0.bias", "inputs", "outputs", "loss"])
def test_the_first_number_that_is_not_finite_is_named(where):
    x, y = classes()
    model = mlp(out=3)
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] = functional.cross_entropy
    if where == "parameter 0.bias":
        model[0].bias.data[2] = float("nan")
    elif where == "inputs":
        x[3, 1] = float("inf")
    elif where == "outputs":
        model.append(type("Logs", (nn.Module,), {"forward": lambda _, o: torch.log(o - 100)})())
    else:
        loss = lambda o, t: functional.cross_entropy(o, t) * float("inf")  # noqa: E731
    card = ask_wiring(model, loss, x, y)
    assert card.verdict == "numbers-not-finite"
    assert evidence_of(card).not_finite == where
    assert card.check(model, loss, x, y)


def test_a_model_that_writes_into_its_input_is_remarked_and_the_users_data_stay():
    x, y = classes()
    kept = x.clone()
    model = nn.Sequential(nn.ReLU(inplace=True), *mlp(out=3))
    card = ask_wiring(model, functional.cross_entropy, x, y)
    assert evidence_of(card).changes_input
    assert card.verdict == "sound"
    assert np.array_equal(x, kept)


@pytest.mark.parametrize("first", [-1.0, 1.0])
def test_a_loss_without_a_floor_for_one_label_is_found_whichever_comes_first(first):
    x, y = classes(k=2)
    signs = (2.0 * y - 1)[:, None] * first
    model = mlp()
    card = ask_wiring(model, nn.BCEWithLogitsLoss(), x, signs)
    assert card.verdict == "loss-unbounded-below"
    assert card.check(model, nn.BCEWithLogitsLoss(), x, signs)
    assert ask_wiring(model, nn.BCEWithLogitsLoss(), x, (signs > 0).float()).verdict == "sound"


class _Draws(nn.Module):
    def __init__(self):
        super().__init__()
        self.enter, self.leave = nn.Linear(5, 6), nn.Linear(3, 5)

    def forward(self, x):
        mean, log_variance = self.enter(x).chunk(2, 1)
        return self.leave(mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean))


def test_a_network_that_draws_numbers_has_its_slopes_compared_at_the_same_numbers():
    x, _ = classes()
    torch.manual_seed(0)
    card = ask_wiring(_Draws(), nn.MSELoss(), x, x)
    assert all(slope.agrees is not False for slope in evidence_of(card).slopes)
    assert card.verdict != "gradient-wrong"


class _HalfInside(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        weights = {name: p.half() for name, p in self.inner.named_parameters()}
        return torch.func.functional_call(self.inner, weights, (x.half(),)).float()


def test_slopes_below_the_rounding_of_the_numbers_it_was_computed_with_are_not_called_wrong():
    x, y = classes()
    torch.manual_seed(0)
    deep = [part for _ in range(6) for part in (nn.Linear(5, 5), nn.Sigmoid())]
    model = _HalfInside(nn.Sequential(*deep, nn.Linear(5, 3)))
    card = ask_wiring(model, functional.cross_entropy, x, y)
    assert card.verdict != "gradient-wrong"
    assert all(slope.agrees is not False for slope in evidence_of(card).slopes)


class _FirstStateMadeAnew(nn.Module):
    """The tutorials' LSTM: a first state that asks for a gradient, made at every pass."""

    def __init__(self):
        super().__init__()
        self.body, self.head = nn.LSTM(5, 8, batch_first=True), nn.Linear(8, 3)

    def forward(self, x):
        first, second = (torch.zeros(1, len(x), 8).requires_grad_() for _ in range(2))
        return self.head(self.body(x[:, None], (first, second))[0][:, -1])


class _Derivative(nn.Module):
    """A network and its slope in the input, as physics-informed ones have."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3))

    def forward(self, x):
        with torch.enable_grad():
            x = x.clone().requires_grad_(True)
            out = self.body(x)
            (slope,) = torch.autograd.grad(out.sum(), x, create_graph=True)
        return out + slope[:, :3]


@pytest.mark.parametrize("make", [_FirstStateMadeAnew, _Derivative])
def test_a_tensor_that_every_pass_makes_anew_is_none_that_the_optimizer_lacks(make):
    x, y = classes()
    torch.manual_seed(0)
    model = make()
    card = ask_wiring(model, functional.cross_entropy, x, y, SGD(model.parameters(), 0.1))
    assert evidence_of(card).reach.outside_model == ()
    assert card.verdict == "sound"
    assert card.check(model, functional.cross_entropy, x, y)


class _Skips(nn.Module):
    """A block that training leaves out at random; without ``reached`` its output is detached."""

    def __init__(self, reached=True):
        super().__init__()
        self.inner, self.reached = nn.Linear(8, 8), reached

    def forward(self, x):
        if self.training and float(torch.rand(())) < 0.5:
            return x
        out = torch.tanh(self.inner(x))
        return x + (out if self.reached else out.detach())


class _Experts(nn.Module):
    """Sixteen experts of which noise picks one for each example, in training only."""

    def __init__(self):
        super().__init__()
        self.gate = nn.Linear(5, 16)
        self.experts = nn.ModuleList([nn.Linear(5, 3) for _ in range(16)])

    def forward(self, x):
        score = self.gate(x)
        score = score + 2 * torch.randn_like(score) if self.training else score
        weight, pick = score.softmax(1).max(1)
        out = torch.stack([expert(x) for expert in self.experts], 1)
        chosen = torch.zeros(len(x), 3)
        for k, expert in enumerate(self.experts):
            if bool((pick == k).any()):
                rows = pick == k
                chosen = chosen.masked_scatter(rows[:, None], expert(x[rows]) * weight[rows, None])
        return chosen if self.training else (out[range(len(x)), pick] * weight[:, None])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("make", ["dropped layers", "experts"])
def test_what_a_pass_skips_at_random_is_not_cut_from_the_loss(make, seed):
    x, y = classes()
    torch.manual_seed(seed)
    blocks = [_Skips() for _ in range(4)]
    model = (
        nn.Sequential(nn.Linear(5, 8), *blocks, nn.Linear(8, 3))
        if make == "dropped layers"
        else _Experts()
    )
    optimizer = SGD(model.parameters(), 0.1)
    card = ask_wiring(model, functional.cross_entropy, x, y, optimizer, seed=seed)
    assert evidence_of(card).reach.cut == ()
    assert card.verdict == "sound"
    assert card.check(model, functional.cross_entropy, x, y)


def test_a_block_that_is_cut_is_found_among_blocks_that_are_skipped():
    x, y = classes()
    torch.manual_seed(1)
    blocks = [_Skips(reached=k != 1) for k in range(4)]
    model = nn.Sequential(nn.Linear(5, 8), *blocks, nn.Linear(8, 3))
    card = ask_wiring(model, functional.cross_entropy, x, y, SGD(model.parameters(), 0.1))
    assert evidence_of(card).reach.cut == ("2.inner.weight", "2.inner.bias")
    assert card.verdict == "cut-from-loss"
    assert card.check(model, functional.cross_entropy, x, y)


class _OwnNoise(nn.Module):
    """Noise from a generator that the module holds."""

    def __init__(self, kind):
        super().__init__()
        self.inner, self.kind = nn.Linear(5, 3), kind
        self.torch = torch.Generator().manual_seed(3)
        self.held = {"numpy": np.random.default_rng(3)}
        self.python = random.Random(3)

    def forward(self, x):
        out = self.inner(x)
        if self.kind == "torch":
            return out + 0.3 * torch.randn(out.shape, generator=self.torch)
        if self.kind == "numpy":
            return out + 0.3 * torch.from_numpy(self.held["numpy"].normal(size=out.shape)).to(out)
        noise = [self.python.gauss(0, 1) for _ in range(out.numel())]
        return out + 0.3 * torch.tensor(noise).reshape(out.shape)


@pytest.mark.parametrize("kind", ["torch", "numpy", "python"])
def test_a_network_that_draws_from_its_own_generator_has_witnesses_that_hold(kind):
    x, y = classes(200)
    torch.manual_seed(0)
    model = _OwnNoise(kind)
    optimizer = SGD(model.parameters(), 0.1)
    found = diagnose(model, functional.cross_entropy, x, y, optimizer, budget=4)
    decided = [card for card in found.cards if card.verdict != "undecided"]
    assert len(decided) >= 6
    assert [c.question for c in decided if not c.check(model, functional.cross_entropy, x, y)] == []


def focal(outputs, y):
    """A cross-entropy whose weights are held fixed."""
    each = functional.cross_entropy(outputs, y, reduction="none")
    return ((1 - torch.exp(-each)).detach() ** 2 * each).mean()


class _Rounds(nn.Module):
    """A straight-through estimate: rounded forwards, as if it were not backwards."""

    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Linear(5, 8), nn.Linear(8, 3)

    def forward(self, x):
        h = torch.tanh(self.body(x))
        return self.head(h + (torch.round(4 * h) / 4 - h).detach())


@pytest.mark.parametrize(
    ("make", "loss"), [(lambda: mlp(out=3), focal), (_Rounds, functional.cross_entropy)]
)
def test_a_gradient_that_is_stopped_on_its_way_is_told_as_that_and_no_cause_where_it_learns(
    make, loss
):
    x, y = classes(200)
    torch.manual_seed(0)
    model = make()
    optimizer = Adam(model.parameters(), 1e-2)
    found = diagnose(model, loss, x, y, optimizer, questions=["wiring", "schedule"], budget=4)
    card = found.card("wiring")
    assert card.verdict == "stopped-gradient"
    assert "detach" in card.evidence.findings[0]
    assert evidence_of(card).wrong_slopes == ()
    assert card.check(model, loss, x, y)
    assert found.cause == "healthy"


def test_a_wrong_backward_pass_is_wrong_beside_a_detach_that_does_not_explain_it():
    x, y = classes()
    torch.manual_seed(0)
    model = _Parts(lambda m, x: m.head(_Scaled.apply(torch.tanh(m.body(x)), -1.0)))
    card = ask_wiring(model, focal, x, y)
    assert card.verdict == "gradient-wrong"


class _WithAuxiliaryLoss(nn.Module):
    """Outputs of each sample, and one number of the batch, as quantised codes and experts have."""

    def __init__(self, mixes=False):
        super().__init__()
        self.encoder, self.decoder, self.mixes = nn.Linear(6, 8), nn.Linear(8, 6), mixes

    def forward(self, x):
        code = torch.tanh(self.encoder(x))
        out = self.decoder(code + code.mean(0) if self.mixes else code)
        return out, code.square().mean()


@pytest.mark.parametrize("mixes", [False, True])
def test_a_number_of_the_whole_batch_is_no_samples_output(mixes):
    x = torch.randn(64, 6, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    model = _WithAuxiliaryLoss(mixes)

    def loss(outputs, y):
        return ((outputs[0] - y) ** 2).mean() + 0.1 * outputs[1]

    card = ask_wiring(model, loss, x, x)
    assert (card.verdict == "outputs-mix-samples") is mixes
    assert there(evidence_of(card).mixing).mixes is mixes
    assert card.check(model, loss, x, x)


class _Chooses(nn.Module):
    """Picks a row by its largest score: small changes of the scores seldom matter, and none is learned."""

    def __init__(self):
        super().__init__()
        self.score, self.rows = nn.Linear(5, 16), nn.Embedding(16, 3)

    def forward(self, x):
        return self.rows(self.score(x).argmax(1))


@pytest.mark.parametrize("seed", range(4))
def test_what_only_large_changes_show_to_be_cut_off_is_found_again(seed):
    x, y = classes()
    torch.manual_seed(0)
    model = _Chooses()
    optimizer = Adam(model.parameters(), 1e-2)
    card = ask_wiring(model, functional.cross_entropy, x, y, optimizer, seed=seed)
    assert card.check(model, functional.cross_entropy, x, y)
