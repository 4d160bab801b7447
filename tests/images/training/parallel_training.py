"""Run by test_distributed under torchrun: tiny trainings in all processes, written down by the first."""

import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from pitfalls.errors import DivergenceError
from pitfalls.images.training.config import TrainConfig
from pitfalls.images.training.distributed import join, launched_rank, leave
from pitfalls.images.training.loop import train
from pitfalls.images.training.records import TrainState
from tests.images.training.test_epochs import Phased
from tests.images.training.test_loop import dataset, network, plain
from tests.images.training.test_resume import CONFIGS, through_a_file

MODELS: dict[str, Callable[[], Any]] = {"plain": plain, "phased": Phased}
IMAGES = 28
STEPS = 8  # of two epochs
LONG = TrainConfig(epochs=10, batch_size=20, scheme="cosine", rate=0.02, checkpoint_every=1)
LONG_IMAGES = 101  # five steps an epoch, the last of 21 images: shares of 10 and 11


def run(
    kind: str, state: TrainState | None = None
) -> tuple[Any, list[dict[str, Any]], list[TrainState]]:
    config = dataclasses.replace(CONFIGS.get(kind, CONFIGS["homework"]), checkpoint_every=1)
    model = MODELS.get(kind, network)()
    log: list[dict[str, Any]] = []
    states: list[TrainState] = []
    train(
        model,
        dataset(n=IMAGES),
        config,
        state=state,
        on_step=lambda record: log.append(vars(record)),
        on_epoch=lambda record: log.append(vars(record)),
        on_checkpoint=states.append,
    )
    return model, log, states


def run_long(state: TrainState | None = None) -> tuple[list[float], list[TrainState]]:
    """Fifty float32 steps of a network with batch normalisation."""
    losses: list[float] = []
    states: list[TrainState] = []
    train(
        network(),
        dataset(n=LONG_IMAGES),
        LONG,
        state=state,
        on_step=lambda record: losses.append(record.loss),
        on_checkpoint=states.append,
    )
    return losses, states


def main(folder: Path) -> None:
    with join():
        losses, states = run_long()
        if launched_rank() == 0:
            (folder / "long.json").write_text(json.dumps(losses))
            kept = states[19]
            save_file(kept.tensors, folder / "state.safetensors")
            (folder / "state.json").write_text(json.dumps(kept.meta))
        for kind in ("plain", "phased", "homework", "fast"):
            model, log, states = run(kind)
            write(folder, kind, model, log)
            for step in range(1, STEPS + 1):
                # Only the first process has states, as only it can read a run's checkpoint.
                state = through_a_file(states[step - 1]) if states else None
                model, log, _ = run(kind, state)
                write(folder, f"{kind}-resumed-{step}", model, log)
        try:
            train(plain(), dataset(n=IMAGES), dataclasses.replace(CONFIGS["homework"], rate=1e39))
        except DivergenceError as error:
            (folder / f"diverged-{launched_rank()}.txt").write_text(str(error))


def write(folder: Path, name: str, model: Any, log: list[dict[str, Any]]) -> None:
    if launched_rank() == 0:
        tensors = {k: v.contiguous() for k, v in model.state_dict().items()}
        save_file(tensors, folder / f"{name}.safetensors")
        (folder / f"{name}.json").write_text(json.dumps(log))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    leave(0)
