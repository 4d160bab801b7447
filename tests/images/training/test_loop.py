import dataclasses
import math
import traceback
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from pitfalls.errors import DivergenceError, InputError, ResourceError
from pitfalls.images import ImageDataset
from pitfalls.images.networks import normalize
from pitfalls.images.networks.fastnet import FastNet
from pitfalls.images.training import loop
from pitfalls.images.training.augmentation import (
    PlaceOfDraw,
    RandomCrop,
    RandomHorizontalFlip,
    augment,
    derived_seed,
)
from pitfalls.images.training.chain import choose_chain
from pitfalls.images.training.checks import training_warnings
from pitfalls.images.training.config import TrainConfig
from pitfalls.images.training.loop import train
from pitfalls.images.training.records import StepRecord, TrainState
from tests.kinds import of_kind, there

PLAIN = TrainConfig(scheme="constant", rate=0.05, batch_size=8)


def dataset(n=30, side=8, channels=3, n_classes=4, n_validation=6, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(n + n_validation) % n_classes
    images = rng.integers(256, size=(n + n_validation, channels, side, side)).astype(np.uint8)
    images[:, :, 0] = (labels * 60)[:, None, None]
    whole = ImageDataset.from_arrays(images[:n], labels[:n], images[:4], labels[:4])
    return dataclasses.replace(
        whole,
        validation_images=images[n:],
        validation_labels=labels[n:],
        validation_indices=np.arange(n_validation),
    )


def network(seed=0, **changes):
    torch.manual_seed(seed)
    return FastNet(n_classes=4, widths=(4, 4, 4), **changes)


def plain(seed=0):
    """A network without batch normalisation, so that a batch is the sum of its parts."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU(), nn.Flatten(), nn.Linear(180, 4))


def weights(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def assert_equal(first, second):
    assert first.keys() == second.keys()
    for name in first:
        assert torch.equal(first[name], second[name]), name


def test_training_equals_a_loop_written_out():
    data, config = dataset(), dataclasses.replace(PLAIN, epochs=2, weight_decay=0.01, nesterov=True)
    config = dataclasses.replace(config, label_smoothing=0.1)
    model, oracle = network(), network()
    records: list[StepRecord] = []
    train(model, data, config, on_step=records.append)

    optimizer = torch.optim.SGD(
        [p for p in oracle.parameters() if p.requires_grad],
        lr=0.05,
        momentum=0.9,
        weight_decay=0.01,
        nesterov=True,
    )
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    transforms = [RandomCrop((8, 8), 1), RandomHorizontalFlip()]
    losses, step = [], 0
    for epoch in range(2):
        key = torch.Generator().manual_seed(derived_seed(123, "order", epoch))
        order = torch.randperm(30, generator=key)
        for indices in order.split(8):
            images = torch.from_numpy(data.train_images)[indices]
            images = augment(images, transforms, PlaceOfDraw(123, epoch, step, indices))
            loss = criterion(
                oracle(normalize(images, data.mean, data.std, channels_last=False)),
                torch.from_numpy(data.train_labels)[indices],
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            step += 1
    assert [r.loss for r in records] == pytest.approx(losses, abs=1e-5)
    for name, value in oracle.state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], value, atol=1e-4, rtol=1e-4, msg=name)


@pytest.mark.parametrize("parts", [2, 3, 8, 100])
def test_micro_batches_take_the_same_steps(parts):
    data, config = dataset(), dataclasses.replace(PLAIN, epochs=2)
    whole, split = plain(), plain()
    train(whole, data, config)
    train(split, data, dataclasses.replace(config, micro_batches=parts))
    for a, b in zip(whole.parameters(), split.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)


def test_summed_loss_is_the_mean_times_the_batch():
    data = dataset(n=32)
    mean, summed = plain(), plain()
    train(mean, data, dataclasses.replace(PLAIN, rate=0.08))
    train(summed, data, dataclasses.replace(PLAIN, rate=0.01, reduction="sum"))
    for a, b in zip(mean.parameters(), summed.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)


def test_averaging_returns_the_warmed_up_moving_average_of_weights_and_buffers():
    data, config = dataset(), dataclasses.replace(PLAIN, epochs=2, checkpoint_every=1)
    states: list[TrainState] = []
    train(network(), data, config, on_checkpoint=states.append)
    for decay in (0.8, 0.3):  # the second is reached on the way
        expected = {k: v for k, v in weights(network()).items() if v.is_floating_point()}
        for t, state in enumerate(states):
            keep = min(decay, (1 + t) / (10 + t))
            for name in expected:
                new = state.tensors[f"model/{name}"]
                expected[name] = keep * expected[name] + (1 - keep) * new
        averaged = network()
        train(averaged, data, dataclasses.replace(config, averaging=decay))
        for name, value in expected.items():
            torch.testing.assert_close(averaged.state_dict()[name], value)


def test_in_a_short_run_the_averaged_network_is_not_the_initial_one():
    data = dataset(n=96, n_validation=32)
    config = dataclasses.replace(PLAIN, epochs=8, rate=0.01, averaging=0.999)
    config = dataclasses.replace(config, flip="none", crop_padding=0)
    last = train(plain(), data, config).epochs[-1]
    assert last.train_accuracy == 1.0
    assert (
        there(last.validation_accuracy) > 0.85
    )  # a quarter, by the initial weights' share of 91 %


def test_a_run_whose_rate_is_zero_throughout_is_announced():
    one_step = TrainConfig(epochs=1, batch_size=64, scheme="special")
    (text,) = training_warnings(one_step, dataset())
    assert "rate is 0 at every one of the run's 1 step (scheme special)" in text
    model = plain()
    train(model, dataset(), one_step)
    assert_equal(weights(model), weights(plain()))  # and so it is
    assert training_warnings(dataclasses.replace(one_step, batch_size=16), dataset()) == ()
    assert training_warnings(PLAIN, dataset()) == ()
    sizes = dataclasses.replace(PLAIN, epochs=2, image_sizes=(8, 9, 10))
    (text,) = training_warnings(sizes, dataset())
    assert text == "image_sizes names 3 epochs and the run has 2: the last 1 are not used."
    assert training_warnings(dataclasses.replace(sizes, epochs=3), dataset()) == ()


@pytest.mark.parametrize("wrong", [-0.1, math.nan, math.inf])
def test_a_schedule_that_gives_no_rate_is_refused(wrong):
    with pytest.raises(InputError, match=r"finite and not negative.* epoch 0, batch 1"):
        train(plain(), dataset(), PLAIN, rate=lambda *at: wrong if at[2] else 0.1)


def test_learning_rates_come_from_the_scheme_with_the_previous_one():
    asked = []
    seen: list[StepRecord] = []

    def rate(previous, epoch, batch, n_batches):
        asked.append((previous, epoch, batch, n_batches))
        return previous / 2

    train(plain(), dataset(), dataclasses.replace(PLAIN, epochs=2), rate=rate, on_step=seen.append)
    assert asked[0] == (0.01, 0, 0, 4)
    assert [a[1:] for a in asked] == [(e, b, 4) for e in (0, 1) for b in range(4)]
    assert [r.rate for r in seen] == [0.01 / 2 ** (k + 1) for k in range(8)]


def test_every_image_is_seen_once_an_epoch_in_a_new_order():
    data = dataset()
    marked = dataclasses.replace(data, train_images=data.train_images.copy())
    marked.train_images[:, :, 1, 1] = np.arange(30)[:, None]
    seen = []

    class Watcher(nn.Module):
        def __init__(self):
            super().__init__()
            self.bias = nn.Parameter(torch.zeros(4))

        def forward(self, x):
            pixel = (x[:, 0, 1, 1] * data.std[0] + data.mean[0]) * 255
            seen.append(pixel.round().long().tolist())
            return self.bias.expand(len(x), 4)

    train(Watcher(), marked, dataclasses.replace(PLAIN, epochs=2, flip="none", crop_padding=0))
    epochs = [
        [i for b in seen[k : k + 4] for i in b] for k in (0, 5)
    ]  # the fifth call is the validation's
    assert [len(batch) for batch in seen] == [8, 8, 8, 6, 6] * 2
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(30))
    assert epochs[0] != epochs[1]


@pytest.mark.parametrize(
    ("n", "batch_size", "sizes"),
    [
        (30, 10, [10] * 3),
        (32, 10, [10, 10, 12]),
        (33, 10, [10, 10, 10, 3]),
        (5, 64, [5]),
        (5, 2, [2, 3]),
    ],
)
def test_a_small_last_batch_joins_the_one_before(n, batch_size, sizes):
    records: list[StepRecord] = []
    train(
        network(),
        dataset(n=n),
        dataclasses.replace(PLAIN, batch_size=batch_size),
        on_step=records.append,
    )
    assert len(records) == len(sizes)
    counted = [round(r.accuracy * size, 6) for r, size in zip(records, sizes, strict=True)]
    assert counted == [round(c) for c in counted]


def test_validation_is_in_evaluation_mode_and_the_test_set_is_never_looked_at():
    data = dataset()
    poisoned = dataclasses.replace(
        data, test_images=data.test_images * 0, test_labels=data.test_labels * 0
    )
    one, other = network(), network()
    first = train(one, data, PLAIN)
    second = train(other, poisoned, PLAIN)
    assert_equal(weights(one), weights(other))
    assert first.epochs == second.epochs
    model = one.eval()
    images = normalize(torch.from_numpy(data.validation_images), data.mean, data.std)
    with torch.no_grad():
        logits = model(images)
    labels = torch.from_numpy(data.validation_labels)
    epoch = first.epochs[-1]
    assert epoch.validation_accuracy == pytest.approx((logits.argmax(1) == labels).double().mean())
    assert epoch.validation_loss == pytest.approx(
        functional.cross_entropy(logits, labels).item(), rel=1e-5
    )


def test_training_with_a_validation_set_equals_training_without():
    data = dataset()
    without = dataclasses.replace(
        data, validation_images=data.validation_images[:0], validation_labels=np.zeros(0, np.int64)
    )
    one, other = network(), network()
    train(one, data, dataclasses.replace(PLAIN, epochs=2))
    result = train(other, without, dataclasses.replace(PLAIN, epochs=2))
    assert_equal(weights(one), weights(other))
    assert result.epochs[0].validation_accuracy is None


def test_image_sizes_follow_the_epochs():
    sides = []

    class Sizes(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(3, 4)

        def forward(self, x):
            if self.training:
                sides.append(x.shape[2])
            return self.inner(x.mean(dim=(2, 3)))

    config = dataclasses.replace(PLAIN, epochs=3, batch_size=30, image_sizes=(4, 6))
    train(Sizes(), dataset(), config)
    assert sides == [4, 6, 6]


def test_bfloat16_keeps_weights_in_float32_and_learns_the_same():
    data, config = dataset(n=64), dataclasses.replace(PLAIN, epochs=4, batch_size=16)
    single, mixed = network(), network()
    one = train(single, data, config)
    two = train(mixed, data, dataclasses.replace(config, precision="bfloat16"))
    assert all(p.dtype == torch.float32 for p in mixed.parameters())
    assert two.epochs[-1].train_loss == pytest.approx(one.epochs[-1].train_loss, abs=0.1)
    assert two.epochs[-1].train_loss != one.epochs[-1].train_loss


def test_equal_seeds_give_equal_weights_and_others_do_not():
    data, models = dataset(), [network(), network(), network()]
    for model, seed in zip(models, (1, 1, 2), strict=True):
        torch.rand(seed)  # the global generator plays no part
        train(model, data, dataclasses.replace(PLAIN, seed=seed))
    assert_equal(weights(models[0]), weights(models[1]))
    assert not torch.equal(models[0].head.weight, models[2].head.weight)


def test_the_global_generator_is_left_as_it_was():
    torch.manual_seed(7)
    expected = torch.rand(3)
    model = network()
    torch.manual_seed(7)
    train(model, dataset(), PLAIN)
    assert torch.equal(torch.rand(3), expected)


def test_no_step_and_no_picture_writes_down_the_stack_of_calls(monkeypatch):
    # torch.manual_seed does, for devices that are not in use: a third of a small network's step
    model, written = plain(), []

    def write(*_):
        written.append(1)
        return [""]

    monkeypatch.setattr(traceback, "format_stack", write)
    train(model, dataset(), PLAIN, transforms=[lambda image: image + 0])
    assert not written


def test_any_callable_serves_as_augmentation():
    model = plain()
    train(model, dataset(), PLAIN, transforms=[lambda image: 255 - image])
    other = plain()
    inverted = dataset()
    inverted = dataclasses.replace(inverted, train_images=255 - inverted.train_images)
    train(other, inverted, PLAIN, transforms=[])
    assert_equal(weights(model), weights(other))


# -- failures ------------------------------------------------------------------------------------


class Poisoned(nn.Module):
    """Puts a NaN into the given layer's weights when a step of training begins."""

    def __init__(self, step, layer="2"):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(192, 8), nn.Linear(8, 8), nn.Linear(8, 4)
        )
        self.step, self.layer, self.calls = step, layer, 0

    def forward(self, x):
        self.calls += 1
        if self.calls == self.step:
            with torch.no_grad():
                layer = of_kind(nn.Linear, self.layers.get_submodule(self.layer))
                layer.weight[0, 0] = math.nan
        return self.layers(x)


def test_divergence_names_the_step_and_the_first_bad_layer_and_keeps_the_last_good_state():
    states: list[TrainState] = []
    with pytest.raises(DivergenceError, match=r"at step 3 .*layers\.2, its weight") as caught:
        train(
            Poisoned(step=3),
            dataset(),
            dataclasses.replace(PLAIN, checkpoint_every=1),
            on_checkpoint=states.append,
        )
    assert caught.value.last is states[-1]
    assert states[-1].step == 2
    assert all(t.isfinite().all() for t in states[-1].tensors.values())


def test_the_divergence_of_a_float64_network_names_its_first_bad_layer():
    with pytest.raises(DivergenceError, match=r"at step 3 .*layers\.2, its weight"):
        train(Poisoned(step=3).double(), dataset(), PLAIN)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.parametrize(
    "wrap", [torch.jit.script, lambda m: torch.jit.trace(m, torch.zeros(2, 3, 8, 8))]
)
def test_the_divergence_of_a_torchscript_module_names_no_layer(wrap):
    config = dataclasses.replace(PLAIN, epochs=5, rate=1e25)
    with pytest.raises(
        DivergenceError, match=r"at step 2 .*of a TorchScript module no layer is told"
    ):
        train(of_kind(nn.Module, wrap(plain())), dataset(), config)


def test_gradients_that_the_model_brings_are_no_part_of_the_first_step():
    fresh, used = plain(), plain()
    with pytest.raises(DivergenceError):  # it leaves gradients that are not finite
        train(used, dataset(), PLAIN, loss=lambda logits, labels: logits.sum() * math.nan)
    assert_equal(weights(fresh), weights(used))
    train(fresh, dataset(), PLAIN)
    train(used, dataset(), PLAIN)
    assert_equal(weights(fresh), weights(used))


def test_outputs_that_are_finite_in_training_alone_have_no_validation_accuracy():
    class Overflowing(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = plain()

        def forward(self, x):
            return self.inner(x) if self.training else self.inner(x) * math.inf

    with pytest.raises(DivergenceError, match="validation images are not finite after epoch 1"):
        train(Overflowing(), dataset(), PLAIN)


class Reads(TorchDispatchMode):
    """Counts how often a number is taken from a tensor: on a GPU each time is a wait for it."""

    count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += func is torch.ops.aten._local_scalar_dense.default
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("optimizer", ["sgd", "muon", "adamw"])
def test_where_numbers_must_be_waited_for_none_is_read_within_an_epoch(monkeypatch, optimizer):
    monkeypatch.setattr(loop, "PROMPT", ())
    reads = Reads()
    for name in ("tolist", "numpy", "cpu"):
        whole = getattr(torch.Tensor, name)

        def counted(tensor, whole=whole):
            reads.count += 1
            return whole(tensor)

        monkeypatch.setattr(torch.Tensor, name, counted)
    config = dataclasses.replace(
        PLAIN, optimizer=optimizer, epochs=2, averaging=0.9, clip=1.0, rate=0.01, nesterov=False
    )
    counts = []
    with reads:
        train(
            network(),
            dataset(n_validation=0),
            config,
            on_progress=lambda *_: counts.append(reads.count),
        )
    assert len(counts) == 8  # four steps an epoch; the last one is followed by the reading
    taken = np.diff(counts)
    assert taken[[0, 1, 3, 4, 5]].tolist() == [0] * 5
    assert taken[2] > 0


def test_numbers_that_are_read_late_are_those_read_at_once(monkeypatch):
    data, config = dataset(), dataclasses.replace(PLAIN, epochs=2, checkpoint_every=3)

    def told():
        heard: list[Any] = []
        model = network()
        result = train(
            model, data, config,
            on_step=lambda record: heard.append(record),
            on_epoch=lambda record: heard.append(record),
            on_checkpoint=lambda state: heard.append((state.step, state.meta["sums"])),
        )  # fmt: skip
        return heard, result.epochs, weights(model)

    prompt = told()
    monkeypatch.setattr(loop, "PROMPT", ())
    late = told()
    assert late[:2] == prompt[:2]
    assert_equal(late[2], prompt[2])


def test_a_loss_that_is_read_late_is_no_result_either(monkeypatch):
    monkeypatch.setattr(loop, "PROMPT", ())
    records: list[StepRecord] = []
    config = dataclasses.replace(PLAIN, epochs=3, rate=1e25)
    with pytest.raises(DivergenceError, match=r"the loss is .* at step \d+ \(epoch 1"):
        train(plain(), dataset(), config, on_step=records.append)
    assert all(math.isfinite(record.loss) for record in records)
    assert [record.step for record in records] == list(range(1, len(records) + 1))


def test_a_rate_too_high_is_a_divergence_not_a_result():
    with pytest.raises(DivergenceError, match="Lower the learning rate"):
        train(plain(), dataset(), dataclasses.replace(PLAIN, epochs=20, rate=1e12))


@pytest.mark.parametrize("watched", [True, False])
def test_a_last_step_that_leaves_the_finite_numbers_is_no_result(watched):
    listeners: dict[str, Any] = {"on_checkpoint": lambda state: None, "on_epoch": pytest.fail}
    kept = listeners if watched else {}
    one_step = dataclasses.replace(
        PLAIN, epochs=1, batch_size=len(dataset().train_labels), rate=1e39
    )
    with pytest.raises(DivergenceError, match=r"weights are not finite after step 1 \(epoch 1"):
        train(plain(), dataset(), one_step, **kept)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"momentum": math.nan}, "momentum must be in"),
        ({"momentum": 1.0}, "momentum must be in"),
        ({"nesterov": True, "momentum": 0.0}, "Nesterov"),
        ({"weight_decay": -1.0}, "weight_decay must be finite"),
        ({"weight_decay": math.inf}, "weight_decay must be finite"),
    ],
)
def test_settings_that_no_run_can_use_are_refused(wrong, says):
    with pytest.raises(InputError, match=says):
        train(plain(), dataset(), dataclasses.replace(PLAIN, **wrong))


def test_a_model_with_too_few_outputs_is_refused():
    model = nn.Sequential(nn.Flatten(), nn.Linear(192, 2))
    with pytest.raises(InputError, match=r"logits of shape \(B, 4\).* Got \(\d+, 2\) instead"):
        train(model, dataset(), PLAIN)


def test_weights_that_are_not_finite_are_never_handed_out():
    states: list[TrainState] = []
    with pytest.raises(DivergenceError):
        train(
            plain(),
            dataset(),
            dataclasses.replace(PLAIN, rate=1e38, epochs=5, checkpoint_every=1),
            on_checkpoint=states.append,
        )
    assert all(t.isfinite().all() for s in states for t in s.tensors.values())


def test_lack_of_memory_names_the_batch_size_and_offers_micro_batches():
    class Huge(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(4))

        def forward(self, x):
            return torch.empty(2**46, dtype=torch.uint8).float()

    with pytest.raises(ResourceError, match=r"batch size 8\. .*--micro-batches 2"):
        train(Huge(), dataset(), PLAIN)


def test_other_errors_of_a_model_come_through():
    class Wrong(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(4))

        def forward(self, x):
            raise RuntimeError("shapes")

    with pytest.raises(RuntimeError, match="shapes"):
        train(Wrong(), dataset(), PLAIN)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"epochs": 0}, "epochs"),
        ({"batch_size": 1}, "has 1, too few for 1 process:"),
        ({"micro_batches": 0}, "micro_batches"),
        ({"label_smoothing": 1.0}, "label_smoothing"),
        ({"averaging": -0.1}, "averaging"),
        ({"precision": "float16"}, "precision"),
        ({"flip": "both"}, "flip"),
        ({"padding_mode": "mirror"}, "padding_mode"),
        ({"crop_padding": -1}, "crop_padding"),
        ({"crop_padding": 8, "padding_mode": "reflect"}, "below the image's side. Got 8 pixels"),
        ({"image_sizes": (0,)}, "image_sizes"),
        ({"scheme": "stepped"}, "schedule: name"),
        ({"optimizer": "adam"}, "optimizer"),
    ],
)
def test_settings_without_meaning_are_refused(changes, says):
    with pytest.raises(InputError, match=says):
        train(network(), dataset(), dataclasses.replace(PLAIN, **changes))


def test_an_augmentation_that_scales_is_refused_before_it_is_scaled_again():
    with pytest.raises(InputError, match=r"Got float32 of shape .* leave ToTensor"):
        train(network(), dataset(), PLAIN, transforms=[lambda image: image.float() / 255])


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric"])
def test_the_border_of_the_configs_crop_is_what_padding_mode_says(mode):
    config = dataclasses.replace(PLAIN, crop_padding=2, padding_mode=mode)
    chosen = choose_chain(config, (8, 8)).transforms
    images = torch.from_numpy(dataset().train_images)
    at = PlaceOfDraw(0, 0, 0, torch.arange(len(images)))
    expected = [RandomCrop(8, 2, padding_mode=mode), RandomHorizontalFlip()]
    assert torch.equal(augment(images, chosen, at), augment(images, expected, at))


def test_a_single_image_is_refused_in_one_line():
    with pytest.raises(InputError, match="of 1 images in batches of 8 has 1, too few"):
        train(network(), dataset(n=1), PLAIN)


def test_one_class_only_is_learned():
    data = dataset()
    one = dataclasses.replace(data, train_labels=data.train_labels * 0)
    result = train(network(), one, dataclasses.replace(PLAIN, epochs=15))
    assert result.epochs[-1].train_accuracy == 1.0


def test_images_that_are_not_square_are_scaled_to_the_epochs_square_also_where_they_are_as_wide():
    shapes = []

    class Shapes(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(3, 4)

        def forward(self, x):
            shapes.append(tuple(x.shape[2:]))
            return self.inner(x.mean(dim=(2, 3)))

    images = np.zeros((16, 3, 6, 8), np.uint8)
    data = ImageDataset.from_arrays(images, np.arange(16) % 4, images, np.arange(16) % 4)
    config = dataclasses.replace(PLAIN, epochs=3, batch_size=16, image_sizes=(6, 8, 10))
    train(Shapes(), data, config)
    assert shapes == [(6, 6), (8, 8), (10, 10)]
