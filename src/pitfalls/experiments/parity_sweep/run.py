"""Train every cell; each is saved the moment it is done."""

from dataclasses import replace

from pitfalls.clusters import run_jobs
from pitfalls.experiments.parity_sweep.records import Cell, SweepConfig, SweepResult
from pitfalls.frame import Homework
from pitfalls.parity import CellResult, LearningConfig, SweepCell, run_cell, sweep_cells
from pitfalls.progress import Progress
from pitfalls.runs import Run

__all__ = ["homework", "run"]


def run(config: SweepConfig, run: Run, progress: Progress) -> SweepResult:
    """Train what is not there yet."""
    asked = sweep_cells(
        config.n_features, config.weights, config.widths or None, config.learning_rates
    )
    left = [cell for cell in asked if not run.has(Cell, part=cell.name)]
    done = len(asked) - len(left)
    with progress("sweep", unit="cells") as advance:

        def keep(_: int, result: CellResult) -> None:
            nonlocal done
            run.save(_cell(result), part=result.cell.name)
            done += 1
            advance(done, len(asked))

        run_jobs(
            run_cell,
            [(cell, config.n_seeds, config.training) for cell in left],
            backend=config.backend,
            address=config.address,
            n_jobs=config.n_jobs or -1,
            on_result=keep,
        )
    cells = tuple(run.load(Cell, part=cell.name) for cell in asked)
    for cell in cells:
        _log(cell, config.training.n_iterations, run)
    return SweepResult(cells, config.training.n_iterations, config.n_seeds, not config.widths)


def homework(asked: Homework) -> tuple[SweepConfig, ...]:
    """Map few cells, or more of them with more trainings each."""
    base = LearningConfig(seed=asked.seed)
    if asked.scale == "quick":
        return (
            SweepConfig(
                n_features=(5, 10, 20, 30),
                weights=(1, 2, 3, 4, 6, 10),
                n_seeds=2,
                training=replace(base, n_iterations=20_000),
            ),
        )
    return (
        SweepConfig(
            n_features=(5, 10, 15, 20, 25, 30),
            weights=(1, 2, 3, 4, 5, 6, 8, 10, 12, 15),
            n_seeds=5,
            training=base,
        ),
    )


def _cell(result: CellResult) -> Cell:
    cell: SweepCell = result.cell
    return Cell(
        n_features=cell.n_features,
        weight=cell.weight,
        n_hidden=cell.n_hidden,
        learning_rate=cell.learning_rate,
        accuracy=result.accuracy,
        risk=result.risk,
        iterations=result.iterations,
        diverged=result.diverged,
        step=result.step,
        accuracy_curve=result.accuracy_curve,
    )


def _log(cell: Cell, n_iterations: int, run: Run) -> None:
    run.log(
        step=n_iterations,
        n_features=cell.n_features,
        weight=cell.weight,
        n_hidden=cell.n_hidden,
        learning_rate=cell.learning_rate,
        n=cell.n,
        n_learned=cell.n_learned,
        iterations=cell.median_iterations,
        n_reached=len(cell.reached),
        n_diverged=int(cell.diverged.sum()),
    )
