"""Training the homework's two-layer ReLU network on parity by stochastic gradient descent."""

import copy
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn

from pitfalls.errors import DivergenceError, InputError, ResourceError
from pitfalls.parity import kernel
from pitfalls.parity.loss import Loss, named_loss
from pitfalls.parity.network import TwoLayerReLU
from pitfalls.parity.serial import one_torch_thread
from pitfalls.parity.task import ParityTask

__all__ = [
    "Evaluation",
    "TrainingConfig",
    "TrainingCurve",
    "TrainingResult",
    "TrainingState",
    "evaluate",
    "first_reached",
    "initial_state",
    "train",
    "training_batch",
]

LOSSES = {"hinge": kernel.HINGE, "square": kernel.SQUARE, "logistic": kernel.LOGISTIC}
OPTIMIZERS = {"sgd": kernel.SGD, "adam": kernel.ADAM}

# What one seed is used for: each use draws from a stream of its own.
_WEIGHTS, _INPUTS, _DATA = 1, 2, 3


@dataclass(frozen=True)
class TrainingConfig:
    """How to train; the defaults are those of the homework's part (b).

    Parameters
    ----------
    n_hidden : int, optional
        k, the number of hidden units; 10 d by default.
    optimizer : {"sgd", "adam"}
        SGD with ``momentum`` (0 for none), or Adam with ``betas`` and ``epsilon``.
    learning_rate, momentum, betas, epsilon : float
        As in ``torch.optim.SGD`` and ``torch.optim.Adam``.
    loss : {"hinge", "square", "logistic"}
    batch_size : int
        Inputs an iteration.
    n_iterations : int
    n_samples : int, optional
        Train on a fixed set of that many inputs, each batch drawn from it with replacement.
        By default every batch is fresh.
    record_every : int
        Iterations between two points of the curve.
    seed : int
        Decides the initial weights and the inputs (not the mask: that is the task's).
    dtype : {"float32", "float64"}
    """

    n_hidden: int | None = None
    optimizer: Literal["sgd", "adam"] = "sgd"
    learning_rate: float = 0.001
    momentum: float = 0.9
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8
    loss: Literal["hinge", "square", "logistic"] = "hinge"
    batch_size: int = 100
    n_iterations: int = 50_000
    n_samples: int | None = None
    record_every: int = 200
    seed: int = 0
    dtype: Literal["float32", "float64"] = "float32"

    def __post_init__(self) -> None:
        for name in ("n_hidden", "batch_size", "n_iterations", "n_samples", "record_every"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"TrainingConfig: {name} must be at least 1. Got {value} instead.")
        for name, known in (
            ("optimizer", OPTIMIZERS),
            ("loss", LOSSES),
            ("dtype", ("float32", "float64")),
        ):
            if getattr(self, name) not in known:
                raise InputError(
                    f"TrainingConfig: {name} must be one of {', '.join(known)}. "
                    f"Got {getattr(self, name)!r} instead."
                )
        if not (np.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise InputError(
                "TrainingConfig: learning_rate must be a positive number. "
                f"Got {self.learning_rate} instead."
            )
        for name, values in (("momentum", (self.momentum,)), ("betas", self.betas)):
            if not all(0 <= value < 1 for value in values):
                raise InputError(
                    f"TrainingConfig: {name} must lie in [0, 1). Got {getattr(self, name)}."
                )
        if self.n_samples is not None and self.n_samples >= 1 << 32:
            raise InputError(
                f"TrainingConfig: n_samples must be below 2^32. Got {self.n_samples}; "
                "leave it out for fresh inputs."
            )
        if self.seed < 0:
            raise InputError(f"TrainingConfig: seed must not be negative. Got {self.seed}.")

    def width(self, n_features: int) -> int:
        """K for inputs of d features: ``n_hidden``, or 10 d."""
        return 10 * n_features if self.n_hidden is None else self.n_hidden


LEARNED = 0.99
"""The accuracy from which a parity counts as learned."""


def first_reached(
    step: NDArray[np.int64], accuracy: NDArray[np.float64], level: float = LEARNED
) -> int | None:
    """Return the first step at which a recorded accuracy reaches a level, or None.

    Examples
    --------
    >>> first_reached(np.array([200, 400]), np.array([0.5, 0.995]))
    400
    """
    reached = np.flatnonzero(accuracy >= level)
    return int(step[reached[0]]) if reached.size else None


@dataclass(frozen=True, eq=False)
class TrainingCurve:
    """What was seen on the way, one entry a record.

    Attributes
    ----------
    step : array of int64
        Iterations done.
    batch_loss : array of float64
        Loss of the last batch before ``step``, taken before its update: what a loop that prints
        its loss now and then shows.
    loss, accuracy : array of float64
        Means over all batches since the record before. With fresh inputs these are unbiased
        estimates of risk and accuracy; on a fixed set they are those of the training set.
    """

    step: NDArray[np.int64]
    batch_loss: NDArray[np.float64]
    loss: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    def iterations_to(self, accuracy: float = LEARNED) -> int | None:
        """First recorded step with at least that accuracy since the record before, or None."""
        return first_reached(self.step, self.accuracy, accuracy)


@dataclass(frozen=True, eq=False)
class TrainingState:
    """All that training needs to go on, bit for bit.

    The inputs of a step are a function of the seed and the step, so the step is the state of the
    random generator.

    Attributes
    ----------
    step : int
        Iterations done.
    parameters : Tensor of shape (P,)
        In the homework's order (:meth:`TwoLayerReLU.flat_parameters`).
    momentum, second : Tensor of shape (P,)
        The optimiser's moments; ``second`` is Adam's only.
    curve : TrainingCurve
        The records up to here.
    """

    step: int
    parameters: Float[Tensor, " P"]
    momentum: Float[Tensor, " P"]
    second: Float[Tensor, " P"]
    curve: TrainingCurve

    def network(self, n_features: int) -> TwoLayerReLU:
        """Build the network with these parameters."""
        n_hidden = (self.parameters.numel() - 1) // (n_features + 2)
        network = TwoLayerReLU(n_features, n_hidden, seed=0, dtype=self.parameters.dtype)
        return network.load_flat(self.parameters)

    def tensors(self) -> dict[str, Tensor]:
        """Return everything but ``step`` as named tensors, for a checkpoint."""
        curve = {
            f"curve_{name}": torch.from_numpy(values) for name, values in vars(self.curve).items()
        }
        return {
            "parameters": self.parameters,
            "momentum": self.momentum,
            "second": self.second,
            **curve,
        }

    @classmethod
    def from_tensors(cls, step: int, tensors: Mapping[str, Any]) -> "TrainingState":
        """Undo :meth:`tensors`."""
        own = {name: torch.as_tensor(tensors[name]) for name in _STATE}
        curve = {name: np.asarray(tensors[f"curve_{name}"]) for name in _CURVE}
        return cls(step=step, curve=TrainingCurve(**curve), **own)


_STATE = ("parameters", "momentum", "second")
_CURVE = ("step", "batch_loss", "loss", "accuracy")


@dataclass(frozen=True)
class Evaluation:
    """Risk and accuracy of a network on one task.

    Attributes
    ----------
    risk, accuracy : float
        Mean loss, and share of inputs with f(x) y > 0 (an output of 0 counts as wrong).
    n_inputs : int
        2^d if exact, else the number of sampled inputs.
    exact : bool
    risk_error, accuracy_error : float
        Standard errors; 0 if exact.
    """

    risk: float
    accuracy: float
    n_inputs: int
    exact: bool
    risk_error: float
    accuracy_error: float


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """A trained network and how it came to be.

    Attributes
    ----------
    task, config
        As given.
    state : TrainingState
        The last; hand it to :func:`train` with a larger ``n_iterations`` to go on.
    evaluation : Evaluation
        Of the last network.
    network : TwoLayerReLU
        The last network.
    diverged : bool
        Whether training left the finite numbers: then ``state`` is the last finite one. Set by
        :func:`train_ensemble` only; :func:`train` raises.
    """

    task: ParityTask
    config: TrainingConfig
    state: TrainingState
    evaluation: Evaluation
    network: TwoLayerReLU = field(repr=False)
    diverged: bool = False

    @property
    def curve(self) -> TrainingCurve:
        """Loss and accuracy on the way."""
        return self.state.curve


def _stream(seed: int, use: int) -> np.uint64:
    return np.uint64(np.random.SeedSequence([seed, use]).generate_state(1, np.uint64)[0])


def initial_state(task: ParityTask, config: TrainingConfig) -> TrainingState:
    """Return the state before the first step: PyTorch's default weights, drawn by the seed."""
    d = task.n_features
    width = config.width(d)
    need = 8 * (4 * width * (d + 2) + width * config.batch_size)
    have = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if need > have:
        raise ResourceError(
            f"train: d = {d}, k = {width} and batches of {config.batch_size} need about "
            f"{need / 2**30:.3g} GiB and this machine has {have / 2**30:.3g}. "
            "Take a smaller n_hidden or batch_size."
        )
    network = TwoLayerReLU(d, width, seed=initial_seed(config)).to(getattr(torch, config.dtype))
    return starting_at(network.flat_parameters())


def starting_at(parameters: Float[Tensor, " P"]) -> TrainingState:
    """Return the state before the first step from these parameters."""
    empty = np.empty(0)
    return TrainingState(
        step=0,
        parameters=parameters,
        momentum=torch.zeros_like(parameters),
        second=torch.zeros_like(parameters),
        curve=TrainingCurve(np.empty(0, np.int64), empty, empty, empty),
    )


def initial_seed(config: TrainingConfig) -> int:
    """Return the seed of the initial weights; torch's generators take 63 bits."""
    return int(_stream(config.seed, _WEIGHTS) >> np.uint64(1))


def input_key(config: TrainingConfig) -> np.uint64:
    """Return the key of the stream of inputs."""
    return _stream(config.seed, _INPUTS)


def fixed_words(task: ParityTask, config: TrainingConfig) -> NDArray[np.uint64]:
    """Return the fixed training set, a row of 64-bit words an input; no row for fresh inputs."""
    words = np.empty((config.n_samples or 0, -(-task.n_features // 64)), np.uint64)
    if config.n_samples:
        fresh = words[:0].copy()
        kernel.draw_words(_stream(config.seed, _DATA), 0, task.n_features, fresh, words)
    return words


def training_batch(
    task: ParityTask, config: TrainingConfig, step: int
) -> tuple[Float[Tensor, "n d"], Float[Tensor, " n"]]:
    """Return the inputs and labels that iteration ``step`` (from 0) trains on.

    Examples
    --------
    >>> x, y = training_batch(ParityTask([1, 0, 1]), TrainingConfig(batch_size=4), step=7)
    >>> x.shape, y.shape
    (torch.Size([4, 3]), torch.Size([4]))
    """
    words = np.empty((config.batch_size, -(-task.n_features // 64)), np.uint64)
    first, data = step * config.batch_size, fixed_words(task, config)
    kernel.draw_words(input_key(config), first, task.n_features, data, words)
    bits = kernel.bits_of_words(words, task.n_features)
    x = torch.from_numpy(bits).to(getattr(torch, config.dtype))
    return x, task.labels(x)


def train(
    task: ParityTask,
    config: TrainingConfig | None = None,
    *,
    state: TrainingState | None = None,
    on_record: Callable[[TrainingState], None] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> TrainingResult:
    """Train a :class:`TwoLayerReLU` on a parity task.

    Runs on one CPU core, without autograd: see :mod:`pitfalls.parity.kernel`. The result depends
    on the task and the config alone, not on where training was interrupted.

    Parameters
    ----------
    task : ParityTask
        What to learn.
    config : TrainingConfig, optional
        How; by default as the homework's part (b).
    state : TrainingState, optional
        Where to go on from: the ``state`` of an earlier result or of ``on_record``.
    on_record : callable, optional
        Called with the state at every record, to save it or to measure the network.
    on_progress : callable, optional
        Called with (iterations done, all) at every record. What it raises ends training.

    Returns
    -------
    TrainingResult

    Raises
    ------
    DivergenceError
        If a loss or a parameter leaves the finite numbers; ``last`` is the state at the last
        record at which all were finite.
    ResourceError
        If the network does not fit the machine.

    Examples
    --------
    >>> result = train(ParityTask([1, 1, 0, 1, 0]), TrainingConfig(n_iterations=10_000))
    >>> result.evaluation.accuracy
    1.0
    """
    config = config or TrainingConfig()
    d, width = task.n_features, config.width(task.n_features)
    state = initial_state(task, config) if state is None else fitting_state(state, task, config)
    real = np.dtype(config.dtype).type
    params, beta = kernel.pack(state.parameters.numpy(), d, width)
    momentum, beta1 = kernel.pack(state.momentum.numpy(), d, width)
    second, beta2 = kernel.pack(state.second.numpy(), d, width)
    output = np.array([beta, beta1, beta2], config.dtype)
    adam = config.optimizer == "adam"
    mask = kernel.words_of_bits(np.array([task.mask]))[0]
    key, data = input_key(config), fixed_words(task, config)
    report = np.empty(3)
    step = state.step
    n_rows = state.curve.step.size
    rows = np.empty((n_rows + -(-config.n_iterations // config.record_every) + 1, len(_CURVE)))
    rows[:n_rows] = np.stack([getattr(state.curve, name) for name in _CURVE], axis=1)

    def snapshot(arrays: tuple[NDArray[Any], ...]) -> TrainingState:
        *packed, tails = arrays
        parameters, momentum, second = (
            torch.from_numpy(kernel.unpack(part, tail, d, width))
            for part, tail in zip(packed, tails, strict=True)
        )
        columns = rows[:n_rows].T.copy()
        curve = TrainingCurve(columns[0].astype(np.int64), *columns[1:])
        return TrainingState(step, parameters, momentum, second, curve)

    live = (params, momentum, second, output)
    while step < config.n_iterations:
        n_steps = min(config.record_every - step % config.record_every, config.n_iterations - step)
        good = tuple(array.copy() for array in live)
        kernel.advance(
            params,
            output,
            momentum,
            second,
            key,
            step,
            n_steps,
            config.batch_size,
            mask,
            d,
            data,
            LOSSES[config.loss],
            OPTIMIZERS[config.optimizer],
            real(config.learning_rate),
            real(config.betas[0] if adam else config.momentum),
            real(config.betas[1]),
            real(config.epsilon),
            report,
        )
        # a hidden unit whose weights are NaN is silent, so a finite loss alone proves nothing
        if not (
            np.isfinite(report).all() and np.isfinite(params).all() and np.isfinite(output).all()
        ):
            raise DivergenceError(
                f"train: left the finite numbers between iterations {step} and {step + n_steps} "
                f"(learning rate {config.learning_rate}, {config.loss} loss). The last good state "
                "is in .last; take a smaller learning rate.",
                last=snapshot(good),
            )
        step += n_steps
        rows[n_rows] = (step, *report)
        n_rows += 1
        if on_record is not None:
            on_record(snapshot(live))
        if on_progress is not None:
            on_progress(step, config.n_iterations)
    return finish(task, config, snapshot(live))


def finish(task: ParityTask, config: TrainingConfig, state: TrainingState) -> TrainingResult:
    """Evaluate a final state."""
    network = state.network(task.n_features)
    evaluation = evaluate(network, task, named_loss(config.loss))
    return TrainingResult(task, config, state, evaluation, network)


def fitting_state(state: TrainingState, task: ParityTask, config: TrainingConfig) -> TrainingState:
    """Return the state if training by this task and config can go on from it; refuse it if not."""
    width = config.width(task.n_features)
    expected = width * (task.n_features + 2) + 1
    if state.parameters.shape != (expected,) or str(state.parameters.dtype) != (
        f"torch.{config.dtype}"
    ):
        raise InputError(
            f"train: state must hold {expected} parameters of {config.dtype} for d = "
            f"{task.n_features}, k = {width}. Got {tuple(state.parameters.shape)} of "
            f"{state.parameters.dtype}; resume with the task and config it came from."
        )
    if not bool(torch.isfinite(state.parameters).all()):
        raise InputError("train: state holds NaN or infinity. Resume from an earlier one.")
    if state.step > config.n_iterations:
        raise InputError(
            f"train: state is at iteration {state.step}, beyond n_iterations = "
            f"{config.n_iterations}. Raise n_iterations."
        )
    return state


@torch.no_grad()
@one_torch_thread()
def evaluate(
    network: nn.Module,
    task: ParityTask,
    loss: Loss | None = None,
    *,
    exact_up_to: int = 20,
    n_samples: int = 100_000,
    seed: int = 0,
) -> Evaluation:
    """Measure risk and accuracy on a task: over all 2^d inputs, or on a sample of them.

    Parameters
    ----------
    network : nn.Module
        Maps (n, d) to (n,). Evaluated in float64 on a copy; not modified.
    task : ParityTask
    loss : Loss, optional
        Hinge by default.
    exact_up_to : int
        The largest d for which all inputs are taken.
    n_samples, seed : int
        Sample size and seed beyond that.

    Examples
    --------
    >>> network = TwoLayerReLU(4, 40, seed=0)
    >>> evaluate(network, ParityTask([1, 1, 0, 0])).n_inputs
    16
    """
    loss = loss or named_loss("hinge")
    network = copy.deepcopy(network).double()
    exact = task.n_features <= exact_up_to
    total = 1 << task.n_features if exact else n_samples
    generator = torch.Generator().manual_seed(seed)
    chunk = 1 << 10  # what lies between two products then stays in the cache
    sums = torch.zeros(3, dtype=torch.float64)
    places = torch.arange(task.n_features)
    for start in range(0, total, chunk):
        stop = min(start + chunk, total)
        if exact:
            x = (torch.arange(start, stop)[:, None] >> places & 1).double()
            y = task.labels(x)
        else:
            x, y = task.sample(stop - start, generator, dtype=torch.float64)
        outputs = network(x)
        losses = loss.per_sample(outputs, y)
        sums += torch.stack([losses.sum(), losses.square().sum(), (outputs * y > 0).sum().double()])
    risk, square, right = (sums / total).tolist()
    return Evaluation(
        risk=risk,
        accuracy=right,
        n_inputs=total,
        exact=exact,
        risk_error=0.0 if exact else (max(square - risk**2, 0.0) / total) ** 0.5,
        accuracy_error=0.0 if exact else (right * (1 - right) / total) ** 0.5,
    )
