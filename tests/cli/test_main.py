import os
import re
import signal
import subprocess
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
from docstring_parser import parse

from pitfalls.cli import app, main
from pitfalls.errors import DataError, InputError, RunError
from pitfalls.experiments.image_regress import EXPERIMENT, RegressConfig
from pitfalls.experiments.image_source import find_images
from pitfalls.frame import perform, session, tables
from pitfalls.frame.bars import TerminalProgress
from pitfalls.images import DataConfig

FOR_CONTRIBUTORS = {"docs", "test", "mutants", "check"}
COMMANDS = ("linear", "parity", "images", "verify", "report", "playground", "runs", "doctor")


def test_help_lists_every_command_without_importing_torch():
    code = (
        "import sys\n"
        "from pitfalls.cli import main\n"
        "code = main(['--help'])\n"
        "heavy = {'torch', 'numpy', 'matplotlib', 'sklearn', 'numba'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "sys.exit(code)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for command in COMMANDS:
        assert f" {command} " in done.stdout


def test_the_help_of_every_group_of_commands_does_without_torch():
    groups = sorted({*COMMANDS, "course", "diagnose"})
    code = (
        "import sys\n"
        "from pitfalls.cli import main\n"
        f"codes = [main([group, '--help']) for group in {groups!r}]\n"
        "heavy = {'torch', 'matplotlib', 'sklearn', 'scipy', 'numba'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "assert not any(codes), codes\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("lab", ["linear", "parity", "images", "diagnose", "runs", "course"])
@pytest.mark.parametrize("flags", [["--help"], ["-h"]])
def test_the_help_of_a_lab_says_what_each_of_its_commands_does(lab, flags):
    code = f"from pitfalls.cli import main; main([{lab!r}, *{flags!r}])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    commands = done.stdout.split("─ Commands ─")[1].split("╰")[0]
    rows = re.findall(r"^│ (\S+)(.*)│$", commands, flags=re.MULTILINE)
    assert rows
    assert [name for name, text in rows if not text.strip()] == []


def test_version_is_the_package_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == session.package_version()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (["nothing"], "Unknown command"),
        (["runs", "list", "--wrong", "3"], "Unknown option"),
        (["runs", "show"], "requires an argument"),
        (["runs", "show", "nothing"], "no run is called"),
        (["--seed", "-1", "runs", "list"], "--seed must be at least 0"),
        (["--seed", str(2**63), "runs", "list"], "below 2^63"),
        (["--threads", "0", "runs", "list"], "--threads must be at least 1"),
        (["--device", "tpu", "runs", "list"], "tpu"),
        (["--runs", "x", "images", "train", "--widths", "1"], "See: pitfalls images train --help"),
        (["images", "embed", "--data", "digits", "--thumbnails", "-4"], "Got -4"),
        (["parity", "signal", "-d", "0"], "Got dimensions (0,)"),
        (["linear", "capacity", "--rank", "1.5"], "below 2^63, got '1.5'"),
        (["parity", "prove", "--mask", "101", "--n-hidden", "2.5"], "expected a whole number"),
        (["--seed", "1.5", "runs", "list"], "expected a whole number"),
        (
            ["linear", "minimum", "--modes", "inf"],
            "modes must fall, from less than 1e100 to no less",
        ),
        (["linear", "descend", "--strength", "1e308"], "at the start the weights or the gradient"),
        (["linear", "ranks", "--strength", "1e308"], "at the start the weights or the gradient"),
        (["images", "embed", "--data", "digits", "--validation", "1e308"], "validation must be"),
        (["images", "embed", "--data", "/dev/zero"], "it is a pipe or a device, not a file"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(line, says, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(line) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert printed.err.startswith("pitfalls: error: ")
    assert says in printed.err


@pytest.mark.parametrize(
    ("error", "code"),
    [(InputError("bad"), 2), (DataError("bad"), 2), (RunError("bad"), 1), (ZeroDivisionError(), 1)],
)
def test_errors_become_exit_codes(error, code, capsys, monkeypatch):
    def fail():
        raise error

    monkeypatch.setattr("pitfalls.cli.runs.run_store", fail)
    assert main(["runs", "list"]) == code
    assert capsys.readouterr().err.count("\n") == 1
    assert main(["runs", "list", "--debug"]) == code
    said = capsys.readouterr().err
    assert "Traceback (most recent call last)" in said
    assert "in fail" in said


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (MemoryError(), "memory ran out. No more was to be had. Ask for something smaller."),
        (
            RuntimeError(
                "DefaultCPUAllocator: can't allocate memory\nException raised from f\nframe #0"
            ),
            "memory ran out. DefaultCPUAllocator: can't allocate memory. Ask for something smaller.",
        ),
        (RuntimeError("numel: integer multiplication overflow"), "memory ran out. numel: "),
        (RuntimeError("wrong\nException raised from g"), "unexpected RuntimeError: wrong. This is"),
        (SystemExit(3), "code that was named ended the program (3) in its midst."),
    ],
)
def test_what_libraries_and_named_code_do_is_one_line(error, says, capsys, monkeypatch):
    def fail():
        raise error

    monkeypatch.setattr("pitfalls.cli.runs.run_store", fail)
    assert main(["runs", "list"]) == 1
    printed = capsys.readouterr().err
    assert printed.startswith(f"pitfalls: error: {says}")
    assert printed.count("\n") == 1


@pytest.mark.filterwarnings("default")
def test_what_libraries_warn_of_is_one_line_without_their_place(capsys, monkeypatch):
    def warn():
        warnings.warn("overflow\nencountered", RuntimeWarning, stacklevel=1)
        raise RunError("bad.")

    monkeypatch.setattr("pitfalls.cli.runs.run_store", warn)
    before = warnings.showwarning
    assert main(["runs", "list"]) == 1
    assert capsys.readouterr().err == (
        "pitfalls: warning: overflow encountered.\npitfalls: error: bad.\n"
    )
    assert warnings.showwarning is before


def test_interruption_names_the_command_to_go_on_with(capsys, monkeypatch):
    def stop():
        raise KeyboardInterrupt

    monkeypatch.setattr("pitfalls.cli.runs.run_store", stop)
    assert main(["runs", "list", "--fresh"]) == 130
    assert (
        capsys.readouterr().err == "pitfalls: error: interrupted. Go on with: pitfalls runs list\n"
    )


def test_ctrl_c_during_the_imports_is_one_line():
    code = (
        "import sys\n"
        "class Interrupts:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name == 'cyclopts':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupts())\n"
        "from pitfalls.__main__ import run\n"
        "sys.exit(run())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 130
    assert done.stderr == "pitfalls: error: interrupted. Go on with: pitfalls\n"


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("within", ["an import", "exec"])
def test_a_signal_during_the_imports_is_one_line_with_the_command_to_go_on_with(
    name, within, monkeypatch
):
    send = f"import os, signal, time; os.kill(os.getpid(), signal.{name}); time.sleep(60)"
    code = (
        "import sys\n"
        "class Signals:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name == 'cyclopts':\n"
        f"            {send if within == 'an import' else f'exec({send!r})'}\n"
        "sys.meta_path.insert(0, Signals())\n"
        "from pitfalls.__main__ import run\n"
        "sys.exit(run())\n"
    )
    words = ["runs", "list", "--fresh"]
    monkeypatch.setenv("PITFALLS_RUNS", "my runs")
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
    assert done.returncode == 130
    hint = "PITFALLS_RUNS='my runs' pitfalls runs list"
    assert done.stderr == f"pitfalls: error: interrupted. Go on with: {hint}\n"


@pytest.mark.parametrize("line", ["--help", "runs --help", "runs list", "--version"])
def test_a_reader_that_has_gone_ends_the_command_with_the_code_of_a_broken_pipe(line, tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "pitfalls", *line.split(), "--runs", str(tmp_path)],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("line", ["--help", "runs list", "--version"])
def test_a_full_disk_under_the_output_is_one_line(line, tmp_path):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "pitfalls", *line.split(), "--runs", str(tmp_path)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 1
    assert done.stderr.startswith(
        "pitfalls: error: No space left on device. What was saved is kept."
    )
    assert done.stderr.count("\n") == 1


def test_a_reused_run_warns_of_how_its_pictures_were_found_this_time(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PITFALLS_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("PITFALLS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("PITFALLS_DATA", raising=False)
    assert main(["images", "regress", "--data", "digits"]) == 0
    assert "warning" not in capsys.readouterr().err
    fallback = replace(find_images(DataConfig("digits")), warnings=("digits, not CIFAR-10",))
    perform(EXPERIMENT, RegressConfig(fallback))
    assert "pitfalls: warning: digits, not CIFAR-10" in capsys.readouterr().err


def test_a_polite_kill_ends_like_ctrl_c(monkeypatch):
    def wait():
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr("pitfalls.cli.runs.run_store", wait)
    assert main(["runs", "list"]) == 130
    assert signal.getsignal(signal.SIGTERM) is before


def test_global_options_are_taken_before_and_after_the_command(tmp_path, capsys):
    for line in (
        ["--runs", str(tmp_path / "a"), "--seed", "7", "runs", "list"],
        ["runs", "list", "--runs", str(tmp_path / "a"), "--seed", "7"],
    ):
        assert main(line) == 0
        assert session.settings().seed == 7
        assert str(tmp_path / "a") in capsys.readouterr().out


def test_doctor_reports_a_data_path_that_is_not_there(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PITFALLS_DATA", str(tmp_path / "gone"))
    assert main(["doctor"]) == 1
    assert "does not exist" in capsys.readouterr().out
    for word in ("digits", "cifar10"):  # no paths
        monkeypatch.setenv("PITFALLS_DATA", word)
        assert main(["doctor"]) == 0
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mine").mkdir()
    monkeypatch.setenv("PITFALLS_DATA", "~/mine")  # as the commands read it
    assert main(["doctor"]) == 0
    monkeypatch.delenv("PITFALLS_DATA")
    capsys.readouterr()
    assert main(["doctor"]) == 0


@pytest.mark.parametrize("below", ["", "deeper/still"])
def test_doctor_reports_a_root_of_runs_that_is_no_folder(monkeypatch, capsys, tmp_path, below):
    monkeypatch.delenv("PITFALLS_DATA", raising=False)
    (tmp_path / "file").write_text("")
    assert main(["--runs", str(tmp_path / "file" / below), "doctor"]) == 1
    printed = capsys.readouterr().out
    assert "Not a directory" in printed
    assert "choose another with --runs" in printed
    assert "1 to mend" in printed


def test_the_settings_of_a_command_line_go_into_the_manifest_command(monkeypatch):
    session.start(session.Settings(seed=5), ["parity", "train", "--d", "5"])
    assert session.current_command() == "pitfalls parity train --d 5 --seed 5"
    # without its folder the command that an error names would begin another run elsewhere
    session.start(session.Settings(runs=Path("my runs")), ["parity", "train"])
    assert session.current_command() == "pitfalls parity train --runs 'my runs'"
    session.start(session.Settings(), ["images", "predict", "my picture.png"])
    monkeypatch.delenv("PITFALLS_DATA", raising=False)
    assert session.current_command() == "pitfalls images predict 'my picture.png'"
    monkeypatch.setenv("PITFALLS_DATA", "my pictures")
    session.start(session.Settings(), ["images", "embed"])
    assert session.current_command() == "PITFALLS_DATA='my pictures' pitfalls images embed"
    session.start(session.Settings(), ["images", "embed", "--data", "digits"])
    assert session.current_command() == "pitfalls images embed --data digits"


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("images embed", "PITFALLS_DATA='my pictures' PITFALLS_RUNS=there pitfalls images embed"),
        ("report --quick", "PITFALLS_DATA='my pictures' PITFALLS_RUNS=there pitfalls report --quick"),
        ("--seed 3 images embed --fresh",
         "PITFALLS_DATA='my pictures' PITFALLS_RUNS=there pitfalls --seed 3 images embed"),
        ("images embed --data digits", "PITFALLS_RUNS=there pitfalls images embed --data digits"),
        ("images embed --data=digits", "PITFALLS_RUNS=there pitfalls images embed --data=digits"),
        ("linear tour --runs here", "pitfalls linear tour --runs here"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("end", [KeyboardInterrupt, OSError("full")])
def test_the_hint_to_go_on_holds_the_variables_that_the_line_went_by(
    monkeypatch, capsys, line, hint, end
):
    def stop(*_, **__):
        raise end

    monkeypatch.setenv("PITFALLS_DATA", "my pictures")
    monkeypatch.setenv("PITFALLS_RUNS", "there")
    monkeypatch.setattr(session, "interruptible", stop)
    assert main(line.split()) in (1, 130)
    assert capsys.readouterr().err.rstrip().endswith(f"o on with: {hint}")


def test_cells_are_never_read_as_markup(capsys):
    tables.print_table("[bold]t[/bold]", ["[red]a"], [["[b]x[/b]"], [None], [True], [0.123456]])
    printed = capsys.readouterr().out
    for text in ("[bold]t[/bold]", "[red]a", "[b]x[/b]", "-", "yes", "0.1235"):
        assert text in printed


def test_plain_progress_says_rate_and_time_left_but_only_of_long_work(capsys, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("pitfalls.frame.bars.time.monotonic", lambda: clock[0])
    with TerminalProgress()("short", unit="inputs") as advance:
        advance(0, 10)
        clock[0] += 1.0
        advance(10, 10)
    assert capsys.readouterr().err == ""
    with TerminalProgress()("long", unit="inputs") as advance:
        for done in range(0, 101, 10):
            advance(done, 100)
            clock[0] += 3.0
    assert capsys.readouterr().err.splitlines() == [
        "long: 10 % (10/100 inputs, 3.33/s, 27 s left)",
        "long: 50 % (50/100 inputs, 3.33/s, 15 s left)",
        "long: 90 % (90/100 inputs, 3.33/s, 3 s left)",
    ]
    clock[0] = 100.0
    with TerminalProgress()("resumed", unit="inputs") as advance:
        clock[0] += 3.0  # loading, which is no part of the rate
        for done in (60, 80, 100):
            advance(done, 100)
            clock[0] += 10.0
    assert capsys.readouterr().err.splitlines() == [
        "resumed: 60 % (60/100 inputs)",
        "resumed: 80 % (80/100 inputs, 2/s, 10 s left)",
        "resumed: 100 % (100/100 inputs, 2/s, 0 s left)",
    ]


def commands(found, path=()):
    """Yield every command with its words."""
    for name in (name for name in found if not name.startswith("-")):
        yield from commands(found[name], (*path, name))
    if found.default_command is not None and path:
        yield path, found


def test_every_option_that_takes_code_by_name_says_that_it_runs():
    taking: dict[str, list[str]] = {}
    for path, command in commands(app):
        written = {
            item.arg_name.replace("_", "-"): item.description
            for item in parse(command.default_command.__doc__ or "").params
        }
        for argument in command.assemble_argument_collection():
            told = argument.parameter.help or written.get(argument.name.lstrip("-").lower()) or ""
            text = " ".join(told.split())
            if any(word in text for word in (".py:", ".module:", "module:", "by name")):
                taking.setdefault(argument.name, []).append(" ".join(path))
                assert "code is run" in text or "runs as your own code does" in text, (path, text)
    assert set(taking["--model"]) >= {
        *("images train", "images compare", "images lr-find", "images evaluate", "images predict"),
        *("images diagram", "images summary", "runs export"),
    }
    assert {"--scheme", "--optimizer", "--loss", "--transforms", "--track"} <= set(taking)
    assert {"diagnose", "diagnose check"} <= {path for paths in taking.values() for path in paths}


def test_doctor_names_every_extra_of_a_user(monkeypatch, capsys):
    import importlib.util
    from importlib.metadata import metadata

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    main(["doctor"])
    out = capsys.readouterr().out
    for extra in set(metadata("pitfalls").get_all("Provides-Extra") or ()) - FOR_CONTRIBUTORS:
        assert f"pitfalls[{extra}]" in out, extra
