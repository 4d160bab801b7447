"""``pitfalls runs``: list, show, check, export and remove run folders."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from cyclopts import App

from pitfalls.frame import Whole, as_json, complain, print_table, run_store, say
from pitfalls.prose import counted

if TYPE_CHECKING:
    from pitfalls.plots import Kind, Style
    from pitfalls.runs import Run

app = App(name="runs", help="List, show, check, export and remove runs.")


@app.command(name="list")
def list_runs(experiment: str | None = None, /) -> None:
    """List all runs, oldest first.

    Parameters
    ----------
    experiment
        Only the runs of this experiment, such as parity-signal.
    """
    from pitfalls.runs import folder_size

    store = run_store()
    runs = store.list(experiment)
    for fault in store.unreadable(experiment).values():
        complain(fault, kind="warning")
    if not runs:
        say(f"no runs{f' of {experiment}' if experiment else ''} in {store.root}")
        return
    print_table(
        f"{counted(len(runs), 'run')} in {store.root}",
        ["run", "status", "started", "seconds", "MB"],
        [
            [
                run.id,
                _status(run, held=store.is_held(run)),
                run.manifest.starts[0] if run.manifest.starts else None,
                round(run.manifest.seconds, 1),
                round(folder_size(run.path) / 1e6, 2),
            ]
            for run in runs
        ],
    )


@app.command
def show(run: str, /) -> int:
    """Show what a run was asked, on what machine, and what came out.

    Parameters
    ----------
    run
        Its id, a part at either end of it, or its folder.
    """
    from pitfalls.errors import RunError

    store = run_store()
    found = store.find(run)
    manifest = found.manifest
    facts = {
        "folder": str(found.path),
        "status": _status(found, held=store.is_held(found)),
        "older": found.older_note or None,
        "command": manifest.command,
        "starts": ", ".join(manifest.starts),
        "end": manifest.end,
        "seconds": round(manifest.seconds, 1),
        "error": manifest.error,
        "commit": manifest.commit,
        "threads": manifest.threads,
        "machine": as_json(manifest.machine),
        "versions": as_json(manifest.versions),
        "config": as_json(manifest.config),
    }
    facts |= {f"warning {i}": text for i, text in enumerate(manifest.warnings, 1)}
    code = 0
    if found.complete:
        try:
            facts |= {name: as_json(value) for name, value in found.plain_results().items()}
        except RunError as error:
            facts["damaged"], code = str(error), 1
    print_table(found.id, ["what", "value"], [[k, v] for k, v in facts.items() if v is not None])
    return code


@app.command
def check(*runs: str) -> int:
    """Compare everything that runs hold with what was written; exit code 1 if anything differs.

    Parameters
    ----------
    runs
        Ids, parts at either end of them, or folders (default: all runs).
    """
    store = run_store()
    faults = store.check(*runs)
    for lines in faults.values():
        for line in lines:
            complain(line, kind="fault")
    damaged = sum(map(bool, faults.values()))
    if not faults:
        say(f"nothing was compared: there is no run in {store.root} that no process is working on")
        return 0
    say(
        f"{counted(len(faults), 'run')} in {store.root}: "
        + (f"{damaged} damaged" if damaged else "everything is as it was written")
    )
    return 1 if damaged else 0


@app.command
def remove(*runs: str) -> None:
    """Delete run folders; one that a process is working on is refused.

    Parameters
    ----------
    runs
        Ids, parts at either end of them, or folders.
    """
    from pitfalls.errors import InputError

    if not runs:
        raise InputError("runs remove: name at least one run. See: pitfalls runs list")
    store = run_store()
    for removed in store.remove(*runs):
        say(f"removed {removed}")


@app.command
def export(
    run: str,
    /,
    *,
    to: Literal[
        "csv", "svg", "png", "pdf", "tensorboard", "mlflow", "onnx", "torch", "safetensors"
    ],
    folder: Path,
    table: str | None = None,
    style: Literal["page", "print", "slides"] = "page",
    member: Whole = 0,
    model: str | None = None,
) -> None:
    """Copy what a run found: its table, figures, trained network, or numbers for another tracker.

    Parameters
    ----------
    run
        Its id, a part at either end of it, or its folder.
    to
        csv is the result's table; svg, png and pdf are its figures, drawn anew; onnx, torch
        (torch.export) and safetensors are its trained network with the preprocessing inside, compared
        with the run's predictions on 100 pictures (onnx needs: pip install 'pitfalls[onnx]'); the two
        trackers need: pip install 'pitfalls[tracking]'
    folder
        Where the files go; TensorBoard's log folder, or the folder of MLflow's SQLite store.
    table
        With csv: another field of the result that holds records, arrays or a matrix, or one within
        it: as_trained.calibration.
    style
        With figures: as on the page, for print, or for slides.
    member
        With a network: which of the run's trainings, counted from 0.
    model
        With a network of your own: its name again, file.py:Name or package.module:Name, whose code is
        run.
    """
    from pitfalls.errors import InputError

    if table is not None and to != "csv":
        raise InputError(f"runs export: --table goes with --to csv. Got --to {to}.")
    if style != "page" and to not in ("svg", "png", "pdf"):
        raise InputError(f"runs export: --style goes with --to svg, png or pdf. Got --to {to}.")
    network = to in ("onnx", "torch", "safetensors")
    if not network and (member or model is not None):
        name = "member" if member else "model"
        raise InputError(
            f"runs export: --{name} goes with --to onnx, torch or safetensors. Got --to {to}."
        )
    found = run_store().find(run)
    if network:
        from pitfalls.experiments import NetworkFormat, export_network

        deployed = export_network(
            found, cast("NetworkFormat", to), folder, member=member, model=model
        )
        say(f"exported {found.id} to {deployed.path}")
        say(
            f"its probabilities differ from the run's by {deployed.difference:.1g} on {deployed.pictures}"
        )
        return
    for note in _notes(found):
        complain(note, kind="warning")
    for made in _export(found, to, folder, table, style):
        say(f"exported {found.id} to {made}")


def _export(
    run: "Run", to: str, folder: Path, table: str | None, style: "Style"
) -> Sequence[Path | str]:
    if to == "tensorboard":
        from pitfalls.runs import export_tensorboard

        return [export_tensorboard(run, folder)]
    if to == "mlflow":
        from pitfalls.runs import export_mlflow

        return [export_mlflow(run, folder)]
    from pitfalls.experiments import experiment_named
    from pitfalls.frame import Finished, export_csv, export_figures

    experiment = experiment_named(run.manifest.experiment)
    finished = Finished(run, run.load(experiment.result))
    if to == "csv":
        return [export_csv(finished, folder, table)]
    return export_figures(finished, folder, cast("Kind", to), style)


def _notes(run: "Run") -> list[str]:
    """Return what whoever gets a run's numbers must know of them."""
    unfinished = (
        f"The run {run.id} is not finished (it is {run.manifest.status}): these are the numbers that it "
        "had saved."
    )
    return [note for note in (run.older_note, "" if run.complete else unfinished) if note]


def _status(run: "Run", *, held: bool) -> str:
    status: str = run.manifest.status
    if status == "running" and not held:
        # a run whose process was killed still says that it is running
        status = "killed" if run.is_older else "killed, can be continued"
    return f"{status}, older" if run.is_older else status
