"""``pitfalls parity train | along | depth | sweep``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from pitfalls.cli.parity import app
from pitfalls.cli.performing import perform
from pitfalls.errors import InputError
from pitfalls.frame.session import settings
from pitfalls.frame.tables import print_table

if TYPE_CHECKING:
    from pitfalls.parity import TrainingConfig

__all__ = ["along", "depth", "sweep", "train"]

Ints = Annotated[tuple[int, ...], Parameter(consume_multiple=True, negative="")]
Dimensions = Annotated[tuple[int, ...], Parameter(alias="-d", consume_multiple=True, negative="")]
Floats = Annotated[tuple[float, ...], Parameter(consume_multiple=True, negative="")]


@Parameter(name="*")
@dataclass(frozen=True)
class Descent:
    """How to train; the defaults are the homework's.

    Attributes
    ----------
    iterations
        Batches.
    loss
        Hinge is the homework's.
    optimizer
        SGD with --momentum, or Adam.
    momentum
        Of SGD; 0 for none.
    batch_size
        Inputs a batch.
    samples
        Train on a fixed set of so many inputs (default: fresh ones in every batch).
    record_every
        Iterations between two points of the curve.
    """

    iterations: int = 50_000
    loss: Literal["hinge", "square", "logistic"] = "hinge"
    optimizer: Literal["sgd", "adam"] = "sgd"
    momentum: float = 0.9
    batch_size: int = 100
    samples: int | None = None
    record_every: int = 200

    def config(self, rate: float = 0.001, k: int | None = None) -> "TrainingConfig":
        """Build the training's config."""
        from pitfalls.parity import TrainingConfig

        return TrainingConfig(
            n_hidden=k,
            optimizer=self.optimizer,
            learning_rate=rate,
            momentum=self.momentum,
            loss=self.loss,
            batch_size=self.batch_size,
            n_iterations=self.iterations,
            n_samples=self.samples,
            record_every=self.record_every,
            seed=settings().seed,
        )


HOMEWORK = Descent()


@app.command
def train(
    *,
    d: Annotated[int | None, Parameter(alias="-d")] = None,
    weight: int | None = None,
    mask: str | None = None,
    k: int | None = None,
    rate: float = 0.001,
    descent: Descent = HOMEWORK,
) -> None:
    """Train one network on one parity.

    Parameters
    ----------
    d
        Features (default: 10).
    weight
        Ones in the mask v* (default: each feature counts with chance one half).
    mask
        The mask itself, zeros and ones such as 10110, in place of --d and --weight.
    k
        Hidden units (default: 10 d).
    rate
        Learning rate.
    """
    from pitfalls.experiments.parity_training import TrainRunConfig
    from pitfalls.parity import ParityTask

    if mask is None:
        task = ParityTask.random(10 if d is None else d, settings().seed, weight)
    elif set(mask) <= {"0", "1"} and mask:
        if weight is not None or d is not None:
            raise InputError(
                "--mask and --d or --weight exclude each other: a mask has its length and its ones."
            )
        task = ParityTask([int(bit) for bit in mask])
    else:
        raise InputError(f"--mask must be zeros and ones, such as 10110. Got {mask!r} instead.")
    config = descent.config(rate, k)
    run = perform(TrainRunConfig(mask=task.mask, training=config))
    results = run.results()
    spread = "exact" if results["exact"] else f"± {results['accuracy_error']:.1g}"
    print_table(
        f"Parity of {results['weight']} of {results['n_features']} features",
        ["mask", "units", "risk", "accuracy", "inputs", "spread", "iterations to 99 %"],
        [
            [
                "".join(map(str, task.mask)),
                results["n_hidden"],
                results["risk"],
                results["accuracy"],
                results["n_inputs"],
                spread,
                results["iterations_to_99"],
            ]
        ],
    )


@app.command
def along(
    *,
    d: Dimensions = (18, 18),
    weight: Ints = (3, 9),
    probes: int = 20,
    k: int | None = None,
    rate: float = 0.001,
    descent: Annotated[Descent, Parameter()] = Descent(iterations=20_000),
) -> None:
    """Measure the exact gradient signal of the target along training.

    Parameters
    ----------
    d
        Features, one a training; every probe passes over 2^d inputs.
    weight
        Ones in the mask, one for each d.
    probes
        Measurements a training.
    k
        Hidden units (default: 10 d).
    rate
        Learning rate.
    """
    from pitfalls.experiments.parity_training import AlongConfig

    if len(weight) != len(d):
        raise InputError(f"--weight: give one for each --d ({len(d)}). Got {len(weight)}.")
    run = perform(
        AlongConfig(
            cases=tuple(zip(d, weight, strict=True)),
            n_probes=probes,
            training=descent.config(rate, k),
        )
    )
    print_table(
        "Signal of the trained target over the mean of all targets",
        ["d", "|v*|", "at the start", "at most", "accuracy at the end", "iterations to 99 %"],
        [
            [
                case["n_features"],
                case["weight"],
                case["own_over_mean_at_start"],
                case["own_over_mean_at_most"],
                case["accuracy"],
                case["iterations_to_99"],
            ]
            for case in run.results()["cases"]
        ],
    )


@app.command
def depth(
    *,
    d: Annotated[int, Parameter(alias="-d")] = 5,
    weight: int = 3,
    width: int = 50,
    layers: Ints = (1, 2, 4),
    shown: int = 8,
    activation: Annotated[
        tuple[Literal["sigmoid", "tanh", "relu"], ...],
        Parameter(consume_multiple=True, negative=""),
    ] = ("sigmoid", "relu"),
    seeds: int = 3,
    rate: float = 0.1,
    descent: Annotated[Descent, Parameter()] = Descent(iterations=3_000, record_every=50),
) -> None:
    """Compare deep sigmoid and ReLU networks (homework 3d).

    Parameters
    ----------
    d
        Features.
    weight
        Ones in the mask.
    width
        Units of every hidden layer.
    layers
        Hidden layers, one number for each network that is trained.
    shown
        Hidden layers of the network whose gradients are shown layer by layer.
    activation
        One or more.
    seeds
        Trainings of each kind.
    rate
        Learning rate.
    """
    from pitfalls.experiments.parity_depth import DepthConfig

    run = perform(
        DepthConfig(
            n_features=d,
            weight=weight,
            width=width,
            depths=layers,
            shown=shown,
            activations=activation,
            n_seeds=seeds,
            training=descent.config(rate),
        )
    )
    results = run.results()
    print_table(
        f"Before training, {shown} hidden layers",
        ["activation", "message shrinks a layer by", "bound", "first over last gradient"],
        [
            [name, start["factor_per_layer"], start["bound_per_layer"], start["first_over_last"]]
            for name, start in results["start"].items()
        ],
    )
    print_table(
        f"Parity of {weight} of {d} features after {descent.iterations:,} iterations",
        ["activation", "hidden layers", "n", "learned", "median accuracy", "to 99 %"],
        [
            [
                cell["activation"],
                cell["depth"],
                cell["n"],
                cell["n_learned"],
                cell["median_accuracy"],
                _range([at for at in cell["iterations_to_99"] if at is not None]) or "never",
            ]
            for cell in results["cells"]
        ],
    )


@app.command
def sweep(
    *,
    d: Dimensions = (5, 10, 15, 20, 30),
    weight: Ints = (1, 2, 3, 4, 5, 6, 8, 10),
    width: Ints = (),
    rate: Floats = (0.001,),
    seeds: int = 3,
    backend: Literal["loky", "dask", "ray"] = "loky",
    address: str | None = None,
    jobs: int | None = None,
    descent: Descent = HOMEWORK,
) -> None:
    """Map which parities are learned: a cell for each d, |v*|, width and rate.

    Every finished cell is saved at once; an interrupted sweep goes on where it was.

    Parameters
    ----------
    d
        Features.
    weight
        Ones in the mask; those above d are left out.
    width
        Hidden units (default: 10 d).
    rate
        Learning rates.
    seeds
        Trainings a cell.
    backend
        Where cells run: processes here, or an existing Dask or Ray cluster.
    address
        Of the cluster, host:port (default: a local one).
    jobs
        Cells at a time (default: --threads, else one a core).
    """
    from pitfalls.experiments.parity_sweep import SweepConfig

    if jobs is not None and jobs < 1:
        raise InputError(f"--jobs must be at least 1. Got {jobs} instead.")
    run = perform(
        SweepConfig(
            dimensions=d,
            weights=weight,
            widths=width,
            rates=rate,
            n_seeds=seeds,
            training=descent.config(),
            backend=backend,
            address=address,
            jobs=jobs or settings().threads or -1,
        )
    )
    cells = run.results()["cells"]
    print_table(
        f"Learned, of {seeds} trainings of {descent.iterations:,} iterations",
        ["d", "|v*|", "k", "rate", "learned", "median accuracy", "iterations to 99 %"],
        [
            [
                cell["n_features"],
                cell["weight"],
                cell["n_hidden"],
                cell["learning_rate"],
                f"{round(cell['success'] * cell['n'])} of {cell['n']}",
                cell["median_accuracy"],
                cell["iterations"],
            ]
            for cell in cells
        ],
    )


def _range(values: Sequence[Any]) -> str:
    if not values:
        return ""
    low, high = (f"{value:.3g}" if isinstance(value, float) else f"{value}" for value in
                 (min(values), max(values)))  # fmt: skip
    return low if low == high else f"{low} to {high}"
