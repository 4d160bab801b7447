import dataclasses
import inspect
import subprocess
import sys
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    IterableDataset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
)

import pitfalls
from pitfalls import diagnose
from pitfalls.diagnosis import ALL, CAUSES, Adapter, Card, ask_units, ask_wiring
from pitfalls.diagnosis.cards import Diagnosis
from pitfalls.diagnosis.evidence.wiring import WiringEvidence
from pitfalls.diagnosis.zoo import zoo
from pitfalls.errors import InputError
from tests.kinds import of_kind


def data(n=120, d=5):
    g = torch.Generator().manual_seed(0)
    x = torch.randn(n, d, generator=g)
    return x, (x[:, 0] > 0).long()


def mlp(d=5, out=2):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(d, 16), nn.ReLU(), nn.Linear(16, out))


def test_the_door_costs_no_torch_until_it_is_called():
    code = "import sys; from pitfalls import diagnose; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_signature_is_the_documented_one():
    parameters = inspect.signature(pitfalls.diagnose).parameters
    assert list(parameters)[:5] == ["model", "loss", "x", "y", "optimizer"]
    assert (parameters["questions"].default, parameters["budget"].default) == (ALL, 60.0)
    assert parameters["seed"].default == 0


def test_seven_cards_come_in_order_with_cost_and_a_cause_of_the_vocabulary():
    model, (x, y) = mlp(), data()
    seen: list[Any] = []
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    found = diagnose(
        model, functional.cross_entropy, x, y, optimizer, budget=8, on_card=seen.append
    )
    assert isinstance(found, Diagnosis)
    assert tuple(card.question for card in found.cards) == ALL
    assert seen == list(found.cards)
    assert found.cause in CAUSES
    assert found.cause == "healthy"
    for card in found.cards:
        assert isinstance(card, Card)
        assert card.cost.seconds > 0
        assert card.evidence.n > 0
        assert card.verdict == "undecided" or card.check(model, functional.cross_entropy, x, y)
    text, page = str(found), found._repr_html_()
    assert "healthy" in text
    assert page.startswith("<ol>")
    assert "wiring" in page


def test_some_questions_can_be_asked_alone_and_others_are_refused():
    x, y = data()
    found = diagnose(mlp(), functional.cross_entropy, x, y, questions=["units", "wiring"])
    assert [card.question for card in found.cards] == ["wiring", "units"]
    with pytest.raises(InputError, match="'data' was not asked"):
        found.card("data")
    with pytest.raises(InputError, match="questions must be some of"):
        diagnose(mlp(), functional.cross_entropy, x, y, questions=["wires"])  # type: ignore[list-item]


def test_no_word_of_questions_asks_all():
    x, y = data(40)
    found = diagnose(mlp(), functional.cross_entropy, x, y, questions=None, budget=1)
    assert tuple(card.question for card in found.cards) == ALL


class _Pairs(Dataset[Any]):
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class _Stream(IterableDataset[Any]):
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __iter__(self):
        yield from zip(self.x, self.y, strict=True)


def forms():
    x, y = data()
    return {
        "tensors": (x, y),
        "arrays of float64": (x.numpy().astype(np.float64), y.numpy()),
        "lists": (x.tolist(), y.tolist()),
        "a data set": (TensorDataset(x, y), None),
        "a data set of one's own": (_Pairs(x, y), None),
        "a loader": (DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True), None),
        "a loader that drops its last batch": (DataLoader(_Pairs(x, y), 32, drop_last=True), None),
        "a stream": (_Stream(x, y), None),
        "a loader of a stream": (DataLoader(_Stream(x, y), batch_size=16), None),
        "a list of batches": ([(x[i : i + 30], y[i : i + 30]) for i in range(0, 120, 30)], None),
        "a list of examples": ([(row, int(label)) for row, label in zip(x, y, strict=True)], None),
    }


@pytest.mark.parametrize("form", forms())
def test_data_of_every_form_are_read(form):
    x, y = forms()[form]
    card = ask_wiring(mlp(), functional.cross_entropy, x, y)
    assert card.verdict == "sound"
    assert of_kind(WiringEvidence, card.evidence).composition == "mean"


def test_large_data_are_sampled_and_it_is_said_how_many():
    x = torch.randn(9000, 5, generator=torch.Generator().manual_seed(0))
    found = diagnose(mlp(), functional.cross_entropy, x, (x[:, 0] > 0).long(), questions=["wiring"])
    assert (found.n_examples, found.n_total) == (4096, 9000)
    assert "4096 of 9000" in str(found)


class _Tupled(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(5, 2)

    def forward(self, x):
        out = self.layer(x)
        return out, {"logits": out, "squares": [out**2]}


def test_outputs_of_several_tensors_go_to_a_loss_that_takes_them_or_through_an_adapter():
    x, y = data()
    whole = ask_wiring(_Tupled(), lambda out, t: functional.cross_entropy(out[0], t), x, y)
    picked = Adapter(_Tupled(), outputs=lambda out: out[1]["logits"])
    part = ask_wiring(picked, functional.cross_entropy, x, y)
    assert whole.verdict == part.verdict == "sound"
    assert [n for n, _ in picked.named_parameters()] == ["model.layer.weight", "model.layer.bias"]


class _TwoInputs(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(5, 2)

    def forward(self, left, right):
        return self.layer(left[:, :5] + right)


def test_inputs_of_several_tensors_are_positional_or_named():
    x, y = data()
    for batch in ((x, 2 * x), {"right": x, "left": x}):
        assert ask_wiring(_TwoInputs(), functional.cross_entropy, batch, y).verdict == "sound"
    taken = Adapter(_TwoInputs(), inputs=lambda b: (b, b))
    assert ask_wiring(taken, functional.cross_entropy, x, y).verdict == "sound"


def test_losses_over_places_and_labels_of_several_tensors_work():
    g = torch.Generator().manual_seed(0)
    x = torch.randint(0, 6, (90, 7), generator=g)
    model = nn.Sequential(nn.Embedding(6, 8), nn.Linear(8, 6))
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)

    def loss(out, y):
        return functional.cross_entropy(out.transpose(1, 2), y["next"]) + 0 * y["weight"].mean()

    y = {"next": (x + 1) % 6, "weight": torch.ones(90)}
    found = diagnose(model, loss, x, y, optimizer, budget=8)
    assert found.cause == "healthy"


def bad_calls():
    x, y = data()
    ce = functional.cross_entropy
    lazy = nn.Sequential(nn.LazyLinear(3))
    with torch.device("meta"):
        meta = nn.Linear(5, 2)
    with torch.inference_mode():
        inference = mlp()
    return {
        "a function for a model": (lambda x: x, ce, x, y),
        "no parameters": (nn.ReLU(), ce, x, y),
        "lazy modules": (lazy, ce, x, y),
        "the meta device": (meta, ce, x, y),
        "inference mode": (inference, ce, x, y),
        "no loss": (mlp(), "cross_entropy", x, y),
        "a loss of a vector": (mlp(), nn.CrossEntropyLoss(reduction="none"), x, y),
        "a loss of a float": (mlp(), lambda o, t: 0.5, x, y),
        "labels of another type": (mlp(), ce, x, y.float()),
        "labels out of range": (mlp(), ce, x, y + 5),
        "inputs of another width": (mlp(7), ce, x, y),
        "a model that needs more inputs": (_TwoInputs(), ce, x, y),
        "other lengths": (mlp(), ce, x, y[:50]),
        "no examples": (mlp(), ce, x[:0], y[:0]),
        "no labels": (mlp(), ce, x, None),
        "text": (mlp(), ce, ["a"] * 10, y[:10]),
        "a model that gives text": (
            type("Says", (nn.Linear,), {"forward": lambda self, x: "yes"})(5, 2),
            ce,
            x,
            y,
        ),
    }


@pytest.mark.parametrize("name", bad_calls())
def test_bad_input_is_refused_in_one_clear_line(name):
    with pytest.raises(InputError) as caught:
        diagnose(*bad_calls()[name], budget=2)
    assert str(caught.value).startswith("diagnose: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("named", "match"),
    [
        ({"budget": 0}, "budget must be"),
        ({"budget": "5"}, "budget must be a positive number of seconds. Got '5'"),
        ({"budget": None}, "budget must be"),
        ({"questions": 3}, "questions must be"),
        ({"seed": -1}, "seed must be"),
        ({"optimizer": "Adam"}, "optimizer must have"),
        ({"optimizer": torch.optim.Adam}, "the class Adam; call it with model.parameters"),
    ],
)
def test_bad_options_are_refused_in_one_clear_line(named, match):
    x, y = data()
    with pytest.raises(InputError, match=match):
        diagnose(mlp(), functional.cross_entropy, x, y, **named)


class _Complex(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(5, 2, dtype=torch.complex64))

    def forward(self, x):
        return (x.to(torch.complex64) @ self.weight).abs()


def frozen():
    x, y = data()
    model = mlp().requires_grad_(False)
    return model, functional.cross_entropy, x, y, torch.optim.SGD(model.parameters(), 0.1)


def odd_calls():
    x, y = data()
    ce = functional.cross_entropy
    nan = mlp()
    nan[0].weight.data[0, 0] = float("nan")
    return {
        "one example": (mlp(), ce, x[:1], y[:1]),
        "two examples": (mlp(), ce, x[:2], y[:2]),
        "weights of NaN": (nan, ce, x, y),
        "a loss of no gradient": (mlp(), lambda o, t: (o.argmax(1) != t).float().mean(), x, y),
        "batch norm and one example": (
            nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)),
            ce,
            x[:1],
            y[:1],
        ),
        "sparse gradients": (
            nn.Sequential(nn.Embedding(9, 4, sparse=True), nn.Flatten(), nn.Linear(20, 2)),
            ce,
            x.abs().long(),
            y,
        ),
        "sparse inputs": (mlp(), ce, x.to_sparse(), y),
        "everything frozen, and given to the optimizer": frozen(),
        "batch norm and a loader of single rows": (
            *(normed := nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)), ce),
            DataLoader(TensorDataset(x, y), 1),
            None,
            torch.optim.SGD(normed.parameters(), 0.1),
        ),
        "bfloat16": (mlp().bfloat16(), ce, x.bfloat16(), y),
        "complex weights": (_Complex(), ce, x, y),
        "outputs without an axis of examples": (
            nn.Sequential(nn.Linear(5, 1), nn.Flatten(0)),
            lambda o, t: (o - t).abs().mean(),
            x,
            y,
        ),
    }


EXPECTED = {
    "weights of NaN": "numbers-not-finite",
    "a loss of no gradient": "cut-from-loss",
    "everything frozen, and given to the optimizer": "frozen",
    "batch norm and a loader of single rows": "unclear",  # its own steps raise an exception
}


@pytest.mark.parametrize("name", odd_calls())
def test_odd_input_gives_cards_and_never_a_traceback(name):
    found = diagnose(*odd_calls()[name], budget=3)
    assert len(found.cards) == 7
    assert found.cause == EXPECTED.get(name, found.cause)
    if "example" in name and name != "outputs without an axis of examples":
        assert found.cause == "unclear"


def test_compiled_and_scripted_modules_are_taken_as_what_they_are():
    x, y = data()
    compiled = of_kind(nn.Module, torch.compile(mlp(), backend="eager"))
    assert ask_wiring(compiled, functional.cross_entropy, x, y).verdict == "sound"
    in_place = mlp()
    in_place.compile(backend="eager")
    assert ask_wiring(in_place, functional.cross_entropy, x, y).verdict == "sound"
    assert in_place._compiled_call_impl is not None
    with pytest.warns(DeprecationWarning, match="torch.jit"):
        traced = torch.jit.trace(mlp(), x[:3])
    found = diagnose(traced, functional.cross_entropy, x, y, budget=4)
    assert found.card("wiring").verdict == "sound"
    assert found.card("saddle").verdict == "undecided"


@pytest.mark.gpu
def test_a_model_on_the_gpu_is_diagnosed_there():
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    x, y = data()
    model = mlp().cuda()
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    found = diagnose(model, functional.cross_entropy, x, y, optimizer, budget=20)
    assert found.cause == "healthy"
    assert all(p.is_cuda for p in model.parameters())


def test_a_diagnosis_is_drawn_and_has_a_table():
    x, y = data()
    found = diagnose(mlp(), functional.cross_entropy, x, y, questions=("data", "units", "saddle"))
    (axes,) = found.plot()
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0.weight", "2.weight"]
    (axes,) = found.plot(question="saddle")
    assert "Hessian" in axes.get_xlabel()
    assert axes.get_figure() is found.plot(axes)[0].get_figure()
    table = found.to_frame()
    assert list(table["question"]) == ["data", "units", "saddle"]
    assert list(table["verdict"]) == [card.verdict for card in found.cards]
    with pytest.raises(InputError, match="nothing to draw in data"):
        found.plot(question="data")
    plt.close("all")


def test_the_witnesses_of_a_network_that_draws_numbers_hold_each_time():
    case = next(s for s in zoo() if s.name == "variational").build(0)
    found = diagnose(case.model, case.loss, case.x, case.y, case.optimizer, budget=30)
    held = {
        card.question: [card.check(case.model, case.loss, case.x, case.y) for _ in range(2)]
        for card in found.cards
    }
    assert held == {question: [True, True] for question in ALL}


class _AuxiliaryInTraining(nn.Module):
    """A second head in training only, which the loss then asks for."""

    def __init__(self):
        super().__init__()
        self.body, self.aux = nn.Linear(5, 3), nn.Linear(5, 3)

    def forward(self, x):
        return (self.body(x), self.aux(x)) if self.training else self.body(x)


class _Differentiates(nn.Module):
    """Its slope in the input belongs to its outputs; gradients are taken for granted."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3))

    def forward(self, x):
        x = x.clone().requires_grad_(True)
        out = self.body(x)
        (slope,) = torch.autograd.grad(out.sum(), x, create_graph=True)
        return out + slope[:, :3]


def _with_auxiliary(outputs, y):
    main, aux = outputs
    return functional.cross_entropy(main, y) + 0.3 * functional.cross_entropy(aux, y)


@pytest.mark.parametrize(
    ("make", "loss"),
    [(_AuxiliaryInTraining, _with_auxiliary), (_Differentiates, functional.cross_entropy)],
)
def test_a_model_that_runs_in_training_is_examined_though_it_fails_otherwise(make, loss):
    x = torch.randn(200, 5, generator=torch.Generator().manual_seed(0))
    y = (x[:, 0] > 0).long()
    torch.manual_seed(0)
    model = make()
    found = diagnose(model, loss, x, y, torch.optim.Adam(model.parameters(), 1e-2), budget=4)
    assert found.cause == "healthy"
    assert [c.question for c in found.cards if c.verdict == "undecided"] == []
    assert all(card.check(model, loss, x, y) for card in found.cards)


def test_a_loader_that_pads_each_batch_to_its_longest_is_read():
    g = torch.Generator().manual_seed(0)
    lengths = torch.randint(3, 12, (600,), generator=g).tolist()
    lengths[::150] = [40, 41, 42, 43]
    examples = [(torch.randn(n, generator=g), n % 2) for n in lengths]

    def padded(batch):
        rows = nn.utils.rnn.pad_sequence([x for x, _ in batch], batch_first=True)
        return rows, torch.tensor([y for _, y in batch])

    class Mean(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(1, 2)

        def forward(self, x):
            return self.layer(x.mean(1, keepdim=True))

    loader: Any = DataLoader(examples, batch_size=32, collate_fn=padded)  # type: ignore[arg-type]
    card = ask_wiring(Mean(), functional.cross_entropy, loader)
    assert card.verdict == "sound"
    uneven = [padded(examples[1:9]), padded([(torch.zeros(40), 1)] * 8)]
    with pytest.raises(InputError, match="different shapes"):
        ask_wiring(Mean(), functional.cross_entropy, uneven)


@pytest.mark.parametrize("seed", [0, 5])
def test_witnesses_hold_on_the_examples_that_the_diagnosis_drew_by_its_seed(seed):
    x, y = data(6000)
    found = diagnose(
        mlp(), functional.cross_entropy, x, y, budget=8, seed=seed,
        questions=["wiring", "data", "units", "capacity"],
    )  # fmt: skip
    assert found.n_examples == 4096
    assert {card.seed for card in found.cards} == {seed}
    assert all(card.check(mlp(), functional.cross_entropy, x, y) for card in found.cards)
    other = dataclasses.replace(found.card("wiring"), seed=seed + 1)
    assert not other.check(mlp(), functional.cross_entropy, x, y)


class _Records(Dataset[Any]):
    """Examples by name, which only its own function puts together."""

    def __init__(self, x, y):
        self.x, self.y = x, y

    def __len__(self):
        return len(self.x)

    def __getitem__(self, place):
        return {"x": self.x[place], "y": self.y[place]}


def put_together(records):
    return torch.stack([r["x"] for r in records]), torch.stack([r["y"] for r in records])


class _Batches(Dataset[Any]):
    """Batches, ready made."""

    def __init__(self, x, y, size):
        self.x, self.y, self.size = x, y, size

    def __len__(self):
        return len(self.x) // self.size

    def __getitem__(self, place):
        part = slice(place * self.size, (place + 1) * self.size)
        return self.x[part], self.y[part]


def test_a_loader_is_read_by_its_sampler_and_its_own_function_and_ready_batches_stay_batches():
    x, y = data(200)
    with_others = torch.cat([y[:120], torch.full((80,), -1)])  # of no class: a test set's
    sampler = SubsetRandomSampler(range(120))
    part = DataLoader(TensorDataset(x, with_others), 20, sampler=sampler)
    assert diagnose(mlp(), functional.cross_entropy, part, questions=["wiring"]).n_total == 120
    drawn = BatchSampler(SubsetRandomSampler(range(120)), 20, drop_last=False)
    records = DataLoader(_Records(x, with_others), batch_sampler=drawn, collate_fn=put_together)
    found = diagnose(mlp(), functional.cross_entropy, records, questions=["wiring"])
    assert (found.n_examples, found.cards[0].verdict) == (120, "sound")
    ready = DataLoader(_Batches(x, y, 25), batch_size=None)
    found = diagnose(mlp(), functional.cross_entropy, ready, questions=["wiring"])
    assert (found.n_examples, found.cards[0].verdict) == (200, "sound")
    weights = WeightedRandomSampler([1.0] * 200, 200)
    weighted = DataLoader(TensorDataset(x, y), 20, sampler=weights)
    assert diagnose(mlp(), functional.cross_entropy, weighted, questions=["wiring"]).n_total == 200


def test_arrays_that_run_backwards_or_have_another_byte_order_are_read():
    x, y = data()
    turned = x.double().numpy()[::-1], y.numpy()[::-1]
    foreign = x.numpy().astype(">f8"), y.numpy().astype(">i8")
    for given in (turned, foreign):
        found = diagnose(mlp(), functional.cross_entropy, *given, questions=["wiring", "data"])
        assert [card.verdict for card in found.cards] == ["sound", "labels seen"]


def test_of_a_long_list_of_batches_more_than_the_first_are_looked_at():
    x, y = data(9000)
    order = y.argsort()
    x, y = x[order], y[order]
    batches = [(x[i : i + 100], y[i : i + 100]) for i in range(0, 9000, 100)]
    found = diagnose(mlp(), functional.cross_entropy, batches, questions=["data"], budget=5)
    assert found.cause != "data-degenerate"
    assert found.card("data").verdict == "labels seen"
    assert found.card("data").check(mlp(), functional.cross_entropy, batches)


class _Squeezes(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = mlp(out=1)

    def forward(self, x):
        return self.body(x).squeeze()


def test_a_model_that_squeezes_its_outputs_is_never_given_one_example_alone():
    x, y = data(514)  # halves of 257, one more than goes through at once
    model = _Squeezes()
    found = diagnose(
        model, nn.BCEWithLogitsLoss(), x, y.float(), torch.optim.Adam(model.parameters(), 1e-2),
        questions=["wiring", "schedule"], budget=4,
    )  # fmt: skip
    assert [card.verdict for card in found.cards] == ["sound", "learns"]


def test_parts_that_are_compiled_run_as_what_they_wrap():
    x, y = data()
    counted: list[int] = []

    def backend(graph, inputs):
        counted.append(1)
        return graph.forward

    body = mlp()
    body[0].bias.data.fill_(-30.0)
    model = nn.Sequential(of_kind(nn.Module, torch.compile(body[:2], backend=backend)), body[2])
    card = ask_units(model, functional.cross_entropy, x, y)
    assert card.verdict == "dead-units"
    assert counted == []
    model(x)
    assert counted == [1]
