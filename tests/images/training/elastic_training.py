"""Run by test_distributed under torchrun: a worker dies, torchrun starts all anew, the run goes on."""

import json
import os
import signal
import sys
from pathlib import Path

from safetensors.torch import load_file, save_file

from pitfalls.images.training.distributed import join
from pitfalls.images.training.loop import train
from pitfalls.images.training.records import TrainState
from tests.images.training.parallel_training import LONG, LONG_IMAGES
from tests.images.training.test_loop import dataset, network

LAST = 12  # steps before a worker dies


def main(folder: Path) -> None:
    with join() as team:
        first_try = os.environ["TORCHELASTIC_RESTART_COUNT"] == "0"
        state = None
        if team.writes and (folder / "meta.json").exists():
            meta = json.loads((folder / "meta.json").read_text())
            state = TrainState(load_file(folder / "tensors.safetensors"), meta)

        def keep(state: TrainState) -> None:
            save_file(state.tensors, folder / "tensors.safetensors")
            (folder / "meta.json").write_text(json.dumps(state.meta))

        def rate(previous: float, epoch: int, batch: int, n_batches: int) -> float:
            # the one function that every process calls at every step
            if first_try and team.rank == 1 and epoch * n_batches + batch == LAST:
                os.kill(os.getpid(), signal.SIGKILL)
            return 0.02

        def log(record: object) -> None:
            with (folder / "losses.txt").open("a") as file:
                print(json.dumps([record.step, record.loss]), file=file)

        train(
            network(), dataset(n=LONG_IMAGES), LONG, rate=rate, state=state,
            on_step=log, on_checkpoint=keep,
        )  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]))
