"""From a config to a finished run, for the experiments that have no folder of their own yet."""

from pitfalls.frame.session import complain, current_command, remark, run_store, settings
from pitfalls.runs import Run

__all__ = ["perform"]


def perform(config: object, *, command: str | None = None) -> Run:
    """Run, continue or reuse the run of ``config``, draw its figures and say where it lies.

    Parameters
    ----------
    config : dataclass instance
        The config of a registered experiment.
    command : str, optional
        What the manifest names as its command (default: the line that was typed).
    """
    from pitfalls.experiments import perform as perform_experiment
    from pitfalls.frame.bars import TerminalProgress
    from pitfalls.report.figures import draw_run

    store = run_store()
    run = perform_experiment(
        config,
        store,
        command=command or current_command(),
        threads=settings().threads,
        fresh=settings().fresh,
        progress=TerminalProgress(),
    )
    if run.set_aside is not None:
        remark(f"a run that other code computed is kept as {run.set_aside}")
    if not run.was_opened:
        remark(f"reused the run of {run.manifest.end}; --fresh starts over")
    # of a run that is reused its own data's warnings: the same pictures may have been found otherwise
    source = None if run.was_opened else getattr(config, "source", None)
    for warning in run.manifest.warnings if source is None else source.warnings:
        complain(warning, kind="warning")
    draw_run(run)
    remark(f"run folder: {run.path}")
    return run
