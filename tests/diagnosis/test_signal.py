import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn
from torch.nn import functional

from pitfalls.diagnosis import ask_signal, signal
from pitfalls.diagnosis.evidence.signal import SignalEvidence
from pitfalls.diagnosis.examination import examine
from pitfalls.diagnosis.permutation import permutation_test, statistic
from tests.kinds import of_kind


def evidence_of(card):
    return of_kind(SignalEvidence, card.evidence)


def mlp(d, out=1, width=32, seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(d, width), nn.ReLU(), nn.Linear(width, out))


def hinge(outputs, y):
    return torch.relu(1 - outputs.squeeze(1) * y).mean()


def parity(n, d, weight, seed):
    g = torch.Generator().manual_seed(seed)
    x = torch.randint(0, 2, (n, d), generator=g).float()
    return x, 1 - 2 * (x[:, :weight].sum(1) % 2)


def test_the_statistic_is_that_of_its_definition():
    values = torch.randn(12, 7, generator=torch.Generator().manual_seed(0)).double()
    values[:, 3] = 2.0  # shared by all labellings: knows nothing
    mean = values.mean(0)
    variance = ((values - mean) ** 2).mean(0)
    kept = [0, 1, 2, 4, 5, 6]
    expected = [sum((row[j] - mean[j]) ** 2 / variance[j] for j in kept) for row in values]
    assert torch.allclose(statistic(values), torch.tensor(expected))


def test_gradients_by_one_forward_pass_are_those_of_as_many_trainings():
    x, y = parity(600, 8, 3, 0)  # two chunks
    model = mlp(8)
    rng = np.random.default_rng(0)
    rows, orders = np.arange(600), np.array([rng.permutation(600) for _ in range(6)])
    with examine(model, hinge, x, y, who="test") as subject:
        found = permutation_test(subject, rows, orders)
    table = []
    for order in [np.arange(600), *orders]:
        loss = hinge(model(x), y[torch.from_numpy(order)])
        parts = torch.autograd.grad(loss, list(model.parameters()))
        table.append(torch.cat([p.flatten() for p in parts]))
    assert np.allclose(found.statistics, statistic(torch.stack(table)), rtol=1e-3)


def test_p_values_are_uniform_where_labels_are_independent_of_inputs():
    model = mlp(4, width=8)
    whole, layers = [], []
    for seed in range(120):
        g = torch.Generator().manual_seed(seed)
        x = torch.randn(48, 4, generator=g)
        y = torch.randint(0, 2, (48,), generator=g) * 2.0 - 1
        with examine(model, hinge, x, y, who="test", seed=seed) as subject:
            orders = np.array([subject.rng.permutation(48) for _ in range(19)])
            found = permutation_test(subject, np.arange(48), orders)
        whole.append(found.p_value)
        layers.append(found.layers_p_value)
    for values in (whole, layers):
        # p-values are multiples of 1/20: spread them evenly within their step
        spread = np.array(values) - np.random.default_rng(0).random(120) / 20
        assert stats.kstest(spread, "uniform").pvalue > 1e-3


def test_a_learnable_parity_is_seen_where_the_plain_norm_is_blind():
    seen, norms = 0, 0
    for seed in range(5):
        x, y = parity(4096, 8, 3, seed)
        model = mlp(8, width=64, seed=seed)
        rng = np.random.default_rng(seed)
        orders = np.array([rng.permutation(4096) for _ in range(19)])
        with examine(model, hinge, x, y, who="test") as subject:
            seen += permutation_test(subject, np.arange(4096), orders).p_value <= 0.05
        sizes = []
        for order in [np.arange(4096), *orders]:
            loss = hinge(model(x), y[torch.from_numpy(order)])
            parts = torch.autograd.grad(loss, list(model.parameters()))
            sizes.append(sum(float(p.square().sum()) for p in parts))
        norms += sizes[0] >= max(sizes)
    assert seen >= 4
    assert norms <= 2


def test_a_parity_out_of_reach_is_not_seen_and_the_card_says_that_noise_looks_alike():
    x, y = parity(1000, 30, 15, 0)
    card = ask_signal(mlp(30), hinge, x, y, budget=5)
    assert card.verdict == "labels not seen"
    assert any("parity and noise look alike" in finding for finding in card.evidence.findings)


def test_labels_of_classes_are_seen_by_layer_and_the_witness_repeats_the_test():
    g = torch.Generator().manual_seed(0)
    x = torch.randn(300, 6, generator=g)
    y = x[:, :3].argmax(1)
    model = mlp(6, 3)
    card = ask_signal(model, functional.cross_entropy, x, y, budget=10)
    assert card.verdict == "labels seen"
    assert len(evidence_of(card).test.layers) == 4
    assert evidence_of(card).test.n_needed < 300
    assert card.check(model, functional.cross_entropy, x, y)
    shuffled = y[torch.randperm(300, generator=g)]
    assert not card.check(model, functional.cross_entropy, x, shuffled)


def test_dropout_and_batch_norm_do_not_disturb_the_test():
    g = torch.Generator().manual_seed(0)
    x = torch.randn(200, 6, generator=g)
    y = x[:, :2].argmax(1)
    model = nn.Sequential(
        nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 2)
    )
    assert ask_signal(model, functional.cross_entropy, x, y, budget=10).verdict == "labels seen"


def test_the_number_needed_scales_as_the_excess():
    x, y = parity(4096, 8, 2, 1)
    model = mlp(8, width=64, seed=1)
    needed = []
    for n in (1024, 4096):
        rng = np.random.default_rng(0)
        orders = np.array([rng.permutation(n) for _ in range(19)])
        with examine(model, hinge, x, y, who="test") as subject:
            needed.append(permutation_test(subject, np.arange(n), orders).n_needed)
    assert needed[1] == pytest.approx(needed[0], rel=1.5)


def test_few_examples_leave_the_card_undecided():
    x, y = parity(5, 8, 3, 0)
    card = ask_signal(mlp(8), hinge, x, y)
    assert (card.verdict, card.witness) == ("undecided", None)


def test_where_the_whole_gradient_is_too_dear_the_last_layer_is_asked_and_it_is_said(monkeypatch):
    monkeypatch.setattr(signal, "_plan", lambda subject: (16, 19))
    g = torch.Generator().manual_seed(0)
    x = torch.randn(300, 6, generator=g)
    y = x[:, :2].argmax(1)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 2))
    card = ask_signal(model, functional.cross_entropy, x, y, budget=5)
    assert evidence_of(card).tensors == ("2.weight", "2.bias")
    assert [layer.name for layer in evidence_of(card).test.layers] == ["2.weight", "2.bias"]
    assert "2.weight and 2.bias alone" in card.evidence.findings[0]
    assert card.verdict == "labels seen"
    assert card.check(model, functional.cross_entropy, x, y)
    assert all(p.requires_grad for p in model.parameters())


@pytest.mark.parametrize("size", [1e-60, 1e60])
def test_the_unit_of_a_float64_loss_has_no_say(size):
    x, y = parity(256, 8, 1, 0)
    model, rows = mlp(8).double(), np.arange(256)
    orders = np.array([np.random.default_rng(seed).permutation(256) for seed in range(19)])
    found = []
    for factor in (1.0, size):

        def loss(outputs, labels, factor=factor):
            return factor * hinge(outputs, labels)

        with examine(model, loss, x.double(), y.double(), who="test") as s:
            found.append(permutation_test(s, rows, orders).statistics)
    assert np.allclose(found[0], found[1], rtol=1e-6)
