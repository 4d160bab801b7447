"""The homework's second script, done by hand, held against the library."""

import os
import subprocess
import sys

import pytest
import torch

from pitfalls.images import DataConfig, ResNet18, TrainConfig, load_dataset, train
from pitfalls.images.training.schedules import schedule
from tests.examples.scripts import FOLDER, assert_refused, load, n_lines

BY_HAND = load("cifar10")


def start(folder, *arguments):
    return subprocess.run(
        [sys.executable, str(FOLDER / "cifar10.py"), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"},
    )


def run(folder, *arguments):
    done = start(folder, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_part_runs_on_the_digits(tmp_path):
    out = run(tmp_path, "--data-dir", "digits", "--subset-train", "200", "--subset-val", "50")
    assert (tmp_path / "embeddings.png").stat().st_size > 10_000
    assert "least squares, test accuracy" in out
    assert "Total params: 5,204,810" in out  # one channel: 1,152 weights less than in colour
    rows = [line.split() for line in out.splitlines()[-3:]]
    assert [row[0] for row in rows] == ["constant", "annealed", "special"]
    assert all(0 <= float(row[1]) <= 100 and row[3] == "1" for row in rows)
    assert "one step" not in out


def test_one_epoch_of_one_step_is_said_before_it_is_trained(capsys, monkeypatch):
    data = load_dataset(DataConfig("digits", subset_train=20, subset_val=10))

    def look(*asked):
        assert "One epoch is one step here" in capsys.readouterr().out
        raise KeyboardInterrupt

    monkeypatch.setattr(BY_HAND, "train", look)
    with pytest.raises(KeyboardInterrupt):
        BY_HAND.compare_schemes(data, 1, 20, 0, "cpu")


@pytest.mark.parametrize("name", ["constant", "annealed", "special"])
@pytest.mark.parametrize("epochs", [1, 4, 20])
def test_the_schemes_are_the_librarys_at_every_step(name, epochs):
    ours, theirs = getattr(BY_HAND, name), schedule(name, epochs)
    more = {"epochs": epochs} if name == "special" else {}
    mine = others = 0.01
    for step in range(7 * (epochs + 10)):  # beyond the end as well
        epoch, batch = divmod(step, 7)
        mine = ours(mine, epoch, batch, 7, **more)
        others = theirs(others, epoch, batch, 7)
        assert mine == pytest.approx(others, rel=1e-12, abs=1e-15)


def test_the_loop_goes_where_the_library_goes():
    # batches of all images: the order does not matter, and no image is changed
    data = load_dataset(DataConfig("digits", subset_train=20, subset_val=10))
    config = TrainConfig(
        epochs=3, batch_size=20, scheme="annealed", crop_padding=0, flip="none", channels_last=False
    )
    torch.manual_seed(3)
    ours, theirs = ResNet18(10, 1), ResNet18(10, 1)
    theirs.load_state_dict(ours.state_dict())
    accuracy, loss = BY_HAND.train(ours, data, BY_HAND.annealed, lambda images: images, 3, 20)
    found = train(theirs, data, config).epochs[-1]
    assert loss == pytest.approx(found.train_loss, rel=1e-3)
    assert accuracy == found.train_accuracy
    for name, value in ours.state_dict().items():
        torch.testing.assert_close(value, theirs.state_dict()[name], rtol=1e-3, atol=1e-4)


def test_another_rate_gives_other_weights():
    data = load_dataset(DataConfig("digits", subset_train=20, subset_val=10))
    torch.manual_seed(3)
    network = ResNet18(10, 1)
    before = network.head.weight.detach().clone()
    BY_HAND.train(network, data, BY_HAND.special, lambda images: images, 1, 20)
    assert torch.equal(network.head.weight, before)  # its rate is 0 at the only step
    BY_HAND.train(network, data, BY_HAND.constant, lambda images: images, 1, 20)
    assert not torch.equal(network.head.weight, before)


def test_each_image_of_a_batch_has_a_crop_and_a_flip_of_its_own():
    torch.manual_seed(0)
    ramp = torch.arange(32.0).expand(3, 32, 32) + 1
    changed = BY_HAND.transform_train(ramp.expand(400, 3, 32, 32))
    assert changed.shape == (400, 3, 32, 32)
    steps = changed[:, 0, 16, 10:20].diff()
    mirrored = (steps < 0).all(1)
    assert 0.4 < mirrored.float().mean() < 0.6
    shifts = changed[~mirrored, 0, 16, 15] - ramp[0, 16, 15]
    assert set(shifts.tolist()) == set(range(-4, 5))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("--data-dir typo/cifar", "typo/cifar does not exist"),
        ("--data-dir bad.npz", "bad.npz cannot be read as .npz"),
        ("--data-dir digits --subset-train 0", "subset_train must be at least 1, got 0"),
        ("--data-dir digits --seed -1", "seed must not be negative, got -1"),
        ("--data-dir digits --TRAIN_NN_FLAG --epochs 0", "--epochs: must be at least 1. Got 0."),
        (
            "--data-dir digits --TRAIN_NN_FLAG --batch-size 0",
            "--batch-size: must be at least 1. Got 0.",
        ),
        pytest.param(
            "--data-dir typo/cifar --gpu",
            "--gpu: torch finds no CUDA device here",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device"),
        ),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2_before_any_output(
    tmp_path, monkeypatch, capsys, line, says
):
    (tmp_path / "bad.npz").write_text("no zip")
    assert_refused("cifar10", line, says, tmp_path, monkeypatch, capsys)


def test_the_folder_named_data_is_read_when_no_other_is_named(tmp_path):
    (tmp_path / "data").mkdir()
    done = start(tmp_path, "--PRINT_NN_FLAG")
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("cifar10.py: error: data")


def test_the_script_is_short():
    assert n_lines("cifar10") < 150


@pytest.mark.cifar10
def test_a_subset_of_cifar10_trains(cifar10_path, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "cifar-10-batches-py").symlink_to(cifar10_path)
    out = run(tmp_path, "--TRAIN_NN_FLAG", "--subset-train", "32", "--subset-val", "16")
    assert "CIFAR-10: 32 train, 16 test" in out
    assert "least squares" not in out
