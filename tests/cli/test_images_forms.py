"""Own pictures as a newcomer has them, through the commands: what was done to them is said."""

import numpy as np
import pytest

from pitfalls.cli import main
from pitfalls.runs import RunStore
from tests.images.data.makers import mnist, parts, pixels, zipped


@pytest.fixture(autouse=True)
def own_folders(monkeypatch, tmp_path):
    monkeypatch.setenv("PITFALLS_RUNS", str(tmp_path / "runs"))
    monkeypatch.chdir(tmp_path)


def only_run(tmp_path):
    (run,) = RunStore(tmp_path / "runs").list()
    return run


def test_what_was_skipped_and_assumed_stands_in_the_terminal_and_in_the_manifest(tmp_path, capsys):
    root = parts(tmp_path / "my photos", ("Training", "Testing"), n=8)
    (root / "Training/cat/0.png").write_bytes(b"rubbish")
    (root / "Training/cat/notes.txt").write_text("x")
    line = ["images", "regress", "--data", "my photos", "--size", "8"]
    assert main(line) == 2
    assert "--skip-damaged" in capsys.readouterr().err
    assert main([*line, "--skip-damaged"]) == 0
    warnings = only_run(tmp_path).manifest.warnings
    assert any("1 file skipped: 1 .txt" in text for text in warnings)
    assert any("1 damaged file left out" in text for text in warnings)
    assert "1 damaged file left out" in capsys.readouterr().err


def test_a_range_is_asked_for_and_taken_from_the_command_line(tmp_path, capsys):
    np.savez("a.npz", X=pixels(0, (40, 8, 8)) / 255 * 1.2, y=np.arange(40) % 2)
    assert main(["images", "regress", "--data", "a.npz"]) == 2
    assert "--value-range" in capsys.readouterr().err
    assert main(["images", "regress", "--data", "a.npz", "--value-range", "0", "1.2"]) == 0


def test_labels_are_chosen_from_the_command_line(tmp_path, capsys):
    mnist(tmp_path / "e", "emnist-letters-", labels=range(1, 27), n=(104, 52))
    mnist(tmp_path / "e", "emnist-digits-", n=(40, 20))
    assert main(["images", "regress", "--data", "e"]) == 2
    assert "--labels" in capsys.readouterr().err
    assert main(["images", "regress", "--data", "e", "--labels", "digits"]) == 0
    assert "40 training images, 20 test images, 10 classes" in capsys.readouterr().out


def test_training_asks_whether_pictures_may_be_mirrored_where_nothing_says_so(tmp_path, capsys):
    zipped(parts(tmp_path / "signs", ("train", "test"), n=4), tmp_path / "signs.zip")
    line = ["images", "train", "--data", "signs.zip", "--model", "fastnet", "--widths", "4", "4", "4",
            "--batch-size", "4", "--scheme", "constant"]  # fmt: skip
    assert main(line) == 2
    said = capsys.readouterr().err
    assert "Give --flip random" in said
    assert said.count("\n") == 1


def test_a_memory_limit_is_named_and_can_be_raised(tmp_path, capsys):
    np.savez_compressed("a.npz", X=np.zeros((20, 8, 8), np.uint8), y=np.arange(20) % 2)
    assert main(["images", "regress", "--data", "a.npz", "--memory-limit", "0.000001"]) == 2
    assert "--memory-limit" in capsys.readouterr().err
