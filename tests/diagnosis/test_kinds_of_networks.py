"""Networks as people have them, sound in ways of their own: none is to be accused, and faults beside are."""

import copy
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD, Adam
from torch.utils.checkpoint import checkpoint

from pitfalls import diagnose
from pitfalls.diagnosis import ask_capacity, ask_data, ask_units, ask_wiring
from pitfalls.diagnosis.evidence.capacity import CapacityEvidence
from pitfalls.diagnosis.evidence.units import UnitsEvidence
from pitfalls.diagnosis.evidence.wiring import WiringEvidence
from pitfalls.diagnosis.examination import examine
from pitfalls.diagnosis.slopes import check_slopes
from tests.kinds import of_kind, there


def classes(n=400, d=6, k=3):
    x = torch.randn(n, d, generator=torch.Generator().manual_seed(0))
    return x, x[:, :k].argmax(1)


def mlp(*widths):
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for i in range(len(widths) - 1):
        layers += [nn.Linear(widths[i], widths[i + 1]), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def wiring_of(card):
    return of_kind(WiringEvidence, card.evidence)


class _Pairs(nn.Module):
    """Similarities of each left part with each right one, as CLIP gives them."""

    def __init__(self, *, centred=False):
        super().__init__()
        torch.manual_seed(0)
        self.left, self.right, self.centred = nn.Linear(6, 16), nn.Linear(6, 16), centred

    def forward(self, u, v):
        one, two = self.left(u), self.right(v)
        if self.centred:
            one = one - one.mean(0)
        return 5 * functional.normalize(one, dim=1) @ functional.normalize(two, dim=1).T


def partners(outputs, y):
    return functional.cross_entropy(outputs, torch.arange(len(outputs)))


@pytest.mark.parametrize("centred", [False, True])
def test_a_table_of_pairs_of_samples_mixes_only_where_others_move_an_entry(centred):
    u, _ = classes()
    model = _Pairs(centred=centred)
    card = ask_wiring(model, partners, (u, u.flip(1)), torch.zeros(len(u)))
    assert (card.verdict == "outputs-mix-samples") is centred
    assert card.check(model, partners, (u, u.flip(1)), torch.zeros(len(u)))


def test_a_broadcast_to_all_pairs_in_the_model_is_a_mixing_where_samples_have_labels():
    x, _ = classes()

    class Broadcasts(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(6, 1)

        def forward(self, x):
            return self.layer(x) + x[:, 0]

    card = ask_wiring(Broadcasts(), lambda o, y: ((o - y) ** 2).mean(), x, x[:, 1])
    assert card.verdict == "outputs-mix-samples"


class _Taught(nn.Module):
    """A network and its teacher, which averages it and is no matter of the optimizer."""

    def __init__(self):
        super().__init__()
        self.own, self.head = mlp(6, 32, 16), nn.Linear(16, 16)
        self.teacher = copy.deepcopy(self.own)

    def forward(self, u, v):
        with torch.no_grad():
            taught = self.teacher(v)
        return self.head(self.own(u)), taught


def nearness(outputs, y):
    own, taught = outputs
    return (1 - functional.cosine_similarity(own, taught, dim=1)).mean()


@pytest.mark.parametrize("asks", [False, True])
@pytest.mark.parametrize("other_start", [False, True])
def test_a_teacher_that_follows_the_network_is_neither_frozen_nor_cut_off(asks, other_start):
    x, _ = classes()
    model = _Taught()
    if other_start:
        torch.manual_seed(1)
        for layer in model.teacher[::2]:
            layer.reset_parameters()
    model.teacher.requires_grad_(asks)
    card = ask_wiring(
        model, nearness, (x, x + 0.1), torch.zeros(len(x)), Adam(model.parameters(), 1e-2)
    )
    accused = "cut-from-loss" if asks else "frozen"
    assert card.verdict == (accused if other_start else "sound")


def test_a_network_that_only_the_loss_reaches_is_trained_by_turns_and_a_layer_in_no_list_is_not():
    z = torch.randn(300, 4, generator=torch.Generator().manual_seed(0))
    made, judge, hidden = mlp(4, 32, 2), mlp(2, 32, 1), nn.Linear(2, 2)

    def fooled(outputs, y):
        return functional.softplus(-judge(outputs)).mean()

    card = ask_wiring(made, fooled, z, torch.zeros(300), Adam(made.parameters(), 1e-3))
    assert card.verdict == "sound"
    assert len(there(wiring_of(card).reach).beside_model) == 4
    assert any("trained by turns" in said for said in card.evidence.findings)

    class Hides(nn.Module):
        def __init__(self):
            super().__init__()
            self.made = made

        def forward(self, z):
            return hidden(self.made(z))

    card = ask_wiring(Hides(), fooled, z, torch.zeros(300), Adam(made.parameters(), 1e-3))
    assert card.verdict == "not-in-optimizer"
    assert len(there(wiring_of(card).reach).outside_model) == 2


class _Heads(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.body, self.one, self.two = nn.Linear(6, 32), nn.Linear(32, 3), nn.Linear(32, 5)

    def forward(self, x):
        h = torch.relu(self.body(x))
        return self.one(h), self.two(h)


def test_a_head_that_the_loss_leaves_out_is_a_remark_and_one_it_reads_by_its_largest_is_cut():
    x, y = classes()
    model = _Heads()
    optimizer = Adam(model.parameters(), 1e-2)
    first = ask_wiring(model, lambda o, t: functional.cross_entropy(o[0], t), x, y, optimizer)
    assert first.verdict == "sound"
    assert there(wiring_of(first).reach).unused == ("two.weight", "two.bias")

    def largest(outputs, t):
        return functional.cross_entropy(outputs[0], t) + outputs[1].argmax(1).float().mean()

    both = ask_wiring(model, largest, x, y, optimizer)
    assert both.verdict == "cut-from-loss"
    assert there(wiring_of(both).reach).cut == ("two.weight", "two.bias")


def test_trained_features_may_be_left_out_of_the_optimizer_and_new_ones_may_not():
    x, y = classes()
    model = mlp(6, 64, 3)
    new = ask_wiring(model, functional.cross_entropy, x, y, SGD(model[2].parameters(), 0.1))
    with torch.no_grad():  # a few large entries, as training leaves them
        model[0].weight.mul_(torch.rand(64, 6, generator=torch.Generator().manual_seed(0)) ** 6)
    trained = ask_wiring(model, functional.cross_entropy, x, y, SGD(model[2].parameters(), 0.1))
    assert [new.verdict, trained.verdict] == ["not-in-optimizer", "sound"]
    assert trained.check(model, functional.cross_entropy, x, y)


def measured(outputs, y):
    """The squares of those labels that there are."""
    there = torch.isfinite(y)
    return ((outputs[there] - y[there]) ** 2).mean()


def with_gaps():
    x, _ = classes()
    y = torch.stack([x[:, 0] + x[:, 1], x[:, 2], torch.tanh(x[:, 3])], 1)
    gone = torch.rand(y.shape, generator=torch.Generator().manual_seed(1)) < 0.3
    return x, y.masked_fill(gone, float("nan"))


def test_labels_that_nobody_measured_are_no_fault_of_a_loss_that_passes_over_them():
    x, y = with_gaps()
    model = mlp(6, 32, 3)
    found = diagnose(model, measured, x, y, Adam(model.parameters(), 1e-2), budget=8)
    assert found.cause == "healthy"
    assert found.card("wiring").verdict == "sound"
    assert found.card("data").verdict == "labels seen"
    assert any("passes over" in said for said in found.card("data").evidence.findings)
    assert found.card("data").check(model, measured, x, y)
    fault = ask_wiring(model, functional.mse_loss, x, y)
    assert (fault.verdict, wiring_of(fault).not_finite) == ("numbers-not-finite", "labels")


def test_minus_infinity_in_a_mask_is_no_fault():
    g = torch.Generator().manual_seed(0)
    ids = torch.randint(1, 9, (300, 8), generator=g)
    mask = torch.zeros(300, 8)
    mask[::2, 5:] = float("-inf")

    class Attends(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.embed, self.score, self.head = nn.Embedding(9, 8), nn.Linear(8, 1), nn.Linear(8, 2)

        def forward(self, ids, mask):
            e = self.embed(ids)
            share = torch.softmax(self.score(e)[..., 0] + mask, 1)
            return self.head((share[..., None] * e).sum(1))

    card = ask_wiring(Attends(), functional.cross_entropy, (ids, mask), (ids[:, 0] < 5).long())
    assert card.verdict == "sound"
    assert ask_data(
        Attends(), functional.cross_entropy, (ids, mask), (ids[:, 0] < 5).long()
    ).verdict == ("labels seen")


class _Sign(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return torch.sign(x)

    @staticmethod
    def backward(ctx: Any, flowing: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        back: Tensor = flowing * (x.abs() <= 1)
        return back


class _Signs(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.body, self.head = nn.Linear(6, 64), nn.Linear(64, 3)

    def forward(self, x):
        return self.head(_Sign.apply(self.body(x)))


def test_a_gradient_that_stands_in_for_a_step_functions_slope_is_told_as_that():
    x, y = classes()
    model = _Signs()
    found = diagnose(
        model, functional.cross_entropy, x, y, Adam(model.parameters(), 1e-2),
        questions=["wiring", "schedule"], budget=4,
    )  # fmt: skip
    card = found.card("wiring")
    assert card.verdict == "stopped-gradient"
    assert "goes in steps" in card.evidence.findings[0]
    assert [s.name for s in wiring_of(card).stopped_slopes] == ["body.weight", "body.bias"]
    assert card.check(model, functional.cross_entropy, x, y)
    assert found.cause == "healthy"


class _Again(nn.Module):
    """A part that is run again on the way back."""

    def __init__(self, how):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.again, self.last = nn.Linear(6, 32), nn.Linear(32, 32), nn.Linear(32, 3)
        self.how = how

    def forward(self, x):
        h = torch.relu(self.first(x))
        part = lambda t: torch.relu(self.again(t))  # noqa: E731
        return self.last(
            part(h) if self.how is None else checkpoint(part, h, use_reentrant=self.how)
        )


def test_checkpoints_that_re_enter_give_the_cards_of_the_network_without_them():
    x, y = classes()
    seen = []
    for how in (None, True):
        model = _Again(how)
        model.first.weight.grad = torch.ones(32, 6)
        found = diagnose(
            model, functional.cross_entropy, x, y, Adam(model.parameters(), 1e-2), budget=20,
            questions=["wiring", "signal", "units", "schedule"],
        )  # fmt: skip
        assert torch.equal(there(model.first.weight.grad), torch.ones(32, 6))
        units = of_kind(UnitsEvidence, found.card("units").evidence)
        gradients = [round(layer.gradient, 5) for layer in units.gradients]
        seen.append(([card.verdict for card in found.cards], found.cause, gradients))
    assert seen[0] == seen[1]
    assert seen[0][1] == "healthy"


class _Spectral(nn.Module):
    """Complex weights on the lowest frequencies, and real ones beside."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.modes = nn.Parameter(torch.randn(4, 4, 5, dtype=torch.cfloat) / 4)
        self.up, self.down = nn.Conv1d(1, 4, 1), nn.Conv1d(4, 1, 1)

    def forward(self, x):
        f = torch.fft.rfft(self.up(x))
        kept = torch.einsum("bim,iom->bom", f[:, :, :5], self.modes)
        return self.down(torch.fft.irfft(functional.pad(kept, (0, f.shape[2] - 5)), n=x.shape[2]))


def test_slopes_of_complex_weights_are_told_with_both_their_parts():
    x = torch.randn(64, 1, 16, generator=torch.Generator().manual_seed(0))
    y = x.cumsum(-1) / 4
    model = _Spectral()
    card = ask_wiring(model, functional.mse_loss, x, y)
    assert card.verdict == "sound"
    with examine(model, functional.mse_loss, x, y, who="test") as subject:
        slopes = {s.name: s for s in check_slopes(subject, np.arange(8))}
    value = functional.mse_loss(model(x[:8]), y[:8])
    (gradient,) = torch.autograd.grad(value, [model.modes])
    assert slopes["modes"].agrees is True
    assert slopes["modes"].by_gradient == pytest.approx(float(gradient.abs().norm()), rel=1e-4)
    assert ask_capacity(model, functional.mse_loss, x, y, budget=5).verdict != "cannot-memorise"


class _Latent(nn.Module):
    """Learned queries look at the input: the first product reads the same for all."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.latent = nn.Parameter(torch.randn(4, 8))
        self.query, self.embed, self.head = nn.Linear(8, 8), nn.Embedding(12, 8), nn.Linear(32, 3)

    def forward(self, ids):
        q, e = self.query(self.latent.expand(len(ids), -1, -1)), self.embed(ids)
        return self.head((torch.softmax(q @ e.transpose(1, 2), -1) @ e).flatten(1))


def test_learned_queries_do_not_make_a_network_blind_and_hidden_inputs_do():
    g = torch.Generator().manual_seed(0)
    ids = torch.randint(0, 12, (200, 6), generator=g)
    y = (ids < 4).sum(1).clamp(max=2)
    card = ask_units(_Latent(), functional.cross_entropy, ids, y)
    assert not of_kind(UnitsEvidence, card.evidence).blind
    x, t = classes()
    hidden = nn.Sequential(nn.Threshold(9.0, 0.0), *mlp(6, 32, 3))
    blind = ask_units(hidden, functional.cross_entropy, x, t)
    assert of_kind(UnitsEvidence, blind.evidence).blind


class _Named(OrderedDict[str, Tensor]):
    """Outputs that answer by their names, as those of model libraries do."""

    def __getattr__(self, name: str) -> Tensor:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class _LossInside(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = mlp(6, 32, 3)

    def forward(self, x, labels):
        logits = self.body(x)
        return _Named(loss=functional.cross_entropy(logits, labels), logits=logits)


def test_outputs_that_answer_by_name_reach_the_loss_as_what_they_are():
    x, y = classes()
    model = _LossInside()
    batch, none = {"x": x, "labels": y}, torch.zeros(len(x), dtype=torch.long)
    loss = lambda outputs, _: outputs.loss  # noqa: E731
    found = diagnose(
        model, loss, batch, none, Adam(model.parameters(), 1e-2),
        questions=["wiring", "data", "schedule"], budget=6,
    )  # fmt: skip
    assert found.card("wiring").verdict == "sound"
    assert found.card("data").verdict == "labels unused"
    assert found.cause == "healthy"


class _Adapted(nn.Module):
    """A trained layer with an adapter of two small matrices, the last of them zero."""

    def __init__(self, layer, rank=4):
        super().__init__()
        self.layer = layer.requires_grad_(False)
        self.first = nn.Parameter(torch.randn(rank, layer.in_features) / layer.in_features**0.5)
        self.last = nn.Parameter(torch.zeros(layer.out_features, rank))

    def forward(self, x):
        return self.layer(x) + x @ self.first.T @ self.last.T


def test_adapters_that_begin_at_zero_are_at_no_saddle_where_only_the_rate_is_too_low():
    x, y = classes()
    base = mlp(6, 64, 64, 3)
    model = nn.Sequential(
        _Adapted(base[0]), nn.ReLU(), _Adapted(base[2]), nn.ReLU(), _Adapted(base[4])
    )
    parameters = [p for p in model.parameters() if p.requires_grad]
    found = diagnose(
        model, functional.cross_entropy, x, y, Adam(parameters, 1e-8),
        questions=["wiring", "units", "schedule"], budget=15,
    )  # fmt: skip
    assert found.cause == "rate-too-low"
    assert "saddle-at-init" not in found.causes
    at_zero = mlp(6, 64, 64, 3)
    for p in at_zero.parameters():
        nn.init.zeros_(p)
    found = diagnose(
        at_zero, functional.cross_entropy, x, y, Adam(at_zero.parameters(), 1e-2),
        questions=["wiring", "units", "schedule"], budget=15,
    )  # fmt: skip
    assert found.cause == "saddle-at-init"


@pytest.mark.parametrize("size", [1e-6, 1e5])
def test_targets_of_another_size_are_no_lack_of_capacity_and_a_narrow_place_is(size):
    x, _ = classes()
    y = size * torch.stack([x[:, 0], x[:, 1], x[:, 2] + x[:, 3]], 1)

    def network(narrowest):
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Linear(6, 32), nn.Tanh(), nn.Linear(32, narrowest), nn.Linear(narrowest, 3)
        )

    wide = ask_capacity(network(32), functional.mse_loss, x, y, budget=20)
    assert wide.verdict == "undecided"
    assert of_kind(CapacityEvidence, wide.evidence).scaled
    assert (
        ask_capacity(network(1), functional.mse_loss, x, y, budget=20).verdict == "cannot-memorise"
    )


def test_a_loss_that_draws_numbers_is_not_said_to_look_at_samples_together():
    x, _ = classes()
    model = mlp(6, 16, 1)

    def noisy(outputs, y):
        return ((outputs[:, 0] - y + 0.3 * torch.randn(len(y))) ** 2).mean()

    card = ask_wiring(model, noisy, x, x[:, 0])
    assert (card.verdict, wiring_of(card).composition) == ("sound", "undecided")
    assert card.check(model, noisy, x, x[:, 0])


def test_answers_that_are_ruled_out_by_minus_infinity_are_no_fault():
    x, y = classes()
    ruled_out = torch.stack([torch.zeros(400), x[:, 1] - x[:, 0] > 2, torch.zeros(400)], 1) > 0
    ruled_out[torch.arange(400), y] = False

    class Chooses(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = mlp(6, 32, 3)

        def forward(self, x, ruled_out):
            return self.body(x).masked_fill(ruled_out, float("-inf"))

    model = Chooses()
    found = diagnose(
        model, functional.cross_entropy, (x, ruled_out), y, Adam(model.parameters(), 1e-2),
        questions=["wiring", "schedule"], budget=6,
    )  # fmt: skip
    assert found.card("wiring").verdict == "sound"
    assert there(wiring_of(found.card("wiring")).mixing).mixes is False
    assert found.cause == "healthy"
    assert found.card("schedule").check(model, functional.cross_entropy, (x, ruled_out), y)


def test_one_output_a_sample_in_a_list_is_read_and_so_is_a_table_of_pairs():
    x, _ = classes()

    class Lists(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(6, 2)

        def forward(self, x):
            return list(self.layer(x))

    def near(outputs, y):
        return (torch.stack(outputs)[:, 0] - y).square().mean()

    for model, loss, given, y in (
        (Lists(), near, x, x[:, 0]),
        (_Pairs(), partners, (x, x.flip(1)), torch.zeros(len(x))),
    ):
        found = diagnose(
            model, loss, given, y, Adam(model.parameters(), 1e-2),
            questions=["wiring", "schedule"], budget=5,
        )  # fmt: skip
        assert found.card("wiring").verdict == "sound"
        assert found.cause == "healthy"
