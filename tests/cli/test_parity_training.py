import json
import re

import pytest

from pitfalls.cli import main


@pytest.fixture(autouse=True)
def runs(tmp_path, monkeypatch):
    monkeypatch.setenv("PITFALLS_RUNS", str(tmp_path / "runs"))


SHORT = ["--n-iterations", "400"]


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["train", "--mask", "0110", *SHORT], ["Parity of 2 of 4", "0110", "exact"]),
        (["train", "-d", "25", "--weight", "1", "--n-hidden", "9", *SHORT], ["1 of 25", "(95 %)"]),
        (
            ["curves", "-d", "4", "6", "--weights", "2", "--n-seeds", "2", *SHORT],
            ["learned", "6"],
        ),
        (
            ["curves", "-d", "4", "--n-seeds", "1", "--loss", "square", *SHORT],
            ["square loss"],
        ),
        (["along", "-d", "5", "--weights", "2", "--n-probes", "1", *SHORT], ["Signal", "at most"]),
        (
            ["depth", "--depths", "1", "--shown", "2", "--n-seeds", "1", *SHORT],
            ["sigmoid", "relu", "first over last"],
        ),
        (
            [
                "sweep",
                "-d",
                "3",
                "5",
                "--weights",
                "1",
                "4",
                "--n-seeds",
                "1",
                "--n-jobs",
                "1",
                *SHORT,
            ],
            ["of 1", "iterations to 99 %"],
        ),
    ],
)
def test_commands_show_what_they_found(arguments, shown, capsys):
    assert main(["parity", *arguments]) == 0
    output = capsys.readouterr()
    for text in shown:
        assert text in output.out
    assert "run folder" in output.err


def test_a_set_known_by_heart_is_told_from_a_parity_learned(capsys):
    line = ["parity", "train", "--mask", "1" * 9, "--n-samples", "20", "--learning-rate", "0.01"]
    assert main([*line, "--n-iterations", "2000", "--json"]) == 0
    row = json.loads(capsys.readouterr().out.splitlines()[0])["rows"][0]
    assert row["training set at 99 % from"] in range(200, 2001, 200)
    assert row["99 % from"] is None
    assert row["accuracy"] < 0.99


def test_a_second_call_reuses_the_run_and_prints_the_same(capsys):
    line = ["parity", "train", "--mask", "101", *SHORT]
    assert main(line) == 0
    first = capsys.readouterr().out
    assert main(line) == 0
    second = capsys.readouterr()
    assert second.out == first
    assert "reused" in second.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--mask", "012"], "zeros and ones"),
        (["train", "--mask", "01", "--weight", "1"], "exclude each other"),
        (["train", "--mask", "01", "-d", "7"], "exclude each other"),
        (["train", "-d", "3", "--weight", "4"], "weight must be between 0 and"),
        (["train", "--learning-rate", "-1"], "learning_rate must be a positive number"),
        (["train", "--n-hidden", "0"], "n_hidden must be at least 1"),
        (["train", "--optimizer", "lion"], "optimizer"),
        (["curves", "-d", "3", "4", "5", "--weights", "1", "2"], "one for each -d"),
        (["curves", "--n-seeds", "0"], "n_seeds must be at least 1"),
        (["along", "--weights", "4"], "give the features as well"),
        (["depth", "--depths", "0"], "at least 1"),
        (["sweep", "-d", "3", "--weights", "4"], "no cell is left"),
        (["sweep", "--n-jobs", "0"], "n_jobs must be at least 1"),
        (["sweep", "--address", "127.0.0.1:1"], "loky works here"),
        (["sweep", "--backend", "dask", "--address", "127.0.0.1:1"], "no Dask scheduler answers"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_two(arguments, message, capsys):
    assert main(["parity", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.strip().splitlines()) == 1
    assert not re.search("Traceback", error)


def test_divergence_is_one_line_and_exit_code_one(capsys):
    line = ["parity", "train", "--mask", "1011", "--loss", "square", "--learning-rate", "1e3"]
    assert main(line) == 1
    error = capsys.readouterr().err.strip().splitlines()
    assert "smaller learning rate" in error[-1]
