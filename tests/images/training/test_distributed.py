import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch.distributed import TCPStore  # type: ignore[attr-defined]

from pitfalls.cli import main
from pitfalls.images.training.distributed import World, meeting_place
from pitfalls.images.training.records import TrainState
from tests.images.training import parallel_training

ROOT = Path(__file__).parents[3]


def torchrun(*arguments):
    """Run a script in two processes."""
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONFAULTHANDLER": "1",  # a process that aborts says where
        "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
    }
    return subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", "2", *map(str, arguments)),
        ],
        env=environment,
        capture_output=True,
        text=True,
        timeout=500,
    )


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """What two processes wrote: weights and log of each training, and of its resumption."""
    folder = tmp_path_factory.mktemp("parallel")
    done = torchrun(parallel_training.__file__, folder)
    assert done.returncode == 0, done.stderr

    def read(name):
        log = json.loads((folder / f"{name}.json").read_text())
        return load_file(folder / f"{name}.safetensors"), log

    read.folder = folder  # type: ignore[attr-defined]
    return read


@pytest.mark.parametrize("kind", ["plain", "phased"])
def test_two_processes_take_the_steps_of_one(written, kind):
    # without batch normalisation the mathematics is the same, so only rounding may differ
    model, log_alone, _ = parallel_training.run(kind)
    both, log_both = written(kind)
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, both[name], atol=1e-5, rtol=1e-4)
    for one, two in zip(log_alone, log_both, strict=True):
        assert one == pytest.approx(two, abs=1e-5)


def test_two_processes_agree_with_one_in_the_loss_over_fifty_steps_with_batch_normalisation(
    written,
):
    alone, _ = parallel_training.run_long()
    both = json.loads((written.folder / "long.json").read_text())
    assert len(alone) == len(both) == 50
    assert both == pytest.approx(alone, rel=1e-6)


def test_a_run_of_two_processes_goes_on_in_one_with_the_same_losses(written):
    tensors = load_file(written.folder / "state.safetensors")
    state = TrainState(tensors, json.loads((written.folder / "state.json").read_text()))
    assert state.step == 20
    rest, _ = parallel_training.run_long(state)
    both = json.loads((written.folder / "long.json").read_text())
    assert rest == pytest.approx(both[20:], rel=1e-6)


@pytest.mark.parametrize("kind", ["plain", "phased", "homework", "fast"])
def test_two_processes_resume_bit_for_bit_at_every_step_boundary(written, kind):
    final, log = written(kind)
    assert max(record["step"] for record in log) == parallel_training.STEPS
    for step in range(1, parallel_training.STEPS + 1):
        again, rest = written(f"{kind}-resumed-{step}")
        for name in final:
            assert torch.equal(final[name], again[name]), (step, name)
        assert rest == [record for record in log if record["step"] > step]


def test_every_process_says_that_the_training_diverged(written):
    said = [path.read_text() for path in written.folder.glob("diverged-*.txt")]
    assert len(said) == 2
    assert all("not finite after step 1" in line or "the loss is" in line for line in said)


@pytest.mark.parametrize("n", [4, 7, 128])
@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_shares_cover_a_batch_and_differ_by_at_most_one(n, size):
    rows = [range(n)[World(rank, size).share(n)] for rank in range(size)]
    assert [i for share in rows for i in share] == list(range(n))
    assert max(map(len, rows)) - min(map(len, rows)) <= 1


def test_each_try_of_torchrun_has_addresses_of_its_own(monkeypatch):
    # torchrun gives a restarted worker the store that the dead wrote their addresses into
    server = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    for name, value in {
        "RANK": "0",
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(server.port),
        "TORCHELASTIC_USE_AGENT_STORE": "True",
    }.items():
        monkeypatch.setenv(name, value)
    stores = []
    for restarts in (0, 1):
        monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", str(restarts))
        stores.append(meeting_place())
    stores[0].set("address of rank 1", "dead")
    assert not stores[1].check(["address of rank 1"])


DYING = """
import os
import signal
from pathlib import Path
from torch import nn

class Net(nn.Sequential):
    def __init__(self, n_classes):
        convolution = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU()
        super().__init__(*convolution, nn.Flatten(), nn.Linear(144, n_classes))

def rate(previous, epoch, batch, n_batches):
    step = epoch * n_batches + batch
    if os.environ.get("RANK") == "0":
        tries = int(os.environ["TORCHELASTIC_RESTART_COUNT"])
        with Path(__file__).with_name("asked").open("a") as file:
            print(tries, step, file=file)
        if (tries, step) == (0, 17):
            os.kill(os.getpid(), signal.SIGKILL)
    return 0.02
"""


def test_a_killed_worker_is_started_anew_by_torchrun_and_the_run_goes_on(tmp_path):
    own = tmp_path / "own.py"
    own.write_text(DYING)
    line = [
        *("images", "train", "--data", "digits", "--subset-train", "200", "--subset-val", "50"),
        *("--epochs", "2", "--batch-size", "14", "--checkpoint-every", "3"),
        *("--model", f"{own}:Net", "--scheme", f"{own}:rate"),
    ]
    assert main(["--runs", str(tmp_path / "alone"), *line]) == 0
    # torchrun looks seldom, so that the other worker finds its neighbour dead before it is told to go
    done = torchrun(
        *("--max-restarts", 1, "--monitor-interval", 3, "-m", "pitfalls"),
        *("--runs", tmp_path / "killed", *line),
    )
    assert done.returncode == 0, done.stderr
    assert "exitcode: -9" in done.stderr
    assert done.stderr.count("another of this run's processes has died") == 1
    assert "unexpected" not in done.stderr

    asked = {tuple(map(int, row.split())) for row in (tmp_path / "asked").read_text().splitlines()}
    # each try asks for the first rate beforehand; the second goes on from the last checkpoint
    assert {step for tries, step in asked if tries == 0} == set(range(18))
    assert {step for tries, step in asked if tries == 1} == {0, *range(15, 30)}

    alone, killed = (
        list(
            map(
                json.loads,
                next((tmp_path / name).glob("*/*/metrics.jsonl")).read_text().split("\n")[:-1],
            )
        )
        for name in ("alone", "killed")
    )
    assert [row["step"] for row in killed] == [row["step"] for row in alone]
    losses = [[row["loss"] for row in rows if "loss" in row] for rows in (alone, killed)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-6)
