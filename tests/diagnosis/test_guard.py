import os
import random
import signal
import threading
from collections import deque
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, TensorDataset

from pitfalls import diagnose
from pitfalls.diagnosis import ask_schedule, ask_wiring
from pitfalls.diagnosis.zoo import zoo
from pitfalls.errors import InputError
from tests.kinds import there


def bits(value):
    """Everything in a nest as bytes, so that NaN equals NaN and 0. differs from -0."""
    if isinstance(value, torch.Tensor):
        return (value.dtype, tuple(value.shape), value.detach().cpu().numpy().tobytes())
    if isinstance(value, np.ndarray):
        return value.tobytes()
    if isinstance(value, dict):
        return [(k if isinstance(k, str) else id(k), bits(v)) for k, v in value.items()]
    if isinstance(value, list | tuple):
        return [bits(v) for v in value]
    return repr(value)


def snapshot(model, optimizer=None, *others):
    state = [
        [(n, id(p), p.requires_grad, bits(p), id(p.grad)) for n, p in model.named_parameters()],
        [bits(p.grad) for p in model.parameters() if p.grad is not None],
        [(n, id(b), bits(b)) for n, b in model.named_buffers()],
        [(m.training, len(m._forward_hooks), sorted(vars(m))) for m in model.modules()],
        bits(torch.get_rng_state()),
        bits(np.random.get_state()),  # noqa: NPY002
        repr(random.getstate()),
    ]
    if optimizer is not None:
        state += [
            bits(dict(optimizer.state)),
            [{k: v for k, v in g.items() if k != "params"} for g in optimizer.param_groups],
            [[id(p) for p in g["params"]] for g in optimizer.param_groups],
        ]
    return state + [bits(vars(o)) if hasattr(o, "__dict__") else bits(o) for o in others]


def network():
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 3)
    )


def data(n=96):
    g = torch.Generator().manual_seed(5)
    x = torch.randn(n, 6, generator=g)
    return x, (x[:, 0] > 0).long() + (x[:, 1] > 0).long()


def used(model, x, y):
    """An optimizer with momentum, and gradients left from a step."""
    optimizer = Adam(model.parameters(), 1e-2)
    for _ in range(2):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    return optimizer


@pytest.mark.parametrize("setup", [s for s in zoo() if s.part != "blind"], ids=lambda s: s.name)
def test_two_questions_change_no_bit_of_any_member_of_the_zoo(setup):
    case = setup.build(0)
    inputs = bits(case.x), bits(case.y)
    before = snapshot(case.model, case.optimizer)
    diagnose(case.model, case.loss, case.x, case.y, case.optimizer, questions=["wiring", "units"])
    assert snapshot(case.model, case.optimizer) == before
    assert (bits(case.x), bits(case.y)) == inputs


def test_all_questions_change_no_bit():
    model, (x, y) = network(), data()
    optimizer = used(model, x, y)
    model[2].register_forward_hook(lambda *_: None)
    scheduler = StepLR(optimizer, 3)
    optimizer.register_step_post_hook(lambda *_: scheduler.step())
    before = snapshot(model, optimizer)
    rates = scheduler.last_epoch, scheduler.get_last_lr()
    diagnose(model, nn.functional.cross_entropy, x, y, optimizer, budget=3)
    assert snapshot(model, optimizer) == before
    assert (scheduler.last_epoch, scheduler.get_last_lr()) == rates


class _StopsIt:
    """A loss that raises at its k-th call."""

    def __init__(self, error, calls):
        self.error, self.left = error, calls

    def __call__(self, outputs, y):
        self.left -= 1
        if self.left == 0:
            raise self.error
        return nn.functional.cross_entropy(outputs, y)


@pytest.mark.parametrize("calls", [2, 60])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), MemoryError("none left")])
def test_an_interruption_anywhere_leaves_no_trace(error, calls):
    model, (x, y) = network(), data()
    optimizer = used(model, x, y)
    before = snapshot(model, optimizer)
    if isinstance(error, KeyboardInterrupt):
        with pytest.raises(KeyboardInterrupt):
            diagnose(model, _StopsIt(error, calls), x, y, optimizer, budget=5)
    elif calls == 2:  # the first contact fails: one line
        with pytest.raises(InputError, match="none left"):
            diagnose(model, _StopsIt(error, 1), x, y, optimizer, budget=3)
    else:  # later on, the user's code failing is a finding of one card
        cards = diagnose(model, _StopsIt(error, calls), x, y, optimizer, budget=2).cards
        assert any("none left" in str(card) for card in cards)
    assert snapshot(model, optimizer) == before


@pytest.mark.parametrize("delay", [0.02, 0.15, 0.4, 0.9])
def test_a_signal_at_any_time_leaves_no_trace(delay):
    model, (x, y) = network(), data()
    optimizer = used(model, x, y)
    before = snapshot(model, optimizer)
    timer = threading.Timer(delay, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        for _ in range(50):  # a fast machine may be through with one before the signal comes
            diagnose(model, nn.functional.cross_entropy, x, y, optimizer, budget=60)
    timer.join()
    assert snapshot(model, optimizer) == before


def test_an_exception_from_the_callback_leaves_no_trace():
    model, (x, y) = network(), data()
    before = snapshot(model)

    def stop(card):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        diagnose(model, nn.functional.cross_entropy, x, y, on_card=stop)
    assert snapshot(model) == before


def test_a_graph_that_the_user_kept_can_still_be_differentiated():
    model, (x, y) = network(), data()
    model.eval()
    loss = nn.functional.cross_entropy(model(x), y)
    ask_schedule(model, nn.functional.cross_entropy, x, y, SGD(model.parameters(), 0.1), budget=2)
    loss.backward()
    assert model[0].weight.grad is not None


def test_the_loaders_generator_and_the_modules_own_stay_where_they_were():
    x, y = data()
    shuffled = torch.Generator().manual_seed(9)
    loader = DataLoader(TensorDataset(x, y), batch_size=16, shuffle=True, generator=shuffled)

    class Noisy(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(6, 3)
            self.rng = np.random.default_rng(1)
            self.calls, self.seen = 0, []

        def forward(self, inputs):
            self.calls += 1
            self.seen.append(len(inputs))
            self.rng.standard_normal()
            return self.layer(inputs)

    model = Noisy()
    before = bits(shuffled.get_state()), repr(model.rng.bit_generator.state)
    ask_wiring(model, nn.functional.cross_entropy, loader)
    assert (bits(shuffled.get_state()), repr(model.rng.bit_generator.state)) == before
    assert (model.calls, model.seen) == (0, [])


def test_the_diagnosis_draws_other_numbers_than_a_generator_of_the_same_seed():
    seen = []

    class Peeks(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(6, 3)

        def forward(self, inputs):
            seen.append(torch.rand(()).item())
            return self.layer(inputs)

    x, y = data()
    torch.manual_seed(0)
    mine = torch.rand(1000).tolist()
    ask_wiring(Peeks(), nn.functional.cross_entropy, x, y, seed=0)
    assert not set(seen) & set(mine)


def test_the_same_seed_gives_the_same_cards_whatever_the_global_generators_hold():
    model, (x, y) = network(), data()
    found = []
    for start in (1, 2):
        torch.manual_seed(start)
        found.append(ask_wiring(model, nn.functional.cross_entropy, x, y, seed=4).evidence)
    assert repr(found[0]) == repr(found[1])


class _Hoards(nn.Module):
    """State in everything but parameters and buffers."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(6, 3)
        self.hidden = (nn.Linear(6, 6), nn.BatchNorm1d(6))  # not registered
        self.counts, self.last = np.zeros(2), deque([0], maxlen=2)
        self.memory: dict[str, list[Any]] = {"calls": [0, {"sum": torch.zeros(6)}]}

    def forward(self, x):
        self.counts += 1
        self.last.append(len(x))
        self.memory["calls"][0] += 1
        self.memory["calls"][1]["sum"] += x.detach().sum(0)
        return self.head(torch.relu(self.hidden[1](self.hidden[0](x))))

    def kept(self):
        held = [*self.hidden[0].parameters(), *self.hidden[1].parameters()]
        state = [bits(self.counts), repr(self.last), bits(self.memory)]
        state += [bits(tensor) for tensor in self.hidden[1].state_dict().values()]
        return state + [(bits(p), p.grad is None) for p in held] + [self.hidden[1].training]


def test_what_modules_hold_in_arrays_queues_nests_and_unregistered_modules_stays_as_it_was():
    torch.manual_seed(0)
    model, (x, y) = _Hoards(), data()
    optimizer = SGD(model.parameters(), 0.1)
    before = snapshot(model, optimizer), model.kept()
    diagnose(model, nn.functional.cross_entropy, x, y, optimizer, budget=2)
    assert (snapshot(model, optimizer), model.kept()) == before


@pytest.mark.parametrize("had", [False, True])
def test_gradients_of_what_a_loss_learns_beside_the_model_stay_as_they_were(had):
    scale = torch.zeros((), requires_grad=True)
    if had:
        scale.grad = torch.ones(())
    held = scale.grad

    def loss(outputs, y):
        return nn.functional.cross_entropy(outputs, y) * torch.exp(-scale) + scale

    model, (x, y) = network(), data()
    diagnose(model, loss, x, y, SGD(model.parameters(), 0.1), budget=2)
    assert scale.grad is held
    assert float(scale) == 0
    assert not had or float(there(held)) == 1


def test_sparse_buffers_stay_as_they_were():
    class OnGraph(nn.Module):
        edges: torch.Tensor

        def __init__(self):
            super().__init__()
            self.register_buffer("edges", torch.eye(6).to_sparse())
            self.layer = nn.Linear(6, 3)

        def forward(self, x):
            return self.layer(torch.sparse.mm(self.edges, x.T).T)

    model, (x, y) = OnGraph(), data()
    edges = model.edges
    diagnose(model, nn.functional.cross_entropy, x, y, SGD(model.parameters(), 0.1), budget=2)
    assert model.edges is edges
    assert torch.equal(edges.to_dense(), torch.eye(6))
