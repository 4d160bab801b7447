"""``pitfalls report``: run what is missing, then write the page and the PDF."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from pitfalls.frame import (
    complain,
    current_command,
    remark,
    resolve_device,
    run_store,
    say,
    settings,
)

if TYPE_CHECKING:
    from pitfalls.runs import Run


def report(
    *,
    quick: Annotated[bool, Parameter(negative="")] = False,
    full: Annotated[bool, Parameter(negative="")] = False,
    homework: Annotated[bool, Parameter(negative="")] = False,
    from_: Annotated[Path | None, Parameter(name="--from")] = None,
    diagnosis: str | None = None,
    data: str | None = None,
    out: Path = Path("report"),
    author: str = "",
    collaborators: str = "",
    comments: str = "",
    all_thumbnails: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Run what is missing and write the report: one HTML page and one PDF.

    Finished runs are reused and an interrupted one goes on from where it was, so the same command
    again costs only what is missing.

    Parameters
    ----------
    quick
        Every part in minutes, on fewer repetitions (the default).
    full
        Every part at the homework's own size; hours on two cores.
    homework
        Write homework.pdf instead: the answers alone, as a grader wants to see them.
    from_
        Run nothing; write the report from this folder of run folders.
    diagnosis
        Write one page of this diagnosis instead: the id of a run of pitfalls diagnose, or its folder.
    data
        Where the pictures come from: a CIFAR-10 folder or archive, class folders, .npz or digits
        (default: PITFALLS_DATA, the cache, a download, else the digits).
    out
        Folder to write index.html and writeup.pdf into.
    author
        Your name, for the homework's section 1.
    collaborators
        Whom you worked with, for section 1.
    comments
        What you have to say about the homework, for section 1.
    all_thumbnails
        Put every image of the embedding into the page instead of 10,000 (a larger file).
    """
    import time

    from pitfalls.errors import InputError

    if diagnosis is not None:
        others = quick, full, homework, from_, data, author, collaborators, comments, all_thumbnails
        return _diagnosis(diagnosis, out, alone=not any(others))
    if sum((quick, full, from_ is not None)) > 1:
        raise InputError("report: --quick, --full and --from exclude each other. Give one of them.")
    if from_ is not None and data is not None:
        raise InputError("report: --data says what to run on, but --from runs nothing. Drop one.")
    if all_thumbnails and (from_ is not None or homework):
        other = "--homework has no page" if homework else "--from runs nothing that would make them"
        raise InputError(f"report: --all-thumbnails are of the page, but {other}. Drop one.")

    from pitfalls.frame import TerminalProgress
    from pitfalls.report import FrontMatter, build, build_handin, gather

    _require_folder(out)
    failures: dict[str, str] = {}
    if from_ is not None:
        runs: Path | list[Run] = from_
        if not gather(from_):
            raise InputError(f"report: {from_} holds no runs. Make them: pitfalls report --quick")
        scale = f"from the runs in {from_.name or from_}"
    else:
        runs, failures = _run_homework(
            "full" if full else "quick", data, all_thumbnails=all_thumbnails
        )
        scale = "full scale" if full else "quick scale"
    started = time.monotonic()
    front = FrontMatter(author, collaborators, comments)
    if homework:
        handin = build_handin(runs, out, front=front, scale=scale, failures=failures)
        return _finish(handin.notes, (handin.writeup,), started, failures)
    with TerminalProgress()("writing the report", unit="steps") as advance:
        written = build(
            runs,
            out,
            front=front,
            scale=scale,
            failures=failures,
            on_progress=advance,
        )
    return _finish(written.notes, (written.page, written.writeup), started, failures)


def _finish(
    notes: tuple[str, ...], files: tuple[Path, ...], started: float, failures: dict[str, str]
) -> int:
    """Say what is missing and what was written."""
    import time

    for note in notes:
        complain(note, kind="note")
    for file in files:
        say(str(file))
    remark(f"report written in {time.monotonic() - started:.1f} s")
    return 1 if failures else 0


def _diagnosis(name: str, out: Path, *, alone: bool) -> int:
    """Write the page of one diagnosis; no other option goes with it."""
    from pitfalls.errors import InputError
    from pitfalls.report import build_diagnosis

    if not alone:
        raise InputError("report: --diagnosis writes one page of one run; only --out goes with it.")
    _require_folder(out)
    say(str(build_diagnosis(run_store().find(name), out)))
    return 0


def _require_folder(out: Path) -> None:
    """Refuse a place that cannot take the report before hours have gone into it."""
    from pitfalls.cli.places import refusal
    from pitfalls.errors import InputError

    if (error := refusal(out)) is not None:
        raise InputError(
            f"report: --out must be a folder to write into. Got {out} instead "
            f"({error.strerror or error})."
        )


def _run_homework(
    scale: Literal["quick", "full"], data: str | None, *, all_thumbnails: bool
) -> "tuple[list[Run], dict[str, str]]":
    """Run every part; one that fails leaves a note in the report and does not stop the others."""
    import dataclasses
    import sys

    from pitfalls.errors import DataError, InputError, PitfallsError
    from pitfalls.experiments import find_images, homework_configs, timed
    from pitfalls.frame import Experiment, Homework, TerminalProgress, perform
    from pitfalls.images.data import DataConfig
    from pitfalls.runs import config_hash

    find_images(DataConfig(data, seed=settings().seed), TerminalProgress())  # a download shows here
    # the author and where the report goes have nothing to do with a run
    command = current_command(["report", f"--{scale}", *(["--data", data] if data else [])])
    runs: list[Run] = []

    def time(experiment: Experiment[Any, Any], config: Any) -> Any:
        finished = perform(experiment, config, command=command, draw=False)
        runs.append(finished.run)
        return finished.result

    homework = Homework(scale, data, settings().seed, resolve_device())
    asked = homework_configs(timed(homework, time))
    failures: dict[str, str] = {}
    for number, (experiment, config) in enumerate(asked, 1):
        name = experiment.name
        remark(f"[{number}/{len(asked)}] question {experiment.question}: {name}")
        if name == "images-embed" and all_thumbnails:
            config = dataclasses.replace(config, thumbnails=sys.maxsize)
        try:
            runs.append(perform(experiment, config, command=command, draw=False).run)
        except PitfallsError as error:
            if isinstance(error, InputError | DataError) and not failures:
                raise  # what was asked for is wrong: every other part would say so too
            # or this part needs one that has failed
            failures[name] = " ".join(str(error).split())
            complain(f"{name}: {failures[name]} The report says so in its place.")
            runs += [r for r in run_store().list(name) if r.manifest.hash == config_hash(config)]
    return runs, failures
