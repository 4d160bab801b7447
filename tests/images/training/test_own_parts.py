"""Optimisers, losses, schemes and transforms by name or as functions, and the built-in ones."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from pitfalls.errors import InputError
from pitfalls.images.networks import normalize
from pitfalls.images.training.batches import epoch_order
from pitfalls.images.training.config import TrainConfig
from pitfalls.images.training.loop import train
from pitfalls.images.training.losses import balanced_weights
from pitfalls.images.training.records import StepRecord, TrainState
from tests.images.training.test_loop import PLAIN, assert_equal, dataset, network, plain, weights
from tests.kinds import there

STILL = dataclasses.replace(PLAIN, epochs=2, transforms=(), checkpoint_every=1)

PARTS = """
import torch
from torch.nn import functional

def stairs(previous, epoch, batch, n_batches):
    return 0.1 / (1 + epoch)

def descend(parameters):
    return torch.optim.Adagrad(parameters, lr_decay=0.1)

class Odd(torch.optim.Optimizer):
    def __init__(self, parameters):
        super().__init__(parameters, {"lr": 1.0, "beta": (0.5, 0.9), "calls": 0})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            group["calls"] += 1
            for p in group["params"]:
                memory = self.state[p]
                memory["n"] = memory.get("n", 0) + 1
                memory["last"] = torch.tensor(float(memory["n"]))
                p.add_(p.grad, alpha=-group["lr"] * group["beta"][0] / memory["n"] / group["calls"])

class Hoarder(Odd):
    def step(self, closure=None):
        super().step()
        for p in self.param_groups[0]["params"]:
            self.state[p]["object"] = object()

def focal(logits, labels):
    loss = functional.cross_entropy(logits, labels, reduction="none")
    return (1 - torch.exp(-loss)) ** 2 * loss

def noise(image):
    return (image // 2 + torch.randint_like(image, 9)).to(torch.uint8)

def mixup(images, labels):
    share = torch.distributions.Beta(1.0, 1.0).sample()
    order = torch.randperm(len(images))
    shares = functional.one_hot(labels, 4).float()
    return images.lerp(images[order], share), shares.lerp(shares[order], share)
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    file = tmp_path_factory.mktemp("own") / "parts.py"
    file.write_text(PARTS)
    return lambda name: f"{file}:{name}"


def through_json(state):
    return TrainState(
        {k: v.contiguous().clone() for k, v in state.tensors.items()},
        json.loads(json.dumps(state.meta)),
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"scheme": "stairs", "rate": None},
        {"optimizer": "descend"},
        {"optimizer": "Odd"},
        {"loss": "focal"},
        {"transforms": ("crop", "noise", "flip")},
        {"transforms": ("mixup",), "micro_batches": 2},
    ],
)
def test_parts_by_name_change_the_training_and_resume_bit_for_bit(own, changes):
    named = {key: own(value) if isinstance(value, str) else value for key, value in changes.items()}
    if "transforms" in changes:
        named["transforms"] = tuple(
            name if name in ("crop", "flip") else own(name) for name in changes["transforms"]
        )
    config, data = dataclasses.replace(STILL, **named), dataset()
    states: list[TrainState] = []
    whole, usual = network(), network()
    train(whole, data, config, on_checkpoint=states.append)
    train(usual, data, STILL)
    assert not torch.equal(whole.head.weight, usual.head.weight)
    for step in (1, 3, 6):
        resumed = network(seed=9)
        train(resumed, data, config, state=through_json(states[step - 1]))
        assert_equal(weights(whole), weights(resumed))


def test_functions_do_what_their_names_do(own):
    from pitfalls.named import load_named

    by_name, given = network(), network()
    named = dataclasses.replace(STILL, optimizer=own("descend"), loss=own("focal"))
    train(by_name, dataset(), named)
    parts = {"optimizer": load_named("", own("descend")), "loss": load_named("", own("focal"))}
    train(given, dataset(), STILL, **parts)
    assert_equal(weights(by_name), weights(given))


def test_adamw_with_clipping_warm_up_and_class_weights_equals_a_loop_written_out():
    data = dataset()
    uneven = dataclasses.replace(data, train_labels=np.minimum(np.arange(30) % 6, 3))
    config = dataclasses.replace(
        STILL, optimizer="adamw", rate=0.01, weight_decay=0.1, clip=0.2, warmup=1.5,
        class_weights="balanced",
    )  # fmt: skip
    model, oracle = plain(), plain()
    records: list[StepRecord] = []
    train(model, uneven, config, on_step=records.append)
    optimizer = torch.optim.AdamW(oracle.parameters(), weight_decay=0.1)
    labels = torch.from_numpy(uneven.train_labels)
    class_weights = 30 / (4 * torch.bincount(labels))
    step = 0
    for epoch in range(2):
        for indices in epoch_order(123, epoch, 30).split(8):
            step += 1
            rate = 0.01 * min(1, step / 6)
            x = normalize(torch.from_numpy(data.train_images)[indices], data.mean, data.std)
            each = functional.cross_entropy(oracle(x), labels[indices], reduction="none")
            optimizer.zero_grad()
            (each * class_weights[labels[indices]]).mean().backward()
            nn.utils.clip_grad_norm_(oracle.parameters(), 0.2)
            optimizer.param_groups[0]["lr"] = rate
            optimizer.step()
            assert records[step - 1].rate == pytest.approx(rate)
    for name, value in oracle.state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], value, atol=1e-5, rtol=1e-4)


def test_balanced_weights_are_scikit_learns():
    from sklearn.utils.class_weight import compute_class_weight

    labels = np.array([0, 0, 3, 3, 3, 1])
    expected = compute_class_weight("balanced", classes=np.array([0, 1, 3]), y=labels)
    found = balanced_weights(labels, 5).numpy()
    np.testing.assert_allclose(found[[0, 1, 3]], expected, rtol=1e-6)
    assert found[[2, 4]].tolist() == [0, 0]


def test_mixup_mixes_a_whole_batch_and_its_shares_sum_to_one(own):
    seen = []

    def loss(logits, targets):
        seen.append(targets)
        return functional.cross_entropy(logits, targets)

    train(plain(), dataset(), dataclasses.replace(STILL, transforms=(own("mixup"),)), loss=loss)
    assert all(t.shape[1] == 4 for t in seen)
    torch.testing.assert_close(torch.cat(seen).sum(1), torch.ones(60))
    assert ((torch.cat(seen) > 0).sum(1) == 2).any()


def test_the_best_epoch_and_its_weights_are_chosen_by_the_validation_set():
    data = dataset(n=24, n_validation=24, seed=3)
    config = dataclasses.replace(STILL, epochs=12, rate=0.2, keep="best")
    last = plain()
    states: list[TrainState] = []
    train(last, data, dataclasses.replace(config, keep="last"), on_checkpoint=states.append)
    best = plain()
    result = train(best, data, config)
    losses = [there(epoch.validation_loss) for epoch in result.epochs]
    best_epoch = there(result.best_epoch)
    assert best_epoch == int(np.argmin(losses))
    assert best_epoch < 11  # so that the choice shows
    step = result.epochs[best_epoch].step
    (state,) = (state for state in states if state.step == step)
    for name, value in best.state_dict().items():
        assert torch.equal(value, state.tensors[f"model/{name}"])


def test_patience_stops_after_so_many_epochs_without_a_lower_loss_and_resumes_alike():
    data = dataset(n=24, n_validation=24, seed=3)
    config = dataclasses.replace(STILL, epochs=40, rate=0.2, keep="best", patience=3)
    reported, model = [], plain()
    states: list[TrainState] = []
    result = train(
        model, data, config, on_checkpoint=states.append,
        on_progress=lambda done, total: reported.append((done, total)),
    )  # fmt: skip
    assert len(result.epochs) == there(result.best_epoch) + 1 + 3 < 40
    assert result.steps == len(result.epochs) * 3
    assert reported[-1] == (120, 120)
    for state in (states[0], states[7], states[-1]):
        again = plain(seed=8)
        assert train(again, data, config, state=through_json(state)).epochs == result.epochs
        assert_equal(weights(model), weights(again))


def test_nothing_is_chosen_without_a_validation_set():
    empty = dataclasses.replace(
        dataset(),
        validation_images=dataset().validation_images[:0],
        validation_labels=np.zeros(0, np.int64),
    )
    for changes in ({"patience": 2}, {"keep": "best"}):
        with pytest.raises(InputError, match=r"need a validation split .* the test set never"):
            train(plain(), empty, dataclasses.replace(STILL, **changes))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"optimizer": "adamw", "rate": None, "scheme": "cosine"}, "adamw needs a rate of its own"),
        ({"scheme": "parts.py:stairs", "rate": 0.1}, "rate is of the built-in schemes"),
        ({"loss": "parts.py:focal", "label_smoothing": 0.1}, "are of cross_entropy"),
        ({"loss": "hinge"}, "loss must be cross_entropy or your own"),
        ({"transforms": ("cutout",)}, "transforms must be crop, flip or your own"),
        ({"clip": 0.0}, "clip must be positive"),
        ({"warmup": -1.0}, "warmup"),
        ({"patience": 0}, "patience"),
        ({"keep": "first"}, "keep must be last or best"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(changes, says):
    with pytest.raises(InputError, match=says):
        dataclasses.replace(STILL, **changes)


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ({"optimizer": lambda parameters: None}, "torch.optim.Optimizer"),
        ({"optimizer": torch.optim.LBFGS}, "needs no closure"),
        ({"loss": lambda logits, labels: logits}, r"or one an image, shape \(8,\)"),
        ({"transforms": [3]}, "function of an image"),
        ({"transforms": [lambda images, labels: images]}, "must return 8 images"),
    ],
)
def test_parts_that_are_none_are_refused_in_one_line(part, says):
    with pytest.raises(InputError, match=says) as raised:
        train(plain(), dataset(), STILL, **part)
    assert "\n" not in str(raised.value)


WRONG = """
import torch

def fails(*arguments):
    raise ValueError("bad\\nand more")

def takes_none():
    return None

def ends(*arguments):
    raise SystemExit(3)
"""


@pytest.mark.parametrize("part", ["optimizer", "scheme", "loss", "transforms"])
@pytest.mark.parametrize(
    ("name", "says"),
    [("fails", "ValueError: bad"), ("takes_none", "TypeError: "), ("ends", "it ends the program")],
)
def test_a_part_by_name_that_fails_when_it_is_called_is_told_by_its_name(
    tmp_path, part, name, says
):
    (tmp_path / "wrong.py").write_text(WRONG)
    named = f"{tmp_path}/wrong.py:{name}"
    change = {"transforms": (named,)} if part == "transforms" else {part: named}
    config = dataclasses.replace(STILL, rate=None, **change)
    with pytest.raises(InputError) as raised:
        train(plain(), dataset(), config)
    text = str(raised.value)
    what = "transform" if part == "transforms" else part
    assert text.startswith(f"{what} {named!r} failed when it was called: ")
    assert says in text
    assert "more" not in text


def test_sizes_that_a_network_does_not_take_are_told():
    with pytest.raises(InputError, match=r"scaled by image_sizes \(3,\) \(mat1"):
        flat = nn.Sequential(nn.Flatten(), nn.Linear(np.prod(dataset().shape), 4))
        train(flat, dataset(), dataclasses.replace(STILL, image_sizes=(3,)))


def test_a_loss_that_fails_without_a_word_is_told_and_not_blamed_on_the_sizes():
    def fails(logits, labels):
        raise RuntimeError

    with pytest.raises(InputError, match=r"\(RuntimeError\). If one without image_sizes does not"):
        train(plain(), dataset(), dataclasses.replace(STILL, image_sizes=(8,)), loss=fails)


def test_a_memory_that_no_checkpoint_holds_is_refused(own):
    config = dataclasses.replace(STILL, optimizer=own("Hoarder"))
    with pytest.raises(InputError, match="Hoarder remembers 'object' as a object"):
        train(plain(), dataset(), config, on_checkpoint=lambda state: None)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"seed": 5}, "seed 123; this one has seed 5"),
        ({"scheme": "cosine"}, "scheme 'constant'"),
        ({"optimizer": "muon"}, "optimizer 'sgd'; this one has optimizer 'muon'"),
        ({"momentum": 0.5}, "momentum 0.9"),
    ],
)
def test_a_state_of_another_seed_scheme_or_optimiser_is_refused_with_what_differs(changes, says):
    states: list[TrainState] = []
    train(plain(), dataset(), STILL, on_checkpoint=states.append)
    with pytest.raises(InputError, match=says):
        train(plain(), dataset(), dataclasses.replace(STILL, **changes), state=states[0])
    with pytest.raises(InputError, match="given rate None; this one has"):
        train(plain(), dataset(), STILL, state=states[0], rate=lambda *at: 0.1)


def test_a_state_goes_on_for_more_epochs_where_the_scheme_does_not_ask_how_long_a_run_is():
    whole, longer = plain(), plain()
    states: list[TrainState] = []
    train(whole, dataset(), dataclasses.replace(STILL, epochs=3))
    train(plain(), dataset(), STILL, on_checkpoint=states.append)
    more = dataclasses.replace(STILL, epochs=3, micro_batches=1, checkpoint_every=7)
    train(longer, dataset(), more, state=states[-1])
    assert_equal(weights(whole), weights(longer))
    cosine = TrainConfig(epochs=2, batch_size=8, scheme="cosine")
    train(plain(), dataset(), cosine, on_checkpoint=states.append)
    with pytest.raises(InputError, match="epochs 2; this one has epochs 3"):
        train(plain(), dataset(), dataclasses.replace(cosine, epochs=3), state=states[-1])


@pytest.mark.parametrize("given", [{"label_smoothing": 0.1}, {"class_weights": "balanced"}])
def test_what_is_of_cross_entropy_is_refused_beside_a_loss_that_is_given(given):
    config = dataclasses.replace(STILL, **given)
    with pytest.raises(InputError, match=r"of cross_entropy\. The loss that is given must do both"):
        train(plain(), dataset(), config, loss=torch.nn.functional.cross_entropy)
