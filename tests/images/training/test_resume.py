import dataclasses

import pytest
import torch
from torch import nn

from pitfalls.errors import InputError
from pitfalls.images.networks.resnet import PreActivationBlock
from pitfalls.images.training.augmentation import PerImage, RandomCrop
from pitfalls.images.training.config import TrainConfig
from pitfalls.images.training.loop import train
from pitfalls.images.training.records import EpochRecord, StepRecord, TrainState
from tests.images.training.test_augmentation import noisy
from tests.images.training.test_epochs import Phased
from tests.images.training.test_loop import assert_equal, dataset, network, weights

CONFIGS = {
    "homework": TrainConfig(epochs=2, batch_size=8),
    "annealed": TrainConfig(epochs=2, batch_size=8, scheme="annealed", flip="alternating"),
    "fast": TrainConfig(
        epochs=2,
        batch_size=8,
        scheme="linear",
        rate=1.0,
        optimizer="muon",
        momentum=0.85,
        nesterov=True,
        weight_decay=1e-4,
        label_smoothing=0.2,
        reduction="sum",
        precision="bfloat16",
        averaging=0.9,
        micro_batches=2,
        image_sizes=(6, 8),
    ),
    "adamw": TrainConfig(
        epochs=2,
        batch_size=8,
        scheme="cosine",
        rate=0.01,
        optimizer="adamw",
        weight_decay=0.1,
        warmup=0.5,
        clip=0.3,
        class_weights="balanced",
        averaging=0.5,
        keep="best",
        patience=5,
    ),
}


class Droopy(nn.Module):
    """Residual block, batch normalisation and dropout: all that has a memory or a chance."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3)
        self.block = PreActivationBlock(4, 6, stride=2)
        self.drop = nn.Dropout(0.3)
        self.head = nn.Linear(6, 4)

    def forward(self, x):
        return self.head(self.drop(self.block(self.stem(x)).mean(dim=(2, 3))))


def droopy():
    torch.manual_seed(0)
    return Droopy()


def through_a_file(state):
    """What a checkpoint on disk keeps: contiguous tensors and JSON."""
    import json

    tensors = {name: t.contiguous().clone() for name, t in state.tensors.items()}
    return TrainState(tensors, json.loads(json.dumps(state.meta)))


@pytest.mark.parametrize("make", [network, droopy, Phased])
@pytest.mark.parametrize("name", CONFIGS)
def test_resume_at_every_step_boundary_gives_the_same_bits(name, make):
    config = dataclasses.replace(CONFIGS[name], checkpoint_every=1)
    data = dataset(n=28)
    transforms = [RandomCrop(8, 1), PerImage(noisy)] if name == "annealed" else None

    def run(state=None):
        model = make()
        log: list[StepRecord | EpochRecord] = []
        states: list[TrainState] = []
        result = train(
            model,
            data,
            config,
            state=state,
            transforms=transforms,
            on_step=log.append,
            on_epoch=log.append,
            on_checkpoint=states.append,
        )
        return weights(model), log, states, result.epochs

    final, log, states, epochs = run()
    assert len(states) == 8
    for state in states:
        torch.rand(13)  # whatever happened in between
        again, rest, _, same_epochs = run(through_a_file(state))
        assert_equal(final, again)
        done = [r for r in log if r.step <= state.step]
        assert done + rest == log
        assert same_epochs == epochs


def test_a_stop_between_steps_hands_out_the_state_first():
    data, config = dataset(), dataclasses.replace(CONFIGS["homework"], checkpoint_every=1000)
    states: list[TrainState] = []

    def stop(done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(network(), data, config, on_checkpoint=states.append, on_progress=stop)
    assert [state.step for state in states] == [3]
    whole, resumed = network(), network(seed=99)
    train(whole, data, config)
    train(resumed, data, config, state=states[0])
    assert_equal(weights(whole), weights(resumed))


def test_a_state_of_other_data_or_another_model_is_refused():
    config = dataclasses.replace(CONFIGS["homework"], epochs=1)
    states: list[TrainState] = []
    train(network(), dataset(), config, on_checkpoint=states.append)
    with pytest.raises(InputError, match="30 images in 4 batches, this one has 20 in 3"):
        train(network(), dataset(n=20), config, state=states[0])
    with pytest.raises(InputError, match="another model"):
        train(droopy(), dataset(), config, state=states[0])


def test_a_finished_state_only_finishes():
    data, config = dataset(), CONFIGS["fast"]
    states: list[TrainState] = []
    first, second = network(), network(seed=5)
    train(first, data, config, on_checkpoint=states.append)
    log: list[StepRecord] = []
    train(second, data, config, state=states[-1], on_step=log.append)
    assert log == []
    assert_equal(weights(first), weights(second))
