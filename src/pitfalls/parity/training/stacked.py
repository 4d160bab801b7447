"""Training networks of one shape together by batched matrix products, on any torch device."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.nn import functional

from pitfalls.errors import InputError
from pitfalls.escaping import first_line
from pitfalls.parity.deep_network import ACTIVATIONS
from pitfalls.parity.task import ParityTask
from pitfalls.parity.threads import one_torch_thread
from pitfalls.parity.training import two_layer_kernel as kernel
from pitfalls.parity.training.config import LearningConfig
from pitfalls.parity.training.records import LearningCurve, LearningResult, LearningState
from pitfalls.parity.training.two_layer import (
    evaluation_inputs,
    finish,
    fitting_state,
    fixed_words,
    initial_state,
    input_key,
)

__all__ = ["Stack", "train_batched"]

# Activations of this many bytes at a time: larger ensembles are trained in turns.
_MEMORY = 4 << 30

# Multiplications in a step's largest product, below which threads cost more than they bring.
_SHARED = 1 << 24

# Words of random bits at a time: many steps' inputs in one go, or a small network's step is spent
# on drawing them.
_DRAWN = 1 << 16


def train_batched(
    tasks: list[ParityTask],
    configs: list[LearningConfig],
    states: Sequence[LearningState | None],
    *,
    device: str,
    on_record: Callable[[int, LearningState], None] | None = None,
    on_result: Callable[[int, LearningResult], None] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[LearningResult]:
    """Train one network a task; see :func:`pitfalls.parity.train_ensemble`."""
    where = _device(device)
    starts = [
        initial_state(task, config) if state is None else fitting_state(state, task, config)
        for task, config, state in zip(tasks, configs, states, strict=True)
    ]
    total = sum(config.n_iterations for config in configs)
    done = sum(state.step for state in starts)
    results: dict[int, LearningResult] = {}
    for members in _alike(tasks, configs, starts):
        d = tasks[members[0]].n_features
        stack = Stack(
            (d, configs[members[0]].width(d), 1),
            "relu",
            [tasks[i] for i in members],
            [configs[i] for i in members],
            [starts[i] for i in members],
            where,
        )
        for n_steps in stack.records():
            done += n_steps * len(members)
            if on_record is not None:
                for r, i in enumerate(members):
                    if not stack.diverged[r]:
                        on_record(i, stack.state(r))
            if on_progress is not None:
                on_progress(done, total)
        for r, i in enumerate(members):
            result = finish(tasks[i], configs[i], stack.state(r))
            results[i] = replace(result, diverged=bool(stack.diverged[r]))
            if on_result is not None:
                on_result(i, results[i])
    return [results[i] for i in range(len(tasks))]


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(
            f"train_ensemble: device {name!r} cannot be used here ({first_line(error)}). Take 'cpu'."
        ) from error
    return device


def _alike(
    tasks: list[ParityTask], configs: list[LearningConfig], states: list[LearningState]
) -> Iterator[list[int]]:
    """Group replicas that differ in mask, seed, rate and momentum only, in bounded numbers."""
    groups: dict[Any, list[int]] = {}
    for i, (task, config, state) in enumerate(zip(tasks, configs, states, strict=True)):
        key = (
            task.n_features,
            state.step,
            replace(
                config,
                n_hidden=config.width(task.n_features),
                learning_rate=1.0,
                momentum=LearningConfig.momentum,
                seed=0,
            ),
        )
        groups.setdefault(key, []).append(i)
    for (d, _, config), members in groups.items():
        width = config.width(d)
        each = 8 * (3 * config.batch_size * (width + 2 * d) + 4 * width * (d + 2))
        limit = max(1, _MEMORY // each)
        for start in range(0, len(members), limit):
            yield members[start : start + limit]


class Stack:
    """R fully connected networks of one shape as tensors with a leading axis R.

    Parameters
    ----------
    sizes : sequence of int
        d, the hidden widths, 1.
    activation : {"relu", "sigmoid", "tanh"}
    tasks, configs, states
        One a replica. The configs may differ in seed, rate and momentum only, the states are of
        one step; their parameters lie in the order W_1, b_1, W_2, b_2, ...
    device : torch.device
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: str,
        tasks: Sequence[ParityTask],
        configs: Sequence[LearningConfig],
        states: Sequence[LearningState],
        device: torch.device,
    ) -> None:
        config = configs[0]
        self.config, self.device = config, device
        self.function, self.slope = ACTIVATIONS[activation]
        self.sizes = tuple(sizes)
        self.step = states[0].step
        self.n_words = -(-self.sizes[0] // 64)
        dtype = getattr(torch, config.dtype)

        def stack(values: list[Any]) -> Tensor:
            return torch.tensor(np.array(values), dtype=dtype, device=device)

        self.mask = stack([task.mask for task in tasks])[:, :, None]  # (R, d, 1)
        keys = np.array([input_key(config) for config in configs]).view(np.int64)
        self.key = torch.from_numpy(keys).to(device)[:, None, None]  # (R, 1, 1)
        fixed = np.stack([fixed_words(task, c) for task, c in zip(tasks, configs, strict=True)])
        self.data = torch.from_numpy(fixed.view(np.int64)).to(device)  # (R, n, words)
        self.test: tuple[Tensor, Tensor] | None = None  # (R, n, d), (R, n)
        if config.n_samples:
            drawn = [evaluation_inputs(task, c) for task, c in zip(tasks, configs, strict=True)]
            x, y = (torch.stack(parts).to(device) for parts in zip(*drawn, strict=True))
            self.test = x, y
        self.rate = stack([c.learning_rate for c in configs])[:, None]
        adam = config.optimizer == "adam"
        self.decay = stack([c.betas[0] if adam else c.momentum for c in configs])[:, None]
        self.parameters = torch.stack([state.parameters for state in states]).to(device)
        self.momentum = torch.stack([state.momentum for state in states]).to(device)
        self.second = torch.stack([state.second for state in states]).to(device)
        self.gradient = torch.empty_like(self.parameters)
        self.weights, self.biases = self._layers(self.parameters)
        self.weight_slots, self.bias_slots = self._layers(self.gradient)
        live = (self.parameters, self.momentum, self.second)
        self.good = tuple(tensor.clone() for tensor in live)  # steps are taken in place
        self.good_step = np.full(len(tasks), self.step)
        self.diverged = np.zeros(len(tasks), bool)
        self.rows = [np.stack([s.curve.step, *_values(s.curve)], axis=1) for s in states]

    def _layers(self, flat: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """View (R, P) as weights (R, out, in) and biases (R, 1, out)."""
        weights, biases, at = [], [], 0
        for n_in, n_out in pairwise(self.sizes):
            end = at + n_in * n_out
            weights.append(flat[:, at:end].view(-1, n_out, n_in))
            biases.append(flat[:, end : end + n_out].view(-1, 1, n_out))
            at = end + n_out
        return weights, biases

    def state(self, r: int) -> LearningState:
        """Return one replica's last finite state."""
        columns = self.rows[r].T
        curve = LearningCurve(columns[0].astype(np.int64), *columns[1:].copy())
        parameters, momentum, second = (tensor[r].cpu().clone() for tensor in self.good)
        return LearningState(int(self.good_step[r]), parameters, momentum, second, curve)

    @property
    def is_small(self) -> bool:
        """Whether a step's products are too short for more than one CPU thread to gain."""
        rows = len(self.parameters) * self.config.batch_size
        return self.device.type == "cpu" and rows * max(self.sizes) ** 2 < _SHARED

    @torch.no_grad()
    def records(self) -> Iterator[int]:
        """Train from record to record; yields the number of steps taken."""
        config = self.config
        while self.step < config.n_iterations:
            n_steps = min(
                config.record_every - self.step % config.record_every,
                config.n_iterations - self.step,
            )
            loss = torch.zeros(len(self.parameters), dtype=torch.float64, device=self.device)
            right = torch.zeros_like(loss)
            with one_torch_thread() if self.is_small else nullcontext():
                for x, y in self._batches(n_steps):
                    losses, correct = self._advance(x, y)
                    last = losses.double().mean(1)
                    loss += last
                    right += correct.double().mean(1)
            train = right / n_steps
            test = train if self.test is None else self._test_accuracy(*self.test)
            self._note(torch.stack([last, loss / n_steps, train, test], 1), n_steps)
            yield n_steps

    def _note(self, report: Float[Tensor, "R 4"], n_steps: int) -> None:
        new = (self.parameters, self.momentum, self.second)
        finite = report.isfinite().all(1) & self.parameters.isfinite().all(1)
        self.diverged |= ~finite.cpu().numpy()
        keep = torch.from_numpy(~self.diverged).to(self.device)[:, None]
        self.good = tuple(torch.where(keep, a, b) for a, b in zip(new, self.good, strict=True))
        for r, values in enumerate(report.cpu().numpy()):
            if not self.diverged[r]:
                row = np.array([[self.step, *values]])
                self.rows[r] = np.concatenate([self.rows[r], row])
                self.good_step[r] = self.step

    def _batches(self, n_steps: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield inputs (R, B, d) and labels (R, B) of the next steps: the kernel's, by its hash."""
        batch = self.config.batch_size
        at_once = max(1, _DRAWN // (len(self.parameters) * batch * self.n_words))
        start = self.step
        for first in range(start, start + n_steps, at_once):
            n = min(at_once, start + n_steps - first)
            x, y = self.draw(first * batch, n * batch)
            yield from zip(torch.split(x, batch, 1), torch.split(y, batch, 1), strict=True)

    def draw(self, first: int, n: int) -> tuple[Float[Tensor, "R {n} d"], Float[Tensor, "R {n}"]]:
        """Return n inputs (R, n, d) and labels (R, n) of each stream, from place ``first``."""
        at = first + torch.arange(n, device=self.device)
        if self.data.shape[1]:
            high = _shift(_hash(self.key[:, :, 0], at), 32)  # (R, n)
            rows = _shift(high * self.data.shape[1], 32)
            words = self.data.gather(1, rows[:, :, None].expand(-1, -1, self.n_words))
        else:
            word = torch.arange(self.n_words, device=self.device)
            words = _hash(self.key, at[:, None] * self.n_words + word)  # (R, n, words)
        place = torch.arange(min(64, self.sizes[0]), device=self.device)
        bits = (words[:, :, :, None] >> place & 1).flatten(2)[:, :, : self.sizes[0]]
        x = bits.to(self.parameters.dtype)
        return x, 1 - 2 * torch.remainder(x @ self.mask, 2).squeeze(2)

    def _forward(self, x: Float[Tensor, "R B d"]) -> tuple[list[Tensor], Float[Tensor, "R B"]]:
        """Return the inputs of each layer, (R, B, width), and f."""
        inputs = [x]
        for w, b in zip(self.weights[:-1], self.biases[:-1], strict=True):
            inputs.append(self.function(torch.baddbmm(b, inputs[-1], w.transpose(1, 2))))
        f = torch.baddbmm(self.biases[-1], inputs[-1], self.weights[-1].transpose(1, 2))
        return inputs, f.squeeze(2)

    def _test_accuracy(
        self, x: Float[Tensor, "R n d"], y: Float[Tensor, "R n"]
    ) -> Float[Tensor, " R"]:
        right = torch.zeros(len(x), dtype=torch.float64, device=self.device)
        batch = self.config.batch_size  # what a step has memory for
        for part, labels in zip(torch.split(x, batch, 1), torch.split(y, batch, 1), strict=True):
            right += (self._forward(part)[1] * labels > 0).double().sum(1)
        return right / x.shape[1]

    def _advance(
        self, x: Float[Tensor, "R B d"], y: Float[Tensor, "R B"]
    ) -> tuple[Float[Tensor, "R B"], Bool[Tensor, "R B"]]:
        config = self.config
        inputs, f = self._forward(x)
        margin = f * y
        if config.loss == "hinge":
            losses = (1 - margin).relu()
            slope = torch.where(losses > 0, -y, 0.0)
        elif config.loss == "square":
            slope = f - y
            losses = slope.square() / 2
        else:
            losses = functional.softplus(-margin)
            slope = -y * torch.sigmoid(-margin)
        delta = (slope / config.batch_size)[:, :, None]
        for i in reversed(range(len(self.weights))):
            self.weight_slots[i].copy_(torch.bmm(delta.transpose(1, 2), inputs[i]))
            self.bias_slots[i].copy_(delta.sum(1, keepdim=True))
            if i > 0:
                delta = torch.bmm(delta, self.weights[i]) * self.slope(inputs[i])
        self.step += 1
        if config.optimizer == "sgd":
            self.momentum.mul_(self.decay).add_(self.gradient)
            self.parameters.addcmul_(self.rate, self.momentum, value=-1)
        else:
            first, second = config.betas
            self.momentum.lerp_(self.gradient, 1 - first)
            self.second.mul_(second).addcmul_(self.gradient, self.gradient, value=1 - second)
            root = self.second.sqrt() / (1 - second**self.step) ** 0.5 + config.epsilon
            rate = self.rate / (1 - first**self.step)
            self.parameters.addcdiv_(rate * self.momentum, root, value=-1)
        return losses, margin > 0


def _values(curve: LearningCurve) -> tuple[Any, ...]:
    return curve.batch_loss, curve.loss, curve.train_accuracy, curve.test_accuracy


def _shift(word: Tensor, n: int) -> Tensor:
    """Shift right, filling with zeros: torch's own shift of int64 copies the sign."""
    return word >> n & ((1 << (64 - n)) - 1)


def _hash(key: Int64[Tensor, "..."], counter: Int64[Tensor, "..."]) -> Int64[Tensor, "..."]:
    """Hash (key, counter) as the kernel does; int64 multiplication wraps like uint64's."""
    gamma, mix1, mix2 = (int(np.uint64(c).view(np.int64)) for c in kernel.HASH)
    z = key + (counter + 1) * gamma
    z = (z ^ _shift(z, 30)) * mix1
    z = (z ^ _shift(z, 27)) * mix2
    return z ^ _shift(z, 31)
