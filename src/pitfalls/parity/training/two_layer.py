"""Training the homework's two-layer ReLU network on parity by stochastic gradient descent."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from pitfalls.errors import DivergenceError, InputError, ResourceError
from pitfalls.parity.loss import named_loss
from pitfalls.parity.network import TwoLayerReLU
from pitfalls.parity.risk_and_accuracy import evaluate
from pitfalls.parity.task import ParityTask
from pitfalls.parity.threads import one_torch_thread
from pitfalls.parity.training import two_layer_kernel as kernel
from pitfalls.parity.training.config import LearningConfig
from pitfalls.parity.training.records import (
    CURVE,
    LOSSES,
    OPTIMIZERS,
    LearningCurve,
    LearningResult,
    LearningState,
)

__all__ = ["evaluation_inputs", "initial_state", "train", "training_batch"]

# What one seed is used for: each use draws from a stream of its own.
_WEIGHTS, _INPUTS, _DATA, _TEST = 1, 2, 3, 4
# An accuracy of .99 on so many inputs has a standard error of .0016.
_N_TEST = 1 << 12


def _stream(seed: int, use: int) -> np.uint64:
    return np.uint64(np.random.SeedSequence([seed, use]).generate_state(1, np.uint64)[0])


def initial_state(task: ParityTask, config: LearningConfig) -> LearningState:
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


def starting_at(parameters: Float[Tensor, " P"]) -> LearningState:
    """Return the state before the first step from these parameters."""
    empty = np.empty(0)
    return LearningState(
        step=0,
        parameters=parameters,
        momentum=torch.zeros_like(parameters),
        second=torch.zeros_like(parameters),
        curve=LearningCurve(np.empty(0, np.int64), empty, empty, empty, empty),
    )


def initial_seed(config: LearningConfig) -> int:
    """Return the seed of the initial weights; torch's generators take 63 bits."""
    return int(_stream(config.seed, _WEIGHTS) >> np.uint64(1))


def input_key(config: LearningConfig) -> np.uint64:
    """Return the key of the stream of inputs."""
    return _stream(config.seed, _INPUTS)


def fixed_words(task: ParityTask, config: LearningConfig) -> NDArray[np.uint64]:
    """Return the fixed training set, a row of 64-bit words an input; no row for fresh inputs."""
    words = np.empty((config.n_samples or 0, -(-task.n_features // 64)), np.uint64)
    if config.n_samples:
        fresh = words[:0].copy()
        kernel.draw_words(_stream(config.seed, _DATA), 0, task.n_features, fresh, words)
    return words


def training_batch(
    task: ParityTask, config: LearningConfig, step: int
) -> tuple[Float[Tensor, "n d"], Float[Tensor, " n"]]:
    """Return the inputs and labels that iteration ``step`` (from 0) trains on.

    Examples
    --------
    >>> x, y = training_batch(ParityTask([1, 0, 1]), LearningConfig(batch_size=4), step=7)
    >>> x.shape, y.shape
    (torch.Size([4, 3]), torch.Size([4]))
    """
    words = np.empty((config.batch_size, -(-task.n_features // 64)), np.uint64)
    first, data = step * config.batch_size, fixed_words(task, config)
    kernel.draw_words(input_key(config), first, task.n_features, data, words)
    bits = kernel.bits_of_words(words, task.n_features)
    x = torch.from_numpy(bits).to(getattr(torch, config.dtype))
    return x, task.labels(x)


def evaluation_inputs(
    task: ParityTask, config: LearningConfig
) -> tuple[Float[Tensor, "n d"], Float[Tensor, " n"]]:
    """Return the inputs on which training on a fixed set is tested at every record.

    All 2^d inputs to d = 12; beyond, 4096 drawn by the seed, from a stream of their own.

    Examples
    --------
    >>> x, y = evaluation_inputs(ParityTask([1, 0, 1]), LearningConfig(n_samples=4))
    >>> x.shape, y.shape
    (torch.Size([8, 3]), torch.Size([8]))
    """
    dtype = getattr(torch, config.dtype)
    if 1 << task.n_features <= _N_TEST:
        x = task.all_inputs(dtype=dtype)
    else:
        words = np.empty((_N_TEST, -(-task.n_features // 64)), np.uint64)
        none = words[:0].copy()
        kernel.draw_words(_stream(config.seed, _TEST), 0, task.n_features, none, words)
        x = torch.from_numpy(kernel.bits_of_words(words, task.n_features)).to(dtype)
    return x, task.labels(x)


def train(
    task: ParityTask,
    config: LearningConfig | None = None,
    *,
    state: LearningState | None = None,
    on_record: Callable[[LearningState], None] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> LearningResult:
    """Train a :class:`TwoLayerReLU` on a parity task.

    Runs on one CPU core, without autograd: see :mod:`pitfalls.parity.training.two_layer_kernel`.
    The result depends on the task and the config alone, not on where training was interrupted.

    Parameters
    ----------
    task : ParityTask
        What to learn.
    config : LearningConfig, optional
        How; by default as the homework's part (b).
    state : LearningState, optional
        Where to go on from: the ``state`` of an earlier result or of ``on_record``.
    on_record : callable, optional
        Called with the state at every record, to save it or to measure the network.
    on_progress : callable, optional
        Called with (iterations done, all) at every record. What it raises ends training.

    Returns
    -------
    LearningResult

    Raises
    ------
    DivergenceError
        If a loss or a parameter leaves the finite numbers; ``last`` is the state at the last
        record at which all were finite.
    ResourceError
        If the network does not fit the machine.

    Examples
    --------
    >>> result = train(ParityTask([1, 1, 0, 1, 0]), LearningConfig(n_iterations=10_000))
    >>> result.evaluation.accuracy
    1.0

    The loss and the accuracy on the way:

    .. plot::
       :include-source:

       from pitfalls.parity import LearningConfig, ParityTask, train

       train(ParityTask([1, 1, 0, 1, 0]), LearningConfig(n_iterations=10_000)).plot()
    """
    config = config or LearningConfig()
    d, width = task.n_features, config.width(task.n_features)
    state = initial_state(task, config) if state is None else fitting_state(state, task, config)
    params, beta = kernel.pack(state.parameters.numpy(), d, width)
    momentum, beta1 = kernel.pack(state.momentum.numpy(), d, width)
    second, beta2 = kernel.pack(state.second.numpy(), d, width)
    output = np.array([beta, beta1, beta2], config.dtype)
    mask = kernel.words_of_bits(np.array([task.mask]))[0]
    key, data = input_key(config), fixed_words(task, config)
    test = evaluation_inputs(task, config) if config.n_samples else None
    report = np.empty(3)
    step = state.step
    n_rows = state.curve.step.size
    rows = np.empty((n_rows + -(-config.n_iterations // config.record_every) + 1, len(CURVE)))
    rows[:n_rows] = np.stack([getattr(state.curve, name) for name in CURVE], axis=1)

    def snapshot(arrays: tuple[NDArray[Any], ...]) -> LearningState:
        *packed, tails = arrays
        parameters, momentum, second = (
            torch.from_numpy(kernel.unpack(part, tail, d, width))
            for part, tail in zip(packed, tails, strict=True)
        )
        columns = rows[:n_rows].T.copy()
        curve = LearningCurve(columns[0].astype(np.int64), *columns[1:])
        return LearningState(step, parameters, momentum, second, curve)

    live = (params, momentum, second, output)
    while step < config.n_iterations:
        n_steps = min(config.record_every - step % config.record_every, config.n_iterations - step)
        good = tuple(array.copy() for array in live)
        kernel.advance(
            params, output, momentum, second, key, step, n_steps, config.batch_size, mask, d, data,
            *_rule(config), report,
        )  # fmt: skip
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
        rows[n_rows] = (step, *report, report[2])
        n_rows += 1
        if test is not None:
            rows[n_rows - 1, -1] = _share_right(snapshot(live).network(d), *test)
        if on_record is not None:
            on_record(snapshot(live))
        if on_progress is not None:
            on_progress(step, config.n_iterations)
    return finish(task, config, snapshot(live))


def _rule(config: LearningConfig) -> tuple[Any, ...]:
    """Return what the kernel calls loss, optimiser, rate, two decays and epsilon."""
    real = np.dtype(config.dtype).type
    first = config.betas[0] if config.optimizer == "adam" else config.momentum
    return (
        LOSSES[config.loss],
        OPTIMIZERS[config.optimizer],
        *map(real, (config.learning_rate, first, config.betas[1], config.epsilon)),
    )


@torch.no_grad()
def _share_right(network: TwoLayerReLU, x: Float[Tensor, "n d"], y: Float[Tensor, " n"]) -> float:
    with one_torch_thread():
        return float((network(x) * y > 0).double().mean())


def finish(task: ParityTask, config: LearningConfig, state: LearningState) -> LearningResult:
    """Evaluate a final state."""
    network = state.network(task.n_features)
    evaluation = evaluate(network, task, named_loss(config.loss))
    return LearningResult(task, config, state, evaluation, network)


def fitting_state(state: LearningState, task: ParityTask, config: LearningConfig) -> LearningState:
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
