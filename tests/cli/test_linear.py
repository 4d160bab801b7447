import numpy as np
import pytest

from pitfalls.cli import main
from pitfalls.runs import RunStore
from tests.images.data.makers import class_folders


@pytest.fixture(autouse=True)
def runs(tmp_path, monkeypatch):
    monkeypatch.setenv("PITFALLS_RUNS", str(tmp_path / "runs"))


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["capacity"], ["capacity d*", "yes"]),
        (["capacity", "--rank", "6"], ["Widen it", "no"]),
        (["minimum"], ["least risk", "rank of Y'X 4"]),
        (["minimum", "--modes", "2", "1", "1", "--max-rank", "2"], ["planted modes 2, 1, 1", "no"]),
        (["classify"], ["global minimum", "certificate (2f)", ">="]),
        (["classify", "--held", "2"], ["strict saddle", "swap of modes", "curvature -"]),
        (["classify", "--kind", "non-strict saddle"], ["all pivots tightened", "all tight"]),
        (["classify", "--held", "0", "--widths", "6", "4", "4"], ["pivot (2, 1)", "not tightened"]),
        (["classify", "--modes", "2", "2", "1"], ["not met: distinct modes", "value"]),
        (["descend", "--hidden", "4"], ["global minimum", "flow from aligned"]),
        (["tour", "--depths", "2"], ["strict saddle", "comes as near as"]),
        (["ranks", "--data", "digits", "--max-rank", "2"], ["digits", "test accuracy"]),
    ],
)
def test_commands_show_what_they_found(arguments, shown, capsys):
    assert main(["linear", *arguments]) == 0
    output = capsys.readouterr().out
    for text in shown:
        assert text in output


@pytest.mark.parametrize(
    "command",
    [
        "minimum",
        "classify",
        "descend --hidden 4",
        "tour --depths 2",
        "ranks --data digits --max-rank 1",
        "landscape",
    ],
)
def test_every_command_with_data_takes_the_choice_of_an_intercept_and_names_it(command, capsys):
    assert main(["linear", *command.split(), "--no-center"]) == 0
    said = capsys.readouterr().out
    assert "without intercept" in said
    assert "with intercept" not in said


def test_descent_off_a_saddle_tells_of_its_escape(capsys):
    assert main(["linear", "descend", "--start", "saddle"]) == 0
    assert "step 0: left a strict saddle" in capsys.readouterr().out


def test_what_the_flow_counts_are_gradients_and_no_steps(capsys):
    assert main(["linear", "descend"]) == 0
    head = next(line for line in capsys.readouterr().out.splitlines() if "stopped" in line)
    assert head.split()[:2] == ["gradients", "stopped"]


def test_given_weights_and_data_are_judged(tmp_path, capsys):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((40, 3))
    np.savez(tmp_path / "data.npz", x=x, y=x[:, :2])
    np.savez(tmp_path / "weights.npz", w1=np.eye(3), w2=np.eye(3)[:2])
    line = ["linear", "classify", "--data", str(tmp_path / "data.npz")]
    assert main([*line, "--weights", str(tmp_path / "weights.npz")]) == 0
    assert "global minimum" in capsys.readouterr().out
    np.savez(tmp_path / "weights.npz", w1=np.ones((3, 3)), w2=np.eye(3)[:2])
    assert main([*line, "--weights", str(tmp_path / "weights.npz")]) == 0
    assert "the gradient by layer" in capsys.readouterr().out


def test_the_least_risk_is_shown_with_no_more_digits_than_it_has(tmp_path, capsys):
    rng = np.random.default_rng(0)
    x, rest = rng.standard_normal((40, 3)), rng.standard_normal((40, 2))
    left = 0.5 * np.sum((rest - x @ np.linalg.lstsq(x, rest)[0]) ** 2)
    for name, noise, shown in (
        ("exact", 0.0, "leaves nothing above rounding (2e-12)"),
        ("near", 1e-5, "(known to 3 digits)"),
        ("noisy", 1.0, f"leaves {left:.4g}"),
    ):
        y = x[:, :2] + noise * rest
        np.savez(tmp_path / f"{name}.npz", x=x, y=y)
        path = str(tmp_path / f"{name}.npz")
        assert main(["linear", "minimum", "--no-center", "--data", path]) == 0
        assert shown in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["capacity", "--widths", "3", "x"], "x"),
        (["capacity", "--widths", "9"], "two numbers at least"),
        (["minimum", "--modes", "a"], "a"),
        (["minimum", "--data", "/no/such/file"], "does not exist"),
        (["descend", "--learning-rate", "0.1"], "goes with method"),
        (["classify", "--held", "9"], "modes count from 1 to 4"),
        (["classify", "--tol", "-1"], "tol must be positive"),
        (["classify", "--weights", "/no/such.npz"], "cannot be read"),
        (["classify", "--kind", "nice"], "nice"),
        (["descend", "--hidden", "0"], "hidden must be at least 1"),
        (["descend", "--strength", "-1"], "strength must be positive"),
        (["tour", "--depths", "1"], "depths must be at least 2"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_two(arguments, message, capsys):
    assert main(["linear", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_weights_under_other_names_are_refused(tmp_path, capsys):
    np.savez(tmp_path / "weights.npz", first=np.eye(2))
    assert main(["linear", "classify", "--weights", str(tmp_path / "weights.npz")]) == 2
    assert "expected arrays w1, w2" in capsys.readouterr().err


def test_divergence_is_a_failure_with_a_way_out(capsys):
    line = ["linear", "descend", "--method", "gradient", "--start", "random"]
    assert main([*line, "--learning-rate", "50"]) == 1
    assert "Take a learning rate below 50" in capsys.readouterr().err


COMMANDS = {
    "minimum": [],
    "classify": [],
    "landscape": ["--grid", "3"],
    "descend": ["--method", "gradient", "--steps", "10"],
    "tour": ["--depths", "2"],
    "ranks": ["--max-rank", "1", "--steps", "10"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_what_the_reader_of_pictures_warns_of_is_said_and_kept(command, tmp_path, capsys):
    data = class_folders(tmp_path / "data", n=8, classes=("cat", "dog", "owl"))
    (data / "cat/notes.txt").touch()
    line = ["--runs", str(tmp_path / "runs"), "linear", command, "--data", str(data)]
    for _ in range(2):  # computed, and reused
        assert main([*line, *COMMANDS[command]]) == 0
        said = capsys.readouterr().err
        assert "1 file skipped: 1 .txt" in said
        assert "has no test set" in said
    (run,) = RunStore(tmp_path / "runs").list()
    assert any("1 file skipped" in text for text in run.manifest.warnings)
