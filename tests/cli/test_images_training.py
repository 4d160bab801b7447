import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from pitfalls.cli import main

SMALL = ["--data", "digits", "--subset-train", "120", "--subset-val", "40"]
NETWORK = ["--model", "fastnet", "--widths", "4", "4", "4", "--batch-size", "16"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    assert main(["--runs", str(folder), "images", "train", *SMALL, *NETWORK]) == 0
    return folder


def test_train_prints_epochs_and_accuracy(runs, capsys):
    line = ["--runs", str(runs), "images", "train", *SMALL, *NETWORK]
    assert main(line) == 0
    printed = capsys.readouterr()
    assert "test accuracy" in printed.out
    assert "reused the run" in printed.err
    assert "digits: 120 training, 0 validation and 40 test images" in printed.err


def test_compare_prints_the_homeworks_table(tmp_path, capsys):
    line = ["--runs", str(tmp_path), "images", "compare", *SMALL, *NETWORK, "--n-seeds", "2"]
    assert main([*line, "--schemes", "constant", "special"]) == 0
    out = capsys.readouterr().out
    for word in ("scheme", "train accuracy", "test accuracy", "epochs", "train loss", "±", "n = 2"):
        assert word in out
    assert "annealed" not in out


def test_compare_uses_a_held_out_part_where_there_is_one(tmp_path, capsys):
    line = ["--runs", str(tmp_path), "images", "compare", *SMALL, *NETWORK, "--validation", "0.2"]
    assert main([*line, "--schemes", "special"]) == 0
    out = capsys.readouterr().out
    assert "validation accuracy" in out
    assert "held out of the training set" in out


def test_fast_does_not_claim_a_target_on_other_data(tmp_path, capsys):
    assert main(["--runs", str(tmp_path), "images", "fast", *SMALL]) == 0
    out = capsys.readouterr().out
    assert "plain test accuracy" in out
    assert "six views" in out
    assert "reached" not in out
    assert "missed" not in out


def test_lr_find_names_a_rate(tmp_path, capsys):
    line = ["--runs", str(tmp_path), "images", "lr-find", *SMALL, *NETWORK]
    assert main([*line, "--steps", "100", "--start", "0.01", "--stop", "1000"]) == 0
    assert "a peak rate to try" in capsys.readouterr().out


def test_lr_find_recommends_no_rate_from_a_range_that_ends_too_soon(tmp_path, capsys):
    line = ["--runs", str(tmp_path), "images", "lr-find", *SMALL, *NETWORK]
    assert main([*line, "--steps", "15", "--stop", "0.1"]) == 0
    out = capsys.readouterr().out
    assert "no rate to recommend: " in out
    assert "a peak rate" not in out


def test_a_run_that_cannot_learn_is_said_before_it_is_trained(tmp_path, capsys):
    line = ["--runs", str(tmp_path), "images", "train", *SMALL, *NETWORK[:-1], "120"]
    assert main(line) == 0
    err = capsys.readouterr().err
    said = err.index("warning: The learning rate is 0 at every one of the run's 1 step")
    assert said < err.index("run folder")


def test_evaluate_shows_every_class(runs, capsys):
    assert main(["--runs", str(runs), "images", "evaluate", "images-train"]) == 0
    out = capsys.readouterr().out
    assert "calibration error" in out
    assert all(f" {digit} " in out for digit in range(10))


def test_predict_takes_pictures_of_any_kind_and_size(runs, tmp_path, capsys):
    noise = np.random.default_rng(0).integers(256, size=(30, 20, 3)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "colour.png")
    (tmp_path / "further").mkdir()
    Image.fromarray(noise[:, :, 0]).save(tmp_path / "further" / "grey.jpg")
    (tmp_path / "._colour.png").write_bytes(b"not a picture")  # as macOS leaves them
    line = ["--runs", str(runs), "images", "predict", str(tmp_path), "--run", "images-train"]
    assert main([*line, "--views", "six"]) == 0
    out = capsys.readouterr().out
    assert "2 pictures, scaled to 8×8" in out
    assert "colour.png" in out
    assert "grey.jpg" in out


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (["train", "--epochs", "0"], "epochs must be at least 1"),
        (["train", *SMALL, "--batch-size", "1"], "too few for 1 process"),
        (["train", "--scheme", "stepped"], "stepped"),
        (["train", "--data", "/nowhere"], "/nowhere does not exist"),
        (["compare", *SMALL, "--n-seeds", "0"], "n_seeds must be at least 1"),
        (["compare", *SMALL, "--schemes", "special", "special"], "named once"),
        (["fast", "--target", "99"], "99"),
        (["lr-find", *SMALL, "--start", "0"], "0 < start < stop"),
        (["evaluate", "nothing"], "no run is called 'nothing'"),
        (["predict", "nothing.png", "--run", "images-train"], "nothing.png"),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(line, says, runs, tmp_path, capsys):
    folder = tmp_path if line[0] == "train" else runs
    assert main(["--runs", str(folder), "images", *line]) == 2
    printed = capsys.readouterr()
    assert printed.err.count("\n") == 1
    assert says in printed.err


def test_more_processes_than_the_images_feed_is_one_line(tmp_path):
    done = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", "2", "-m", "pitfalls", "--runs", str(tmp_path)),
            *("images", "train", "--data", "digits", "--subset-train", "1", *NETWORK),
        ],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode != 0
    lines = [line for line in done.stderr.splitlines() if line.startswith("pitfalls: error")]
    assert len(lines) == 1
    assert "too few for 2 processes" in lines[0]
