import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from pitfalls.diagnosis import ask_capacity, ask_wiring
from pitfalls.diagnosis.confinement import find_confinement
from pitfalls.diagnosis.evidence.capacity import CapacityEvidence
from pitfalls.diagnosis.examination import examine
from pitfalls.diagnosis.scores import score_outputs, scorer_for
from pitfalls.diagnosis.witnesses import FitWitness
from pitfalls.linear import DeepLinearNetwork
from tests.kinds import of_kind, there


def evidence_of(card):
    return of_kind(CapacityEvidence, card.evidence)


def data(n=64, d=8, k=3):
    g = torch.Generator().manual_seed(0)
    x = torch.randn(n, d, generator=g)
    return x, x[:, :k].argmax(1)


def mlp(d=8, out=3, *more):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(d, 32), nn.ReLU(), nn.Linear(32, out), *more)


def test_the_weights_that_fit_a_batch_are_the_witness():
    x, y = data()
    model = mlp()
    card = ask_capacity(model, functional.cross_entropy, x, y, budget=600)
    assert card.verdict == "fits a batch"
    witness = of_kind(FitWitness, card.witness)
    rows = list(witness.rows)
    fitted = mlp()
    fitted.load_state_dict({k: torch.from_numpy(v) for k, v in witness.weights.items()})
    assert (fitted(x[rows]).argmax(1) == y[rows]).all()
    assert card.check(model, functional.cross_entropy, x, y)
    other = y.roll(1)
    assert not card.check(model, functional.cross_entropy, x, other)
    assert evidence_of(card).memorised >= 32


def test_batch_norm_and_dropout_do_not_hinder_and_the_witness_holds_in_evaluation_mode():
    x, y = data()
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.8), nn.Linear(32, 3)
    )
    card = ask_capacity(model, functional.cross_entropy, x, y, budget=600)
    assert card.verdict == "fits a batch"
    assert card.check(model, functional.cross_entropy, x, y)


def test_frozen_parameters_are_thawed_for_the_question_only():
    x, y = data(24)
    model = mlp()
    model[0].requires_grad_(False)
    card = ask_capacity(model, functional.cross_entropy, x, y, budget=600)
    assert evidence_of(card).thawed == ("0.weight", "0.bias")
    assert not model[0].weight.requires_grad
    weights = of_kind(FitWitness, card.witness).weights
    assert (weights["0.weight"] != model[0].weight.numpy()).any()


def test_a_constant_network_cannot_memorise():
    x, y = data()
    model = nn.Sequential(nn.Linear(8, 1), nn.Linear(1, 3))
    card = ask_capacity(model, functional.cross_entropy, x, y, budget=600)
    assert card.verdict == "cannot-memorise"
    assert (evidence_of(card).rank, evidence_of(card).width) == (1, 1)


def test_the_rank_of_the_features_is_theirs():
    x, y = data(24)
    model = nn.Sequential(nn.Linear(8, 4), nn.Linear(4, 16), nn.Linear(16, 3))
    evidence = evidence_of(ask_capacity(model, functional.cross_entropy, x, y, budget=600))
    assert (evidence.rank, evidence.width, evidence.n_outputs) == (4, 16, 3)


@pytest.mark.parametrize("network", ["sequential", "deep linear"])
def test_a_linear_network_has_the_exact_answer(network):
    g = torch.Generator().manual_seed(1)
    x = torch.randn(200, 6, generator=g).double()
    y = x @ torch.diag(torch.tensor([4.0, 2, 1, 1, 1, 1])).double() + 3
    model = (
        nn.Sequential(nn.Linear(6, 2), nn.Linear(2, 6)).double()
        if network == "sequential"
        else DeepLinearNetwork([6, 2, 6], dtype=torch.float64)
    )
    linear = evidence_of(ask_capacity(model, nn.MSELoss(), x, y, budget=600)).linear
    assert linear.narrowest == 2
    # by least squares and a truncated singular value decomposition of the fitted values
    xc, yc = (x - x.mean(0)).numpy(), (y - y.mean(0)).numpy()
    values = np.linalg.svd(xc @ np.linalg.lstsq(xc, yc, rcond=None)[0], compute_uv=False)
    assert linear.explained == pytest.approx((values[:2] ** 2).sum() / (yc**2).sum())
    assert linear.best_explained == pytest.approx(1.0)


CONFINED = {
    "softmax": (nn.Softmax(1), functional.cross_entropy, math.log(1 + 2 / math.e)),
    "sigmoid": (
        nn.Sigmoid(),
        lambda o, y: functional.binary_cross_entropy_with_logits(o, functional.one_hot(y, 3).to(o)),
        (math.log(1 + math.exp(-1)) + 2 * math.log(2)) / 3,
    ),
    "tanh": (nn.Tanh(), lambda o, y: ((o - 5 * functional.one_hot(y, 3)) ** 2).mean(), 16 / 3),
    "relu": (nn.ReLU(), lambda o, y: ((o + functional.one_hot(y, 3)) ** 2).mean(), 1 / 3),
}


@pytest.mark.parametrize(("last", "loss", "floor"), CONFINED.values(), ids=CONFINED)
def test_confined_outputs_have_the_floor_that_can_be_computed_by_hand(last, loss, floor):
    x, y = data()
    with examine(mlp(8, 3, last), loss, x, y, who="test") as subject:
        found = there(find_confinement(subject, np.arange(24)))
    assert found.function == type(last).__name__.lower()
    assert found.confined == pytest.approx(floor, abs=0.02)
    assert found.free < 0.02
    assert found.share > 0.2


def test_a_confined_network_is_told_so_and_the_floor_is_the_witness():
    x, y = data(32)
    model = mlp(8, 3, nn.Softmax(1))
    card = ask_capacity(model, functional.cross_entropy, x, y, budget=4)
    assert card.verdict == "cannot-memorise"
    assert card.check(model, functional.cross_entropy, x, y)
    assert not card.check(mlp(), functional.cross_entropy, x, y)


FREE = {
    "log-softmax and its loss": (nn.LogSoftmax(1), nn.NLLLoss()),
    "softmax and a loss of probabilities": (
        nn.Softmax(1),
        lambda o, y: -torch.log(o.gather(1, y[:, None]) + 1e-9).mean(),
    ),
    "sigmoid and a loss of probabilities": (
        nn.Sigmoid(),
        lambda o, y: functional.binary_cross_entropy(o, functional.one_hot(y, 3).float()),
    ),
    "tanh and targets in its range": (
        nn.Tanh(),
        lambda o, y: ((o - functional.one_hot(y, 3)) ** 2).mean(),
    ),
    "relu and positive targets": (
        nn.ReLU(),
        lambda o, y: ((o - functional.one_hot(y, 3)) ** 2).mean(),
    ),
}


@pytest.mark.parametrize(("last", "loss"), FREE.values(), ids=FREE)
def test_a_last_function_that_belongs_to_its_loss_confines_nothing(last, loss):
    x, y = data()
    with examine(mlp(8, 3, last), loss, x, y, who="test") as subject:
        found = find_confinement(subject, np.arange(24))
    assert found is None or found.share < 0.1


def test_outputs_are_scored_only_where_the_loss_rewards_what_is_counted():
    x, y = data()
    g = torch.Generator().manual_seed(0)
    counts = torch.poisson(torch.exp(x[:, :1]), generator=g)
    cases = [
        (mlp(), functional.cross_entropy, y, "accuracy"),
        (mlp(), lambda o, t: functional.cross_entropy(-o, t), y, "none"),  # distances
        (mlp(8, 1), nn.MSELoss(), x[:, :1], "R2"),
        (mlp(8, 1), nn.PoissonNLLLoss(), counts, "none"),
        (mlp(8, 1), nn.BCEWithLogitsLoss(), (x[:, :1] > 0).float(), "accuracy"),
    ]
    for model, loss, labels, kind in cases:
        with examine(model, loss, x, labels, who="test") as subject, torch.no_grad():
            assert scorer_for(subject, model(x), labels)(model(x), labels).kind == kind


def test_what_fits_from_a_fresh_start_only_is_no_lack_of_capacity():
    x, y = data()
    model = mlp()
    for parameter in model.parameters():
        nn.init.zeros_(parameter)
    card = ask_capacity(model, functional.cross_entropy, x, y, budget=600)
    assert card.verdict == "fits a batch"
    assert evidence_of(card).fresh
    assert not bool(model[0].weight.any())
    assert card.check(model, functional.cross_entropy, x, y)


def test_scores_of_every_pair_of_shapes():
    logits = torch.tensor([[2.0, 1], [0, 3], [5, 1]])
    assert score_outputs(logits, torch.tensor([0, 1, 1])).value == pytest.approx(2 / 3)
    maps = torch.stack([logits, logits], 2)  # (n, C, places)
    assert score_outputs(maps, torch.tensor([[0, 0], [1, 1], [0, 1]])).value == pytest.approx(5 / 6)
    # places marked negative are left out
    assert score_outputs(maps, torch.tensor([[0, 0], [1, -100], [0, 1]])).value == pytest.approx(
        0.8
    )
    numbers = torch.tensor([1.0, 2, 3])
    assert score_outputs(numbers[:, None], numbers).value == pytest.approx(1.0)
    assert score_outputs(numbers, torch.tensor([0.0, 1, 1])).value == 1.0
    assert score_outputs(numbers, torch.tensor([1.0, 0, 1])).value == pytest.approx(2 / 3)
    assert score_outputs({"a": numbers}, numbers).kind == "none"


class _OtherInEvaluation(nn.Module):
    """Outputs of another kind in evaluation mode than in training."""

    def __init__(self, change):
        super().__init__()
        self.inner, self.change = mlp(), change

    def forward(self, x):
        out = self.inner(x)
        return out if self.training else self.change(out)


OTHER = {
    "softmax": lambda o: o.softmax(1),
    "sigmoid": torch.sigmoid,
    "the class alone": lambda o: functional.one_hot(o.argmax(1), 3).float(),
}


@pytest.mark.parametrize("change", OTHER.values(), ids=OTHER)
def test_what_the_loss_sees_in_training_counts_where_evaluation_gives_other_outputs(change):
    x, y = data()
    model = _OtherInEvaluation(change)
    wiring = ask_wiring(model, functional.cross_entropy, x, y)
    assert any("outputs of another kind" in said for said in wiring.evidence.findings)
    card = ask_capacity(model, functional.cross_entropy, x, y, budget=600)
    assert card.verdict == "fits a batch"
    assert card.check(model, functional.cross_entropy, x, y)


def test_a_softmax_in_both_modes_is_found_in_a_model_of_its_own_class():
    x, y = data(32)
    model = _OtherInEvaluation(lambda o: o)
    model.inner.append(nn.Softmax(1))
    card = ask_capacity(model, functional.cross_entropy, x, y, budget=4)
    assert card.verdict == "cannot-memorise"
    assert card.check(model, functional.cross_entropy, x, y)


@pytest.mark.parametrize("size", [1e-4, 1.0, 1e4])
@pytest.mark.parametrize("seed", range(4))
def test_a_relu_before_positive_targets_of_any_size_confines_nothing(size, seed):
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(60, 5, generator=g)
    y = size * (5 + x[:, :1])
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 1), nn.ReLU())
    with examine(model, nn.MSELoss(), x, y, who="test") as subject:
        found = there(find_confinement(subject, np.arange(32)))
    variance = float(y[:32].var(correction=0))
    assert found.constant == pytest.approx(variance, rel=1e-3)
    assert max(found.free, found.confined) < 1e-3 * variance
    assert found.share < 0.01


def test_a_sigmoid_before_large_targets_confines_them():
    x = torch.randn(60, 5, generator=torch.Generator().manual_seed(0))
    y = 1e4 * (5 + x[:, :1])
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 1), nn.Sigmoid())
    with examine(model, nn.MSELoss(), x, y, who="test") as subject:
        found = there(find_confinement(subject, np.arange(32)))
    assert found.confined == pytest.approx(float((y[:32] - 1).square().mean()), rel=1e-3)
    assert found.share > 1


class _MoreThanItsLayers(nn.Sequential):
    def forward(self, x):
        return self[1](torch.relu(self[0](x)))


def _with_a_hook():
    model = nn.Sequential(nn.Linear(4, 16), nn.Linear(16, 1))
    model[0].register_forward_hook(lambda layer, inputs, out: out.relu())
    return model


@pytest.mark.parametrize(
    "model", [_MoreThanItsLayers(nn.Linear(4, 16), nn.Linear(16, 1)), _with_a_hook()]
)
def test_a_network_that_does_more_than_its_linear_layers_is_not_called_linear(model):
    x = torch.randn(100, 4, generator=torch.Generator().manual_seed(0))
    card = ask_capacity(model, nn.MSELoss(), x, x[:, :1].abs(), budget=1)
    assert evidence_of(card).linear is None


def test_layers_at_every_place_of_a_sequence_are_no_map_of_their_own_rank():
    x = torch.randn(100, 5, 2, generator=torch.Generator().manual_seed(0))
    identity = nn.Linear(2, 2)
    with torch.no_grad():
        identity.weight.copy_(torch.eye(2))
        identity.bias.zero_()
    assert torch.equal(identity(x), x)  # R^2 is 1, and a map of rank two explains about a fifth
    card = ask_capacity(nn.Sequential(identity), nn.MSELoss(), x, x, budget=1)
    assert evidence_of(card).linear is None
    flat = nn.Sequential(nn.Flatten(), nn.Linear(10, 2), nn.Linear(2, 10), nn.Unflatten(1, (5, 2)))
    linear = there(evidence_of(ask_capacity(flat, nn.MSELoss(), x, x, budget=1)).linear)
    values = np.linalg.svd((x - x.mean(0)).flatten(1).double().numpy(), compute_uv=False) ** 2
    assert linear.narrowest == 2
    assert linear.explained == pytest.approx(values[:2].sum() / values.sum(), rel=1e-4)


def test_what_cannot_be_scored_is_not_said_to_memorise():
    x = torch.randn(200, 1, generator=torch.Generator().manual_seed(0))

    def quantile(outputs, y):
        gap = y - outputs
        return torch.maximum(0.9 * gap, -0.1 * gap).mean()

    # two numbers fit a line, and no permuted labels
    card = ask_capacity(nn.Linear(1, 1), quantile, x, 2 * x + 20, budget=4)
    assert evidence_of(card).score.kind == "none"
    assert evidence_of(card).memorised == 0
    assert not any("permuted" in said for said in card.evidence.findings)


def levels(outputs, y):
    """An ordered scale of five by its four thresholds."""
    above = (y[:, None] > torch.arange(4)).to(outputs)
    return functional.binary_cross_entropy_with_logits(outputs, above)


def left_out(outputs, y):
    return functional.cross_entropy(outputs, y.long(), ignore_index=255)


def test_labels_beyond_the_outputs_are_no_classes_of_them():
    x, y = data()
    scale = torch.bucketize(x[:, 0].contiguous(), torch.tensor([-1.0, -0.3, 0.3, 1.0]))
    assert ask_capacity(mlp(out=4), levels, x, scale, budget=10).verdict == "fits a batch"
    gaps = torch.where(torch.arange(len(y)) % 7 == 0, 255, y)
    assert score_outputs(torch.zeros(64, 3), gaps).kind == "none"
    card = ask_capacity(mlp(), left_out, x, gaps, budget=10)
    assert card.verdict == "fits a batch"


@pytest.mark.parametrize("kind", [torch.int32, torch.uint8, torch.int16])
def test_classes_may_be_whole_numbers_of_any_length(kind):
    x, y = data()
    card = ask_capacity(mlp(), left_out, x, y.to(kind), budget=10)
    assert card.verdict == "fits a batch"
    assert evidence_of(card).score.kind == "accuracy"
