import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from pitfalls.diagnosis import ask_saddle, ask_wiring
from pitfalls.diagnosis import saddle as saddle_module
from pitfalls.diagnosis.curvature import extreme_eigenpairs, lanczos
from pitfalls.diagnosis.evidence.saddle import SaddleEvidence
from pitfalls.diagnosis.examination import examine
from pitfalls.diagnosis.hessian import Hessian
from pitfalls.diagnosis.witnesses import CurvatureWitness
from tests.kinds import of_kind


def evidence_of(card):
    return of_kind(SaddleEvidence, card.evidence)


def data(n=48, d=4, k=2, seed=0):
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(n, d, generator=g)
    return x, x[:, :k].argmax(1)


def networks():
    torch.manual_seed(0)
    return {
        "linear": nn.Linear(4, 2),
        "tanh": nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2)),
        "relu": nn.Sequential(nn.Linear(4, 10), nn.ReLU(), nn.Linear(10, 2)),
        "gelu, deep": nn.Sequential(
            nn.Linear(4, 6), nn.GELU(), nn.Linear(6, 6), nn.GELU(), nn.Linear(6, 2)
        ),
        "norms": nn.Sequential(
            nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.LayerNorm(8), nn.Linear(8, 2)
        ),
        "dropout": nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.SiLU(), nn.Linear(8, 2)),
    }


def dense(model, x, y):
    """The Hessian by torch's own functional transform, in float64 and evaluation mode."""
    model = model.double().eval()
    names = [n for n, p in model.named_parameters()]
    flat = torch.cat([p.detach().flatten() for p in model.parameters()])
    shapes = [p.shape for p in model.parameters()]

    def loss(v):
        parts = torch.split(v, [s.numel() for s in shapes])
        values = {n: p.reshape(s) for n, p, s in zip(names, parts, shapes, strict=True)}
        out = torch.func.functional_call(
            model, {**values, **dict(model.named_buffers())}, (x.double(),)
        )
        return functional.cross_entropy(out, y)

    return torch.autograd.functional.hessian(loss, flat).numpy()


@pytest.mark.parametrize("name", networks())
def test_extreme_eigenpairs_are_the_dense_hessians_to_six_digits(name):
    x, y = data()
    with examine(networks()[name], functional.cross_entropy, x, y, who="test") as subject:
        hessian = Hessian(subject, np.arange(len(x)))
        found = extreme_eigenpairs(hessian, np.random.default_rng(0))
    low, high = found.lowest, found.largest
    exact = np.linalg.eigvalsh(dense(networks()[name], x, y))
    scale = np.abs(exact).max()
    for pair, expected in ((low, exact[0]), (high, exact[-1])):
        assert pair.value == pytest.approx(expected, abs=1e-6 * scale)
        assert abs(pair.value - expected) <= pair.residual + 1e-12
        assert np.linalg.norm(pair.vector) == pytest.approx(1.0)


def test_lanczos_stopped_early_still_bounds_its_error():
    x, y = data()
    model = networks()["gelu, deep"]
    exact = np.linalg.eigvalsh(dense(networks()["gelu, deep"], x, y))
    with examine(model, functional.cross_entropy, x, y, who="test") as subject:
        hessian = Hessian(subject, np.arange(len(x)))
        start = np.random.default_rng(0).standard_normal(hessian.size)
        found = lanczos(hessian, [start], steps=8)
    assert hessian.products == 8
    for value, residual in zip(found.values, found.residuals, strict=True):
        assert np.abs(exact - value).min() <= residual + 1e-7
    assert found.lowest.value >= exact[0] - 1e-12
    assert found.largest.value <= exact[-1] + 1e-12


def test_lanczos_with_time_enough_has_all_distinct_eigenvalues_of_a_small_hessian():
    x, y = data()
    exact = np.linalg.eigvalsh(dense(networks()["tanh"], x, y))
    with examine(networks()["tanh"], functional.cross_entropy, x, y, who="test") as subject:
        hessian = Hessian(subject, np.arange(len(x)))
        start = np.random.default_rng(0).standard_normal(hessian.size)
        found = lanczos(hessian, [start], steps=hessian.size, tolerance=0.0)
    assert [found.lowest.value, found.largest.value] == pytest.approx(exact[[0, -1]], abs=1e-9)
    assert all(np.abs(found.values - value).min() < 1e-6 for value in exact)


def test_lanczos_from_the_ends_of_a_part_is_nearer_than_from_anywhere_after_as_many_products():
    x, y = data(n=256)
    with examine(networks()["gelu, deep"], functional.cross_entropy, x, y, who="test") as subject:
        whole = Hessian(subject, np.arange(256))
        part = extreme_eigenpairs(Hessian(subject, np.arange(64)), np.random.default_rng(0))
        start = np.random.default_rng(0).standard_normal(whole.size)
        cold = lanczos(whole, [start], steps=4)
        warm = lanczos(whole, [part.lowest.vector, part.largest.vector], steps=4)
    assert warm.lowest.value < cold.lowest.value
    assert warm.largest.value > cold.largest.value
    assert max(warm.residuals[[0, -1]]) < max(cold.residuals[[0, -1]])


def test_one_graph_serves_all_products_and_gives_the_dense_columns():
    x, y = data()
    exact = dense(networks()["norms"], x, y)
    with examine(networks()["norms"], functional.cross_entropy, x, y, who="test") as subject:
        hessian = Hessian(subject, np.arange(len(x)))
        columns = np.stack([hessian.times(row) for row in np.eye(hessian.size)])
    assert columns == pytest.approx(exact, abs=1e-10)
    assert subject.cost().gradients == 1


def test_where_products_are_dear_the_card_begins_on_a_part_and_states_its_residual(monkeypatch):
    x, y = data(n=256)
    monkeypatch.setattr(saddle_module, "_plan", lambda subject: (np.arange(256), False))
    card = ask_saddle(networks()["tanh"], functional.cross_entropy, x, y, budget=5)
    exact = np.linalg.eigvalsh(dense(networks()["tanh"], x, y))
    e = evidence_of(card)
    assert e.n == 256
    assert not e.precise
    assert len(e.ritz) <= 41
    assert np.abs(exact - e.lowest).min() <= e.residuals[0] + 1e-5
    assert np.abs(exact - e.largest).min() <= e.residuals[1] + 1e-5
    assert card.check(networks()["tanh"], functional.cross_entropy, x, y)


def test_where_products_on_the_part_were_slower_than_planned_fewer_examples_are_taken(monkeypatch):
    class Slow:
        def elapsed(self):
            return 60.0

    x, y = data(n=256)
    monkeypatch.setattr(saddle_module, "_plan", lambda subject: (np.arange(256), False))
    monkeypatch.setattr(saddle_module, "Stopwatch", Slow)
    card = ask_saddle(networks()["tanh"], functional.cross_entropy, x, y, budget=5)
    assert card.evidence.n == 64
    assert card.check(networks()["tanh"], functional.cross_entropy, x, y)


@pytest.mark.parametrize(("product", "precise"), [(1e-4, True), (5.0, False)])
def test_float64_is_for_networks_whose_products_in_it_fit_the_time(monkeypatch, product, precise):
    took = iter((0.004, 0.004, product))  # two gradients of eight examples, a product in float64

    class Scripted:
        def elapsed(self):
            return next(took)

    x, y = data(n=256)
    monkeypatch.setattr(saddle_module, "Stopwatch", Scripted)
    with examine(networks()["tanh"], functional.cross_entropy, x, y, who="test") as subject:
        subject.start("saddle", 5.0)
        rows, found = saddle_module._plan(subject)
    assert found is precise
    assert len(rows) == 256


def at_zero(d=4, width=3, out=2):
    model = nn.Sequential(nn.Linear(d, width), nn.Tanh(), nn.Linear(width, out))
    for p in model.parameters():
        nn.init.zeros_(p)
    return model


def balanced_regression():
    g = torch.Generator().manual_seed(0)
    x = torch.randn(60, 4, generator=g)
    x = torch.cat([x, -x])
    return x, torch.tanh(x[:, :2])  # odd: no bias helps


def test_zero_is_a_strict_saddle_of_two_layers_and_its_witness_goes_down_both_ways():
    x, y = balanced_regression()
    card = ask_saddle(at_zero(), nn.MSELoss(), x, y, budget=600)
    assert card.verdict == "saddle"
    e = evidence_of(card)
    # the Hessian at zero couples W_2 and W_1 by E[y x'] alone: its eigenvalues are +-singular values
    coupling = 2 * (y.T.double() @ x.double()) / y.numel()
    rows = list(of_kind(CurvatureWitness, card.witness).rows)
    coupling = 2 * (y[rows].T.double() @ x[rows].double()) / y[rows].numel()
    assert e.lowest == pytest.approx(-float(torch.linalg.svdvals(coupling)[0]), rel=1e-5)
    assert e.drop > 0
    assert e.promised < 0.1 * e.drop
    assert card.check(at_zero(), nn.MSELoss(), x, y)


def test_zero_of_three_layers_is_flat_and_no_strict_saddle():
    x, y = balanced_regression()
    model = nn.Sequential(
        nn.Linear(4, 3, bias=False), nn.Linear(3, 3, bias=False), nn.Linear(3, 2, bias=False)
    )
    for p in model.parameters():
        nn.init.zeros_(p)
    card = ask_saddle(model, nn.MSELoss(), x, y, budget=600)
    assert card.verdict == "flat"
    assert evidence_of(card).flat == ("0.weight", "1.weight", "2.weight")


def test_negative_curvature_on_a_slope_is_no_saddle():
    x, y = data()
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))
    card = ask_saddle(model, functional.cross_entropy, x, y, budget=600)
    assert evidence_of(card).lowest < 0
    assert card.verdict == "slope"
    assert card.check(model, functional.cross_entropy, x, y)


def test_a_minimum_of_a_convex_problem_has_no_direction_down():
    g = torch.Generator().manual_seed(0)
    x = torch.randn(50, 3, generator=g).double()
    y = torch.randn(50, 1, generator=g).double()
    model = nn.Linear(3, 1).double()
    best = np.linalg.lstsq(np.c_[x.numpy(), np.ones(50)], y.numpy(), rcond=None)[0]
    model.weight.data.copy_(torch.from_numpy(best[:3].T))
    model.bias.data.copy_(torch.from_numpy(best[3]))
    card = ask_saddle(model, nn.MSELoss(), x, y, budget=600)
    assert card.verdict == "no descent direction"
    assert evidence_of(card).lowest > 0


def test_the_witness_of_a_lowest_curvature_of_zero_holds_to_rounding():
    x, y = data()
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2))
    for p in model.parameters():
        nn.init.zeros_(p)
    card = ask_saddle(model, functional.cross_entropy, x, y, budget=5)
    assert abs(evidence_of(card).lowest) < 1e-12
    assert card.check(model, functional.cross_entropy, x, y)


def test_kinks_are_counted():
    x, y = data()
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    for p in model[0].parameters():
        nn.init.zeros_(p)
    assert evidence_of(ask_saddle(model, functional.cross_entropy, x, y, budget=600)).kinks == 1.0


def test_attention_and_recurrence_have_second_derivatives():
    g = torch.Generator().manual_seed(0)
    x = torch.randn(16, 5, 8, generator=g)
    y = (x[:, :, 0].mean(1) > 0).long()

    class Attends(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
            self.rnn, self.head = nn.GRU(8, 4, batch_first=True), nn.Linear(4, 2)

        def forward(self, x):
            return self.head(self.rnn(self.layer(x))[0][:, -1])

    torch.manual_seed(0)
    card = ask_saddle(Attends(), functional.cross_entropy, x, y, budget=600)
    assert card.verdict in ("slope", "undecided", "saddle")
    assert evidence_of(card).products > 0


@pytest.mark.parametrize("constant", [0.0, 1e7])
def test_a_slope_is_one_whatever_constant_the_loss_stands_on(constant):
    x, _ = data()
    torch.manual_seed(0)
    model = nn.Linear(4, 1)

    def loss(outputs, y):
        return ((outputs - y) ** 2).mean() + constant

    card = ask_saddle(model, loss, x, 3 * x[:, :1], budget=600)
    assert card.verdict == "slope"
    assert evidence_of(card).promised > 0.1


def test_a_level_point_that_third_powers_leave_is_not_said_to_have_no_way_down():
    half = data()[0].double()
    x = torch.cat([half, -half])
    y = x[:, :1]
    model = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 3), nn.Linear(3, 1)).double()
    for p in model.parameters():
        nn.init.zeros_(p)
    card = ask_saddle(model, nn.MSELoss(), x, y, budget=60)
    assert card.verdict == "level"
    assert card.check(model, nn.MSELoss(), x, y)
    with torch.no_grad():
        here = float(nn.MSELoss()(model(x), y))
        for layer in model:  # the loss falls by a product of three
            of_kind(nn.Linear, layer).weight[0, 0] = 0.3
        assert float(nn.MSELoss()(model(x), y)) < here - 1e-3


class _Penalised(nn.Module):
    """Cross-entropy and the squares of all weights, by the model that it holds."""

    def __init__(self, model, share):
        super().__init__()
        self.model, self.share = model, share

    def forward(self, outputs, y):
        squares = sum(p.square().sum() for p in self.model.parameters())
        return functional.cross_entropy(outputs, y) + self.share * squares


@pytest.mark.parametrize("how", ["a function", "a module", "tied weights"])
def test_a_penalty_in_the_loss_is_part_of_slope_and_curvature(how):
    x, y = data()
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4), nn.Linear(4, 2))
    if how == "tied weights":
        model[2].weight = model[0].weight
    share = 0.3
    penalised = _Penalised(model, share)
    loss = penalised if how == "a module" else lambda o, t: penalised(o, t)
    rows = np.arange(len(x))
    with examine(model, functional.cross_entropy, x, y, who="test") as subject:
        plain = Hessian(subject, rows)
        table = np.stack([plain.times(row) for row in np.eye(plain.size)])
        slope = plain.gradient()
    flat = torch.cat([p.detach().double().flatten() for p in model.parameters()]).numpy()
    with examine(model, loss, x, y, who="test") as subject:
        hessian = Hessian(subject, rows)
        found = np.stack([hessian.times(row) for row in np.eye(hessian.size)])
        np.testing.assert_allclose(hessian.gradient(), slope + 2 * share * flat, atol=1e-12)
        assert hessian.value() == pytest.approx(plain.value() + share * float(flat @ flat))
    np.testing.assert_allclose(found, table + 2 * share * np.eye(len(flat)), atol=1e-12)
    assert ask_wiring(model, loss, x, y).verdict == "sound"
    card = ask_saddle(model, loss, x, y)
    assert evidence_of(card).lowest > 0
    assert card.check(model, loss, x, y)
    assert all(isinstance(p, nn.Parameter) and p.is_leaf for p in model.parameters())


def test_parameters_that_a_loss_holds_in_a_list_of_its_own_are_said_to_stay_where_they_are():
    x, y = data()
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 2))
    held = list(model.parameters())

    def loss(outputs, labels):
        squares = torch.stack([p.square().sum() for p in held]).sum()
        return functional.cross_entropy(outputs, labels) + 0.3 * squares

    wiring = ask_wiring(model, loss, x, y)
    assert wiring.verdict == "sound"
    assert any("a list of its own" in said for said in wiring.evidence.findings)
    card = ask_saddle(model, loss, x, y)
    assert card.verdict == "undecided"
    assert "a list of its own" in card.evidence.findings[0]
