"""``pitfalls runs``: list, show and remove run folders."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cyclopts import App

from pitfalls.frame.session import run_store, say
from pitfalls.frame.tables import print_table

if TYPE_CHECKING:
    from pitfalls.runs import Run

app = App(name="runs", help="List, show and remove finished runs.")


@app.command(name="list")
def list_runs(experiment: str | None = None, /) -> None:
    """List all runs, oldest first.

    Parameters
    ----------
    experiment
        Only the runs of this experiment, such as parity-signal.
    """
    store = run_store()
    runs = store.list(experiment)
    if not runs:
        say(f"no runs{f' of {experiment}' if experiment else ''} in {store.root}")
        return
    print_table(
        f"{len(runs)} runs in {store.root}",
        ["run", "status", "started", "seconds", "MB"],
        [
            [
                run.id,
                _status(run, store.is_held(run)),
                run.manifest.starts[0] if run.manifest.starts else None,
                round(run.manifest.seconds, 1),
                round(sum(f.stat().st_size for f in run.path.rglob("*") if f.is_file()) / 1e6, 2),
            ]
            for run in runs
        ],
    )


@app.command
def show(run: str, /) -> None:
    """Show what a run was asked, on what machine, and what came out.

    Parameters
    ----------
    run
        Its id, a part at either end of it, or its folder.
    """
    import json

    store = run_store()
    found = store.find(run)
    manifest = found.manifest
    facts = {
        "folder": str(found.path),
        "status": _status(found, store.is_held(found)),
        "older": found.older_note or None,
        "command": manifest.command,
        "starts": ", ".join(manifest.starts),
        "end": manifest.end,
        "seconds": round(manifest.seconds, 1),
        "error": manifest.error,
        "commit": manifest.commit,
        "threads": manifest.threads,
        "machine": json.dumps(manifest.machine),
        "versions": json.dumps(manifest.versions),
        "config": json.dumps(manifest.config),
    }
    facts |= {f"warning {i}": text for i, text in enumerate(manifest.warnings, 1)}
    print_table(found.id, ["what", "value"], [[k, v] for k, v in facts.items() if v is not None])
    if found.complete:
        results = found.plain_results() | (
            {"results": found.results()} if found.has_file("results.json") else {}
        )
        say(json.dumps(results, indent=2, ensure_ascii=False))


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
def export(run: str, /, *, to: Literal["tensorboard", "mlflow"], folder: Path) -> None:
    """Copy a run's config, metrics and results into another tracker's store.

    Parameters
    ----------
    run
        Its id, a part at either end of it, or its folder.
    to
        The tracker; both need: pip install 'pitfalls[tracking]'
    folder
        Where the copy goes: TensorBoard's log folder, or the folder of MLflow's SQLite store.
    """
    from pitfalls.runs.export import export_mlflow, export_tensorboard

    found = run_store().find(run)
    made = (export_tensorboard if to == "tensorboard" else export_mlflow)(found, folder)
    say(f"exported {found.id} to {made}")


def _status(run: "Run", held: bool) -> str:
    status: str = run.manifest.status
    if status == "running" and not held:
        # a run whose process was killed still says that it is running
        status = "killed" if run.is_older else "killed, can be continued"
    return f"{status}, older" if run.is_older else status
