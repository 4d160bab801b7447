import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsClassifier
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from pitfalls import diagnose
from pitfalls.diagnosis import ask_data
from pitfalls.diagnosis.data import measure_data
from pitfalls.diagnosis.evidence.data import DataEvidence
from pitfalls.diagnosis.learners import Task, encode_labels, see_labels, split_halves
from pitfalls.diagnosis.learners import _ridge as ridge_predictions
from pitfalls.diagnosis.repeats import find_repeats
from tests.kinds import of_kind


def model(d=6, out=3):
    return nn.Linear(d, out)


def ask(x, y, d=6, out=3, loss=functional.cross_entropy):
    return ask_data(model(d, out), loss, x, y)


def gaussian(n=400, d=6, seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, generator=g), g


def test_the_nearest_neighbour_and_its_accuracy_are_scikit_learns():
    rng = np.random.default_rng(0)
    x, classes = rng.standard_normal((200, 4)), rng.integers(0, 3, 200)
    x[:, 0] += classes
    task = Task(np.eye(3)[classes], classes, 3)
    fitted, held = split_halves(200, np.random.default_rng(5))
    found = see_labels(x, task, np.random.default_rng(5))[1]
    oracle = KNeighborsClassifier(1).fit(x[fitted], classes[fitted])
    assert found.score == pytest.approx(oracle.score(x[held], classes[held]))


def test_ridge_is_scikit_learns_at_the_penalty_that_generalised_cross_validation_picks():
    rng = np.random.default_rng(1)
    x, new = rng.standard_normal((60, 5)), rng.standard_normal((9, 5))
    y = x @ rng.standard_normal((5, 2)) + 0.5 * rng.standard_normal((60, 2))
    found = ridge_predictions(x, y, new)
    scale = np.linalg.eigvalsh((x - x.mean(0)) @ (x - x.mean(0)).T).clip(0).mean()
    errors = {}
    for penalty in 10.0 ** np.arange(-6, 4) * scale:
        centred = x - x.mean(0)
        gram = centred @ centred.T
        hat = gram @ np.linalg.inv(gram + penalty * np.eye(60))
        hat += np.full((60, 60), 1 / 60)  # the mean is fitted too
        errors[penalty] = ((y - hat @ y) ** 2).sum() / (60 - np.trace(hat)) ** 2
    best = min(errors, key=lambda penalty: errors[penalty])
    assert np.allclose(found, Ridge(alpha=best).fit(x, y).predict(new), rtol=1e-8)


def test_p_values_are_exact_where_labels_are_independent_of_inputs():
    rng = np.random.default_rng(2)
    values = []
    for _ in range(150):
        x, classes = rng.standard_normal((40, 3)), rng.integers(0, 2, 40)
        task = Task(np.eye(2)[classes], classes, 2)
        values += [score.p_value for score in see_labels(x, task, rng, 99)]
    assert stats.kstest(values[::2], "uniform").pvalue > 1e-3
    # hits of the nearest neighbour are whole numbers: ties make its p-values larger, never smaller
    for level in (0.05, 0.2, 0.5):
        often = int((np.array(values[1::2]) <= level).sum())
        assert stats.binom.sf(often - 1, 150, level) > 1e-3


def test_labels_that_a_line_tells_are_seen_and_shuffled_ones_are_not():
    x, g = gaussian()
    y = (x[:, 0] > 0).long()
    seen = ask(x, y)
    assert seen.verdict == "labels seen"
    assert seen.p_value <= 0.002
    shuffled = ask(x, y[torch.randperm(400, generator=g)])
    assert shuffled.verdict == "labels not seen"
    assert shuffled.evidence.could_see


def test_labels_that_only_neighbours_tell_are_seen():
    x, _ = gaussian(1000, 2)
    y = (torch.sin(4 * x[:, 0]) > 0).long()
    card = ask(x, y, 2, 2)
    by = {score.name: score for score in card.evidence.learners}
    assert by["nearest neighbour"].p_value <= 0.002
    assert card.verdict == "labels seen"


def test_a_class_too_rare_to_judge_leaves_the_card_undecided():
    x, g = gaussian(200)
    y = torch.zeros(200, dtype=torch.long)
    y[:1] = 1
    card = ask(x, y[torch.randperm(200, generator=g)], out=2)
    assert card.verdict == "undecided"
    assert not card.evidence.could_see
    assert card.witness is None


@pytest.mark.parametrize("what", ["inputs", "labels"])
def test_data_that_do_not_vary_are_degenerate(what):
    x, _ = gaussian()
    y = (x[:, 0] > 0).long()
    if what == "inputs":
        x = x[:1].repeat(400, 1)
    else:
        y = torch.ones_like(y)
    assert ask(x, y).verdict == "data-degenerate"


def test_some_constant_features_are_counted_and_no_fault():
    x, _ = gaussian()
    x[:, 2:4] = 3.0
    card = ask(x, (x[:, 0] > 0).long())
    assert card.evidence.constant_features == 2
    assert card.verdict == "labels seen"


def test_a_batch_repeated_is_degenerate_and_a_small_cube_is_not():
    x, g = gaussian(32)
    y = (x[:, 0] > 0).long()
    again = ask(x.repeat(20, 1), y.repeat(20))
    assert again.verdict == "data-degenerate"
    assert again.evidence.repeats.period == 32
    order = torch.randperm(640, generator=g)
    mixed = ask(x.repeat(20, 1)[order], y.repeat(20)[order])
    assert mixed.verdict == "data-degenerate"
    assert mixed.evidence.repeats.period == 0
    bits = torch.randint(0, 2, (2000, 6), generator=g).float()
    cube = ask(bits, (bits.sum(1) % 2).long())
    assert cube.evidence.repeats.distinct < 0.05
    assert cube.verdict == "labels seen"


def test_a_handful_of_rows_drawn_again_and_again_is_degenerate_unless_they_are_bits():
    rng = np.random.default_rng(0)
    pick = rng.integers(0, 5, 300)
    for rows, expected in (
        (rng.standard_normal((5, 12)), True),
        (rng.integers(0, 2, (5, 12)).astype(float), False),
    ):
        found = find_repeats(rows[pick], ())
        assert found.degenerate is expected


def test_a_loader_that_gives_one_batch_again_and_again_is_found():
    x, _ = gaussian(256)
    y = (x[:, 0] > 0).long()

    class Stuck(torch.utils.data.Sampler[int]):
        def __iter__(self):
            for _ in range(8):
                yield from torch.randperm(32).tolist()

        def __len__(self):
            return 256

    healthy = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    stuck = DataLoader(TensorDataset(x, y), batch_size=32, sampler=Stuck())
    assert ask(healthy, None).verdict == "labels seen"
    assert ask(stuck, None).verdict == "data-degenerate"
    assert ask([(x[:32], y[:32])] * 8, None).verdict == "data-degenerate"


def test_a_cycle_needs_three_turns_and_rows_in_order():
    rows = tuple("abcdefghijklmnop" * 4)
    features = np.arange(64.0)[:, None]
    assert find_repeats(features, (rows,)).period == 16
    assert find_repeats(features, (rows[:33],)).period == 0
    assert find_repeats(features, (rows[:40] + rows[41:],)).period == 0


@pytest.mark.parametrize(
    ("y", "columns", "n_classes"),
    [
        (torch.tensor([3, 5, 3, 9]), 3, 3),
        (torch.tensor([-1.0, 1.0, 1.0, -1.0]), 2, 2),
        (torch.tensor([0.1, 0.2, 0.7, 0.4]), 1, 0),
        (torch.tensor([[0, 1], [1, 1], [2, 0], [2, 2]]), 6, 0),
        (torch.tensor([True, False, True, True]), 2, 2),
    ],
)
def test_labels_of_every_kind_become_targets(y, columns, n_classes):
    task = encode_labels(y, np.random.default_rng(0))
    assert task.targets.shape == (4, columns)
    assert task.n_classes == n_classes


def test_the_witness_repeats_the_measurement_and_fails_on_other_labels():
    x, g = gaussian()
    y = (x[:, 0] > 0).long()
    card = ask(x, y)
    assert card.check(model(), functional.cross_entropy, x, y)
    other = y[torch.randperm(400, generator=g)]
    assert not card.check(model(), functional.cross_entropy, x, other)


def test_not_a_number_in_the_labels_is_named():
    x, _ = gaussian()
    y = x[:, :1].clone()
    y[3] = float("nan")
    card = ask_data(nn.Linear(6, 1), functional.mse_loss, x, y)
    evidence = of_kind(DataEvidence, card.evidence)
    assert (card.verdict, evidence.not_finite) == ("numbers-not-finite", "labels")


def test_symbols_are_seen_as_symbols():
    g = torch.Generator().manual_seed(0)
    x = torch.randint(0, 8, (500, 5), generator=g)
    y = torch.tensor([0, 1, 1, 0, 1, 0, 0, 1])[x[:, 2]]  # no order of the symbols tells it
    network = nn.Sequential(nn.Embedding(8, 4), nn.Flatten(), nn.Linear(20, 2))
    card = ask_data(network, functional.cross_entropy, x, y)
    assert of_kind(DataEvidence, card.evidence).learners[0].score > 0.95


def test_labels_that_are_the_inputs_of_another_place_are_not_seen_by_copying():
    g = torch.Generator().manual_seed(0)
    x = torch.randint(0, 5, (400, 9), generator=g)
    found = measure_data(x[:, :-1], x[:, 1:], 0)
    assert not found.sees
    assert found.could_see
    ruled = (x[:, :1] + torch.arange(9)) % 5
    assert measure_data(ruled[:, :-1], ruled[:, 1:], 0).sees
    assert measure_data(x, x, 0).sees  # the same place: built again, not copied from elsewhere
    assert measure_data(x, x.roll(1, 1), 0).sees  # nothing else is left to see


class _Residual(nn.Module):
    """How far u' + u is from 0, for u = 1 + t net(t): a network that solves an equation."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))

    def forward(self, t):
        def solution(t):
            return 1 + t * self.net(t)

        return sum(torch.func.jvp(solution, (t,), (torch.ones_like(t),)))


def test_one_target_for_all_is_the_task_where_training_gets_further_than_a_bias_alone():
    t = 3 * torch.rand(120, 1, generator=torch.Generator().manual_seed(0))
    zero = torch.zeros(120, 1)
    residual = _Residual()
    card = ask_data(residual, functional.mse_loss, t, zero)
    assert card.verdict == "labels constant"
    assert card.check(residual, functional.mse_loss, t, zero)
    optimizer = torch.optim.Adam(residual.parameters(), 1e-2)
    found = diagnose(
        residual, functional.mse_loss, t, zero, optimizer, questions=["data", "schedule"], budget=4
    )
    assert found.cause == "healthy"
    plain = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
    card = ask_data(plain, functional.mse_loss, t, zero)
    assert card.verdict == "data-degenerate"
    assert card.check(plain, functional.mse_loss, t, zero)


class _Fooled(nn.Module):
    """What is made, and what another network makes of it."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.made = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2))
        self.judge = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, z):
        return self.judge(self.made(z))


@pytest.mark.parametrize("judged", ["frozen", "left out", "by the loss"])
def test_one_target_for_what_another_network_judges_is_the_task(judged):
    z, _ = gaussian(200, 4)
    both, right = _Fooled(), torch.ones(200, 1)
    both.judge.requires_grad_(judged != "frozen")
    loss = nn.BCEWithLogitsLoss()
    model = both.made if judged == "by the loss" else both
    given = (lambda o, t: loss(both.judge(o), t)) if judged == "by the loss" else loss
    optimizer = torch.optim.Adam(both.made.parameters(), 1e-2)
    found = diagnose(model, given, z, right, optimizer, questions=["data", "schedule"], budget=4)
    assert found.card("data").verdict == "labels constant"
    assert found.cause == "healthy"
    alone = torch.optim.Adam(both.parameters(), 1e-2)
    both.judge.requires_grad_(True)
    found = diagnose(both, loss, z, right, alone, questions=["data"], budget=4)
    assert found.cause == "data-degenerate"


class _Scores(nn.Module):
    """Each of several candidates gets a score by the same network."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, x):
        return self.net(x)[..., 0]


def test_the_first_of_several_that_are_scored_alike_is_a_task_and_one_class_alone_is_none():
    x = torch.randn(300, 5, 6, generator=torch.Generator().manual_seed(0))
    best, rows = (x[..., 0] + x[..., 1]).argmax(1), torch.arange(300)
    x[rows, best], x[:, 0] = x[:, 0].clone(), x[rows, best].clone()
    first = torch.zeros(300, dtype=torch.long)
    model = _Scores()
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    found = diagnose(
        model, functional.cross_entropy, x, first, optimizer, questions=["data", "schedule"],
        budget=4,
    )  # fmt: skip
    assert found.card("data").verdict == "labels constant"
    assert found.card("data").check(model, functional.cross_entropy, x, first)
    assert found.cause == "healthy"
    plain = nn.Sequential(nn.Flatten(), nn.Linear(30, 16), nn.ReLU(), nn.Linear(16, 5))
    assert ask_data(plain, functional.cross_entropy, x, first).verdict == "data-degenerate"


def test_a_full_batch_again_and_again_is_no_fault_and_its_copies_are_not_split():
    x, g = gaussian(256)
    y = (x[:, 0] > 0).long()
    card = ask([(x[:200], y[:200])] * 100, None)
    assert card.verdict == "labels seen"
    assert card.evidence.n == 200
    assert any("full-batch" in said for said in card.evidence.findings)
    shuffled = y[torch.randperm(256, generator=g)]
    assert ask([(x[:200], shuffled[:200])] * 100, None).verdict == "labels not seen"

    class Stuck(torch.utils.data.Sampler[int]):
        def __iter__(self):
            for _ in range(8):
                yield from torch.randperm(128).tolist()

        def __len__(self):
            return 1024

    stuck = DataLoader(TensorDataset(x, y), batch_size=128, sampler=Stuck())
    assert ask(stuck, None).verdict == "data-degenerate"


@pytest.mark.parametrize("bias", [True, False])
def test_a_constant_far_from_the_start_is_nothing_to_learn_though_training_takes_long(bias):
    x, _ = gaussian(120)
    network = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 1, bias=bias))
    card = ask_data(network, functional.mse_loss, x, torch.full((120, 1), 300.0))
    assert card.verdict == "data-degenerate"


def test_rows_are_told_apart_by_all_of_their_features():
    x, _ = gaussian(200, 1000)
    x[12:, :520] = 0  # padded on the left, as most sequences are
    y = (x[:, -50:].sum(1) > 0).long()
    card = ask(x, y, 1000, 2)
    assert card.evidence.repeats.distinct == 1
    assert card.verdict == "labels seen"
    assert card.evidence.near_duplicates == 0


def test_distinct_rows_and_kinds_are_numpys():
    rng = np.random.default_rng(0)
    features = rng.integers(0, 3, (90, 4)).astype(float)
    features[features == 0] *= -1.0  # minus zero is zero
    features[::2] = np.abs(features[::2])
    found = find_repeats(features, ())
    assert found.distinct * 90 == pytest.approx(len(np.unique(features, axis=0)))
    kinds = [len(np.unique(column)) for column in features.T]
    assert found.possible == pytest.approx(np.prod(kinds))


def test_whole_numbers_that_are_a_quantity_are_seen_by_a_line():
    x, g = gaussian(400)
    y = (1000 * x[:, 0]).round().long()
    card = ask(x, y, out=1, loss=lambda o, t: ((o[:, 0] - t) ** 2).mean())
    assert card.verdict == "labels seen"
    ages = (50 + 40 * x[:, 0]).round().clamp(0, 140).long()
    assert len(ages.unique()) > 100
    task = encode_labels(ages, np.random.default_rng(0))
    by_line = see_labels(x.double().numpy(), task, np.random.default_rng(1))[0]
    assert by_line.p_value <= 0.002
    shuffled = y[torch.randperm(400, generator=g)]
    assert (
        ask(x, shuffled, loss=lambda o, t: ((o[:, 0] - t) ** 2).mean()).verdict == "labels not seen"
    )


def test_labels_that_are_large_whole_numbers_take_no_more_room_than_small_ones():
    x, _ = gaussian(100, 4)
    y = torch.stack([(1e8 * x[:, 0]).long(), (1e8 * x[:, 1]).long()], 1)
    tasks = [encode_labels(labels, np.random.default_rng(0)) for labels in (y, y // 2)]
    assert tasks[0].targets.shape == tasks[1].targets.shape == (100, 64)


def test_inputs_that_are_now_of_one_class_and_now_of_another_are_no_rows_drawn_again():
    g = torch.Generator().manual_seed(0)
    shown = torch.randn(40, 5, generator=g)
    which = torch.randint(0, 40, (2000,), generator=g)
    answers = torch.rand(2000, generator=g) < torch.sigmoid(2 * shown[which, 0])
    network = nn.Linear(5, 2)

    def verdict(y):
        return ask_data(network, functional.cross_entropy, shown[which], y).verdict

    assert verdict(answers.long()) == "labels seen"
    assert verdict((shown[:, 0] > 0).long()[which]) == "data-degenerate"
    assert verdict(answers[torch.randperm(2000, generator=g)].long()) == "data-degenerate"


def test_inputs_measured_again_with_labels_of_their_own_are_no_rows_drawn_again():
    g = torch.Generator().manual_seed(0)
    settings = torch.randn(20, 5, generator=g)
    x = settings.repeat_interleave(50, 0)[torch.randperm(1000, generator=g)]
    y = x[:, :1] - x[:, 1:2] + 0.3 * torch.randn(1000, 1, generator=g)

    def ask_regression(x, y):
        return ask_data(nn.Linear(5, 1), functional.mse_loss, x, y).verdict

    assert ask_regression(x, y) == "labels seen"
    noise = torch.randn(1000, 1, generator=g)
    assert ask_regression(x, noise) == "data-degenerate"
    places = torch.randint(0, 20, (1000,), generator=g)
    assert ask_regression(x[places], y[places]) == "data-degenerate"
