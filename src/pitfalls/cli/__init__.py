"""The command line: parse, call, print. One thin module a lab, imported only when it is used."""

import os
import select
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, CycloptsError, Group, Parameter

from pitfalls.errors import PitfallsError
from pitfalls.escaping import brief
from pitfalls.frame import Whole, session

__all__ = ["app", "main"]

READER_GONE = 141
"""Exit code where the reader of our output has gone: 128 and the number of SIGPIPE, as a shell has it."""

GLOBAL = Group("Options for every command", sort_key=100)

app = App(
    name="pitfalls",
    help="What can a network represent, and what can gradient descent find? Measure both.",
    version=session.package_version,
    help_format="markdown",
)
# main() itself says how to go on
app.suppress_keyboard_interrupt = app.meta.suppress_keyboard_interrupt = False
app["--help"].group = GLOBAL
app["--version"].group = GLOBAL
app.command(
    "pitfalls.cli.linear:app",
    name="linear",
    help="Deep linear networks: capacity, minima, and a verdict on every critical point.",
)
app.command(
    "pitfalls.cli.parity:app",
    name="parity",
    help="Parity: networks that represent it exactly, and how little the gradient says about it.",
)
app.command(
    "pitfalls.cli.images:app",
    name="images",
    help="CIFAR-10 or your own pictures: linear methods, networks, learning-rate schemes.",
)
app.command(
    "pitfalls.experiments.diagnosis.command:app",
    name="diagnose",
    help="Ask why your own network does not learn: seven cards with witnesses.",
)
app.command(
    "pitfalls.experiments.verify.command:command",
    name="verify",
    help="Check every statement of the homework by trying to break it.",
)
app.command(
    "pitfalls.cli.report:report",
    name="report",
    help="Run what is missing and write the report: one HTML page and one PDF.",
)
app.command(
    "pitfalls.cli.playground:playground",
    name="playground",
    help="Write the page in which the homework's networks train live.",
)
app.command(
    "pitfalls.cli.course:app",
    name="course",
    help="Teach with this sheet: starter scripts, graders that cannot be fooled, slides.",
)
app.command("pitfalls.cli.runs:app", name="runs", help="List, show, check, export and remove runs.")
app.command(
    "pitfalls.cli.doctor:doctor",
    name="doctor",
    help="Say what this machine has, and what is missing.",
)


@app.meta.default
def launch(
    *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    seed: Annotated[Whole, Parameter(group=GLOBAL)] = 123,
    threads: Annotated[Whole | None, Parameter(group=GLOBAL)] = None,
    device: Annotated[Literal["auto", "cpu", "cuda"], Parameter(group=GLOBAL)] = "auto",
    runs: Annotated[Path | None, Parameter(group=GLOBAL)] = None,
    fresh: Annotated[bool, Parameter(group=GLOBAL, negative="")] = False,
    debug: Annotated[bool, Parameter(group=GLOBAL, negative="")] = False,
    json: Annotated[bool, Parameter(group=GLOBAL, negative="")] = False,
) -> object:
    """Set what holds for every command, then hand the rest of the line to the command.

    Parameters
    ----------
    seed
        Every random number follows from it.
    threads
        Processor threads to use (default: all this process may have, and of them as many as a
        training keeps busy).
    device
        Where tensors live; auto takes a CUDA device if there is one.
    runs
        Folder of the run folders (default: PITFALLS_RUNS, else ./runs).
    fresh
        Start over instead of reusing or continuing a run.
    debug
        Show the traceback of an error.
    json
        Print each table as one line of JSON on standard output, and all else on standard error.
    """
    session.start(
        session.Settings(
            seed=seed,
            threads=threads,
            device=device,
            runs=runs,
            fresh=fresh,
            debug=debug,
            json=json,
        ),
        tokens,
    )
    return app(tokens, exit_on_error=False, print_error=False, result_action="return_value")


def _load_what_help_lists(arguments: Sequence[str]) -> None:
    """Load the commands of the lab whose help is asked, so that each is listed with what it does.

    The command line's library prints the bare name of a command that is not loaded yet.
    """
    words, found, _ = app.parse_commands(arguments)
    asked = len(words) - (words[-1:] in {(flag,) for flag in app.help_flags})
    if asked == 1:
        found[1].resolved_commands()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    0: done; 1: failed; 2: bad input; 130: interrupted; 141: the reader of a pipe has gone. A command may
    return its own code.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in arguments
    try:
        with session.interruptible(), _warnings_in_one_line(debug=debug):
            _load_what_help_lists(arguments)
            result = app.meta(
                arguments, exit_on_error=False, print_error=False, result_action="return_value"
            )
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except CycloptsError as error:
        _trace(debug=debug)
        path = " ".join(["pitfalls", *(error.command_chain or ())])
        session.complain(
            f"{_one_line(error)}{brief(_as_list(error, arguments))} See: {path} --help"
        )
        return 2
    except PitfallsError as error:
        _trace(debug=debug)
        session.complain(_one_line(error))
        return error.exit_code
    except KeyboardInterrupt:
        session.complain(f"interrupted. Go on with: {session.command_line(arguments)}")
        return 130
    except SystemExit as end:
        # rich answers a broken pipe in this way, and says nothing of it
        if isinstance(end.__context__, BrokenPipeError):
            return READER_GONE
        _trace(debug=debug)
        session.complain(f"code that was named ended the program ({end.code}) in its midst.")
        return 1
    except OSError as error:
        _trace(debug=debug)
        if isinstance(error, BrokenPipeError) and _reader_has_gone():
            return READER_GONE
        session.complain(_refused(error, arguments))
        return 1
    except Exception as error:
        _trace(debug=debug)
        if _is_out_of_memory(error):
            reason = _one_line(error) or "No more was to be had."
            session.complain(f"memory ran out. {reason} Ask for something smaller.")
            return 1
        session.complain(
            f"unexpected {type(error).__name__}: {_one_line(error)} "
            "This is a fault of pitfalls; --debug shows where."
        )
        return 1


@contextmanager
def _warnings_in_one_line(*, debug: bool) -> Iterator[None]:
    """Show what libraries warn of as we do, in one line; with --debug where it came from, too."""
    with warnings.catch_warnings():
        if not debug:
            warnings.showwarning = lambda message, *_: session.complain(
                _one_line(message), kind="warning"
            )
        yield


def _is_out_of_memory(error: Exception) -> bool:
    """Tell a lack of memory: PyTorch has no error of its own for it, but on a GPU."""
    text = str(error)
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError)
        and any(
            words in text
            for words in ("allocate memory", "out of memory", "lation overflow", "cation overflow")
        )
    )


def _as_list(error: CycloptsError, arguments: Sequence[str]) -> str:
    """Say how a list is written where the option that was refused got one with commas."""
    from pitfalls.frame import list_form

    words = [word for argument in arguments for word in argument.split("=", 1)]
    names = set(error.argument.names) if error.argument is not None else set()
    given = [(name, text) for name, text in pairwise(words) if name in names and "," in text]
    return list_form(*given[0]) if given else ""


def _reader_has_gone() -> bool:
    """Whether standard output or error leads to a pipe that nobody reads (``| head``); then silence it."""
    gone = False
    for stream in (sys.stdout, sys.stderr):
        try:
            number = stream.fileno()
            poll = select.poll()
            poll.register(number, select.POLLERR)
            if poll.poll(0):
                # Python must not complain about it at exit either
                os.dup2(os.open(os.devnull, os.O_WRONLY), number)
                gone = True
        except (OSError, AttributeError, ValueError):  # no real file, or no poll on this system
            continue
    return gone


def _refused(error: OSError, arguments: Sequence[str]) -> str:
    """Say what the operating system refused: a full disk under standard output, a file, a process."""
    where = f" ({error.filename})" if error.filename else ""
    return brief(
        f"{error.strerror or _one_line(error)}{where}. What was saved is kept. "
        f"Mend the cause, then go on with: {session.command_line(arguments)}"
    )


def _trace(*, debug: bool) -> None:
    """Show, with --debug, where the error at hand came from; the exit code stays."""
    if debug:
        import traceback

        traceback.print_exc()


def _one_line(error: BaseException | str) -> str:
    # PyTorch adds where in its own machinery an error was raised
    text = brief(" ".join(str(error).partition("Exception raised from")[0].split()))
    return text if text.endswith((".", "!", "?")) or not text else text + "."
