import pytest

from pitfalls.cli import main


@pytest.fixture(autouse=True)
def runs(tmp_path, monkeypatch):
    monkeypatch.setenv("PITFALLS_RUNS", str(tmp_path / "runs"))


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["exact", "-d", "4"], ["printed", "corrected", "compact", "all ones"]),
        (["prove", "--mask", "10110"], ["exact at all 2^5 inputs", "k = 9"]),
        (["prove", "--mask", "1" * 40, "--variant", "compact"], ["2^40", "k = 39"]),
        (
            ["prove", "--mask", "1111", "--variant", "printed"],
            ["not exact", "x = 1111 it gives -1 where 1 is due"],
        ),
        (["signal", "-d", "3", "5", "--n-seeds", "2"], ["signal/noise", "yes"]),
        (["signal", "-d", "4", "--n-seeds", "1", "--loss", "logistic"], ["logistic loss"]),
        (["targets", "-d", "5", "--n-seeds", "1"], ["share of the signal", "10"]),
    ],
)
def test_commands_show_what_they_found(arguments, shown, capsys):
    assert main(["parity", *arguments]) == 0
    output = capsys.readouterr().out
    for text in shown:
        assert text in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["prove", "--mask", "012"], "--mask must be zeros and ones"),
        (["prove", "--mask", "1111", "--n-hidden", "3"], "n_hidden >= 7"),
        (["prove"], "mask"),
        (["exact", "-d", "1000000"], "d <= 1000"),
        (["signal", "-d", "4", "--batch-size", "0"], "batch_size must be at least 1"),
        (["exact", "-d", "0"], "at least 1"),
        (["signal", "-d", "0"], "at least 1"),
        (["signal", "-d", "3", "--loss", "zero-one"], "zero-one"),
        (["targets", "-d", "40"], "limit is d = 26"),
    ],
)
def test_bad_input_is_one_clear_line(arguments, message, capsys):
    code = main(["parity", *arguments])
    error = capsys.readouterr().err
    assert code in (1, 2)
    assert message in error
    assert "Traceback" not in error
