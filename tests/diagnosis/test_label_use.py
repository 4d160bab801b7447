import dataclasses

import pytest
import torch
from torch import nn
from torch.nn import functional

from pitfalls.diagnosis import attribute
from pitfalls.diagnosis.data import data_card
from pitfalls.diagnosis.examination import examine
from pitfalls.diagnosis.schedule import schedule_card
from pitfalls.diagnosis.signal import signal_card
from pitfalls.diagnosis.witnesses import DataWitness
from tests.kinds import of_kind


def pairs(outputs, y):
    """Each row's own partner against those of the other rows; there are no labels."""
    left, right = functional.normalize(outputs, dim=1).chunk(2, dim=1)
    return functional.cross_entropy(8 * left @ right.T, torch.arange(len(left)))


def classes(outputs, y):
    return functional.cross_entropy(outputs, y)


def network(*, head_of_zeros=False):
    torch.manual_seed(0)
    body, head = nn.Linear(6, 16), nn.Linear(16, 8)
    if head_of_zeros:
        nn.init.zeros_(head.weight)
    return nn.Sequential(body, nn.Tanh(), head)


def data(y):
    g = torch.Generator().manual_seed(0)
    return torch.randn(128, 6, generator=g), y


@pytest.mark.parametrize(
    ("loss", "y", "matter"),
    [
        (pairs, torch.arange(128), False),
        (pairs, torch.zeros(128), False),
        (classes, torch.arange(128) % 8, True),
        (classes, torch.full((128,), 3), True),  # no order of these is another one
        (lambda o, y: (o - y[:, None]).square().mean(), torch.zeros(128), True),
        (lambda o, y: (o - y[:, None]).square().mean(), torch.ones(128), True),
        (nn.functional.binary_cross_entropy_with_logits, torch.ones(128, 8), True),
    ],
)
def test_whether_the_loss_looks_at_the_labels(loss, y, matter):
    for model in (network(), network(head_of_zeros=True)):
        with examine(model, loss, *data(y), who="test") as subject:
            assert subject.labels_matter is matter


def test_labels_that_no_loss_looks_at_are_neither_degenerate_nor_without_signal():
    g = torch.Generator().manual_seed(0)
    half = torch.randn(256, 3, generator=g)
    x = torch.cat([half, half + 0.1 * torch.randn(256, 3, generator=g)], 1)
    for rate, cause in ((3e-2, "healthy"), (1e-9, "rate-too-low")):
        model = network()
        optimizer = torch.optim.Adam(model.parameters(), rate)
        with examine(
            model, pairs, x, torch.zeros(256), optimizer, who="test", seconds=600
        ) as subject:
            cards = []
            for ask in (data_card, signal_card, schedule_card):
                subject.start(ask.__name__, 600)
                cards.append(ask(subject))
        assert [card.verdict for card in cards[:2]] == ["labels unused", "undecided"]
        assert attribute(cards)[0].cause == cause
        assert cards[0].check(model, pairs, x, torch.zeros(256))
        checked = cards[2].check(model, pairs, x, torch.zeros(256))
        assert checked
        witness = of_kind(DataWitness, cards[0].witness)
        other = dataclasses.replace(witness, verdict="labels seen")
        assert not dataclasses.replace(cards[0], witness=other).check(
            model, pairs, x, torch.zeros(256)
        )
