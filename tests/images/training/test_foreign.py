"""Datasets, DataLoaders and modules as other libraries make them."""

import copy
import dataclasses
import json
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset, DistributedSampler, IterableDataset, TensorDataset

from pitfalls.errors import InputError
from pitfalls.images.networks import normalize
from pitfalls.images.training.config import TrainConfig
from pitfalls.images.training.evaluation import evaluate, predict_logits
from pitfalls.images.training.loop import train
from pitfalls.images.training.range_test import learning_rate_range
from pitfalls.images.training.records import StepRecord, TrainState
from tests.images.training.test_loop import assert_equal, dataset, network, plain, weights

CONFIG = TrainConfig(
    epochs=2, batch_size=8, scheme="constant", rate=0.05, transforms=(), checkpoint_every=1
)


def tensors(data):
    images = normalize(torch.from_numpy(data.train_images), data.mean, data.std)
    return TensorDataset(images, torch.from_numpy(data.train_labels))


class Random(Dataset[Any]):
    """Bytes, changed by all three global generators, as other people's transforms do."""

    def __len__(self):
        return 30

    def __getitem__(self, index):
        import random

        image = torch.randint(200, (3, 8, 8), dtype=torch.uint8)
        shift = random.randrange(20) + np.random.randint(20)  # noqa: NPY002
        return {"image": image + shift, "label": index % 4}


def through_json(state):
    return TrainState(
        {k: v.contiguous().clone() for k, v in state.tensors.items()},
        json.loads(json.dumps(state.meta)),
    )


def test_a_dataset_of_the_same_numbers_trains_the_same_network():
    data = dataset()
    ours, theirs = network(), network()
    one = train(ours, data, CONFIG)
    held = TensorDataset(
        normalize(torch.from_numpy(data.validation_images), data.mean, data.std),
        torch.from_numpy(data.validation_labels),
    )
    two = train(theirs, tensors(data), CONFIG, validation=held)
    assert_equal(weights(ours), weights(theirs))
    assert [e.validation_accuracy for e in one.epochs] == [
        e.validation_accuracy for e in two.epochs
    ]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Random(),
        lambda: DataLoader(Random(), batch_size=7, shuffle=True, drop_last=True),
        lambda: DataLoader(
            Random(), batch_size=8, shuffle=True, generator=torch.Generator().manual_seed(3)
        ),
    ],
    ids=["dataset", "loader", "loader with a generator"],
)
def test_random_data_resume_bit_for_bit(make):
    whole = network()
    states: list[TrainState] = []
    log: list[StepRecord] = []
    train(whole, make(), CONFIG, on_checkpoint=states.append, on_step=log.append)
    assert log[0].loss != log[4].loss
    for state in (states[0], states[4], states[6]):
        torch.rand(3)
        np.random.rand()  # noqa: NPY002
        resumed = network(seed=4)
        rest: list[StepRecord] = []
        train(resumed, make(), CONFIG, state=through_json(state), on_step=rest.append)
        assert_equal(weights(whole), weights(resumed))
        assert rest == log[state.step :]


@pytest.mark.filterwarnings("ignore")
def test_a_loader_with_workers_gives_the_same_in_a_resumed_run():
    def make():
        return DataLoader(Random(), batch_size=15, shuffle=True, num_workers=1)

    whole = plain()
    states: list[TrainState] = []
    train(whole, make(), CONFIG, on_checkpoint=states.append)
    resumed = plain(seed=4)
    train(resumed, make(), CONFIG, state=through_json(states[2]))
    assert_equal(weights(whole), weights(resumed))


def test_pillow_pictures_and_bytes_are_scaled_and_floats_are_not():
    seen: list[torch.Tensor] = []
    red = Image.new("RGB", (4, 5), (255, 51, 0))
    train(_Watcher(seen), _Listed([(red, 1)] * 4), dataclasses.replace(CONFIG, batch_size=4))
    assert seen[0].shape == (4, 3, 5, 4)
    torch.testing.assert_close(seen[0][0, :, 0, 0], torch.tensor([1.0, 0.2, 0.0]))
    train(_Watcher(seen), TensorDataset(torch.full((4, 1, 2, 2), 7.0), torch.tensor([0, 1, 1, 0])),
          dataclasses.replace(CONFIG, batch_size=4))  # fmt: skip
    assert (seen[-1] == 7).all()


def test_pictures_with_a_palette_give_its_colours_and_not_the_places_in_it():
    seen: list[torch.Tensor] = []
    red = Image.new("RGB", (4, 5), (255, 51, 0))
    for picture in (red.quantize(4), Image.new("1", (4, 5), 1)):
        train(
            _Watcher(seen), _Listed([(picture, 1)] * 4), dataclasses.replace(CONFIG, batch_size=4)
        )
    torch.testing.assert_close(seen[0][0, :, 0, 0], torch.tensor([1.0, 0.2, 0.0]))
    torch.testing.assert_close(seen[-1][0, :, 0, 0], torch.tensor([1.0]))


class _Watcher(nn.Module):
    """Keeps what it is shown."""

    def __init__(self, seen):
        super().__init__()
        self.seen, self.bias = seen, nn.Parameter(torch.zeros(2))

    def forward(self, x):
        self.seen.append(x)
        return self.bias.expand(len(x), 2)


class _Listed(Dataset[Any]):
    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return self.items[index]


class _Stream(IterableDataset[Any]):
    def __iter__(self):
        return iter([(torch.zeros(3, 8, 8), 0)] * 8)


GOOD = torch.zeros(3, 8, 8)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (_Stream(), "no length or no items by number"),
        (DataLoader(_Stream(), batch_size=4), "has no length"),
        (_Listed([GOOD] * 8), r"must give \(image, label\) pairs.*Got a Tensor"),
        (_Listed([{"pixels": 1, "kind": 2}] * 8), "Got a dict of pixels, kind"),
        (_Listed([(GOOD, 0.5)] * 8), "labels must be whole numbers"),
        (_Listed([(GOOD, 9)] * 8), "labels must be from 0 to 3"),
        (_Listed([(GOOD, 0), (GOOD[:, 1:], 0)] * 8), "must be of one shape"),
        (_Listed([(GOOD.long(), 0)] * 8), "bytes or floats"),
        (_Listed([("cat.png", 0)] * 8), "must be a tensor"),
        (_Listed([(GOOD[0], 0)] * 8), r"\(n, C, H, W\)"),
        (_Listed([]), "training set is empty"),
        ([(GOOD, 0)] * 8, "data must be an ImageDataset, a torch Dataset or a DataLoader"),
        (
            DataLoader(Random(), sampler=DistributedSampler(Random(), 2, 0)),
            "share the batches out twice",
        ),
        (
            DataLoader(Random(), num_workers=1, persistent_workers=True),
            "persistent_workers=False",
        ),
        (DataLoader(Random(), batch_size=29), "gave a batch of 1, too few"),
    ],
)
def test_data_that_cannot_be_trained_on_are_refused_in_one_line(data, says):
    with pytest.raises(InputError, match=says) as raised:
        train(network(), data, CONFIG)
    assert "\n" not in str(raised.value)


class _ShortLength(DataLoader[Any]):
    """A loader that says it has one batch less than it gives."""

    def __len__(self) -> int:
        return super().__len__() - 1


def test_a_loader_that_goes_on_after_its_length_trains_on_its_length_and_is_told_once():
    data = tensors(dataset())
    few = TensorDataset(*(values[:-6] for values in data.tensors))  # of batches of 8, 8, 8, 6
    expected, model = network(), network()
    train(expected, DataLoader(few, batch_size=8), CONFIG)
    with pytest.warns(RuntimeWarning, match="goes on after the 3 batches") as said:
        train(model, _ShortLength(data, batch_size=8), CONFIG)
    assert len(said) == 1
    assert_equal(weights(model), weights(expected))


def test_transforms_of_images_belong_into_the_dataset():
    with pytest.raises(InputError, match="Put the transforms of single images into it"):
        train(network(), Random(), CONFIG, transforms=[lambda image: image])
    with pytest.raises(InputError, match="class_weights needs an ImageDataset"):
        train(network(), Random(), dataclasses.replace(CONFIG, class_weights="balanced"))


def test_evaluate_and_the_range_test_take_datasets_and_loaders():
    data = dataset()
    model = network()
    train(model, data, CONFIG)
    theirs = evaluate(model, DataLoader(tensors(data), batch_size=7))
    ours = evaluate(
        predict_logits(model, data.train_images, data.mean, data.std), data.train_labels
    )
    assert theirs.accuracy == ours.accuracy
    assert theirs.loss == pytest.approx(ours.loss, rel=1e-5)
    assert evaluate(model, tensors(data)).accuracy == ours.accuracy
    with pytest.raises(InputError, match="must be a Dataset or a DataLoader"):
        evaluate(model, [0, 1])
    with pytest.raises(InputError, match="needs the network"):
        evaluate(torch.zeros(30, 4), tensors(data))
    one = learning_rate_range(plain(), data, CONFIG, steps=5)
    two = learning_rate_range(plain(), tensors(data), CONFIG, steps=5)
    np.testing.assert_array_equal(one.losses, two.losses)


# -- modules of every kind -----------------------------------------------------------------------


class Wrapped(nn.Module):
    """A network whose output is wrapped as other libraries wrap theirs."""

    def __init__(self, wrap):
        super().__init__()
        self.inner, self.wrap = plain(), wrap

    def forward(self, x):
        return self.wrap(self.inner(x))


class Output:
    def __init__(self, logits):
        self.loss, self.logits = None, logits


@pytest.mark.parametrize(
    "wrap",
    [
        lambda y: {"loss": None, "logits": y},
        lambda y: {"out": y, "aux": y * 0},
        lambda y: (y, [y, y]),
        Output,
    ],
)
def test_wrapped_outputs_train_as_bare_ones(wrap):
    bare, wrapped = plain(), Wrapped(wrap)
    first = train(bare, dataset(), CONFIG)
    second = train(wrapped, dataset(), CONFIG)
    assert_equal(weights(bare), weights(wrapped.inner))
    assert first.epochs == second.epochs


@pytest.mark.parametrize(
    ("wrap", "says"),
    [
        (lambda y: {"features": y}, "Got a dict of features instead"),
        (lambda y: (), "Got a tuple of 0 instead"),
        (lambda y: (y[0], y), r"a tuple of 2 whose first is \(4,\)"),
        (lambda y: y.argmax(1, keepdim=True).expand(-1, 4), "of int64"),
        (lambda y: "cat", "Got a str instead"),
    ],
)
def test_outputs_without_logits_are_refused_in_one_line(wrap, says):
    with pytest.raises(InputError, match=says) as raised:
        train(Wrapped(wrap), dataset(), CONFIG)
    assert "\n" not in str(raised.value)


def lazy():
    return nn.Sequential(
        nn.LazyConv2d(5, 3), nn.LazyBatchNorm2d(), nn.ReLU(), nn.Flatten(), nn.LazyLinear(4)
    )


def test_lazy_layers_are_completed_by_seed_and_resume_bit_for_bit():
    one, two = lazy(), lazy()
    states: list[TrainState] = []
    train(one, dataset(), CONFIG, on_checkpoint=states.append)
    torch.rand(3)
    train(two, dataset(), CONFIG)
    assert_equal(weights(one), weights(two))
    resumed = lazy()
    train(resumed, dataset(), CONFIG, state=through_json(states[2]))
    assert_equal(weights(one), weights(resumed))
    with pytest.raises(InputError, match="Call it on two images first"):
        learning_rate_range(lazy(), dataset(), CONFIG, steps=4)
    unsized = nn.Sequential(nn.Flatten(), nn.LazyLinear(4))
    assert len(learning_rate_range(unsized, dataset(), CONFIG, steps=4).rates) == 4


def test_float64_networks_train_in_float64_and_their_logits_keep_it():
    double, single = plain().double(), plain()
    one = train(double, dataset(), CONFIG)
    two = train(single, dataset(), CONFIG)
    assert {p.dtype for p in double.parameters()} == {torch.float64}
    assert one.epochs[-1].train_loss == pytest.approx(two.epochs[-1].train_loss, rel=1e-5)
    data = dataset()
    logits = predict_logits(double, data.test_images, data.mean, data.std)
    assert logits.dtype == torch.float64


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["compiled", "scripted", "traced"])
def test_compiled_and_torchscript_modules_train_and_resume_as_the_module_itself(kind):
    def make(seed=0):
        module = plain(seed)
        if kind == "compiled":
            return torch.compile(module, backend="eager")
        if kind == "scripted":
            return torch.jit.script(module)
        return torch.jit.trace(module, torch.zeros(2, 3, 8, 8))

    def inner(model):
        return {k.removeprefix("_orig_mod."): v for k, v in weights(model).items()}

    bare, other = plain(), make()
    states: list[TrainState] = []
    train(bare, dataset(), CONFIG)
    train(other, dataset(), CONFIG, on_checkpoint=states.append)
    for name, value in weights(bare).items():
        torch.testing.assert_close(inner(other)[name], value)
    resumed = make(seed=5)
    train(resumed, dataset(), CONFIG, state=through_json(states[3]))
    assert_equal(inner(other), inner(resumed))
    assert copy.deepcopy(states[3]).tensors.keys() == {
        *(f"model/{name}" for name in weights(bare)),
        *(f"optimizer/{name}/momentum_buffer" for name in weights(bare)),
    }


def test_validation_labels_beyond_the_logits_are_refused():
    data = TensorDataset(torch.rand(30, 3, 8, 8), torch.arange(30) % 4)
    beyond = TensorDataset(torch.rand(30, 3, 8, 8), torch.arange(30) % 5)
    with pytest.raises(InputError, match=r"labels must be from 0 to 3, .* Got 0 to 4 instead"):
        train(plain(), data, CONFIG, validation=beyond)
