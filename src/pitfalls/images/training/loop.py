"""One training loop for every network here: exact to resume, blind to the number of processes.

The order of the images and every random number is a function of (seed, epoch, step) alone, so the
state of a run is its weights, the optimisers' memory, the averages, the previous rate and a few
counters. Nothing else has to be saved, and a resumed run equals an undisturbed one bit for bit (same
build, device, thread count and number of processes).
"""

import copy
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from pitfalls.errors import DivergenceError, InputError, ResourceError
from pitfalls.images.data import ImageDataset
from pitfalls.images.training.augmentation import PerImage, Transform, derived_seed
from pitfalls.images.training.averaging import MovingAverage, real_tensors
from pitfalls.images.training.batches import Batches, choose_transforms
from pitfalls.images.training.checks import check_sizes, settle
from pitfalls.images.training.config import TrainConfig
from pitfalls.images.training.distributed import (
    copy_from_first,
    gather_sum,
    share_from_first,
    world,
)
from pitfalls.images.training.failures import first_bad_layer, is_out_of_memory
from pitfalls.images.training.gradients import add_gradients
from pitfalls.images.training.hardware import keep_freed_memory
from pitfalls.images.training.optimizers import (
    load_optimizer_tensors,
    make_optimizers,
    optimizer_tensors,
)
from pitfalls.images.training.records import EpochRecord, StepRecord, TrainResult, TrainState
from pitfalls.images.training.schedules import INITIAL_RATE, Schedule, schedule
from pitfalls.images.training.validation import validate

__all__ = ["train"]


def train(
    model: nn.Module,
    data: ImageDataset,
    config: TrainConfig,
    *,
    rate: Schedule | None = None,
    transforms: Sequence[Transform | Callable[[Tensor], Tensor]] | None = None,
    device: torch.device | str = "cpu",
    state: TrainState | None = None,
    on_step: Callable[[StepRecord], None] | None = None,
    on_epoch: Callable[[EpochRecord], None] | None = None,
    on_checkpoint: Callable[[TrainState], None] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> TrainResult:
    """Train a classifier of images.

    Under ``torchrun`` (inside `pitfalls.images.distributed.join`) the processes share every batch;
    order, augmentation and schedule are those of a single process, gradients are averaged, batch
    normalisation uses each process' own share and the running averages of the first. Callbacks
    run in the first process only.

    Parameters
    ----------
    model : Module
        Maps normalised images (B, C, H, W) to logits (B, n_classes); trained in place.
    data : ImageDataset
        The training set is learned from, the validation set, if any, is looked at after each
        epoch, the test set is left alone.
    config : TrainConfig
        How to train.
    rate : callable, optional
        ``rate(previous, epoch, batch, n_batches)`` in place of ``config.scheme``.
    transforms : sequence of callables, optional
        Augmentation in place of the config's crop and flip: `Transform` objects, or any callables
        on one uint8 image (C, H, W) that return another, torchvision's for example. Without
        ToTensor and Normalize: the trainer scales and normalises by itself.
    device : device, default="cpu"
        Where to compute.
    state : TrainState, optional
        Go on from here; the model's weights are overwritten.
    on_step, on_epoch, on_checkpoint : callable, optional
        Called after each step, after each epoch's evaluation, and with a state to keep, in this
        order, so that a log that ends at a checkpoint holds exactly the steps of its state.
    on_progress : callable, optional
        Called with (steps done, steps in all). If it raises, the last state goes to
        ``on_checkpoint`` first.

    Returns
    -------
    TrainResult

    Raises
    ------
    DivergenceError
        If the loss is not finite; names the step and the first layer that is not. ``last`` is the
        last state handed out.
    InputError
        If config, data, model or state do not fit together.
    ResourceError
        If memory runs out; the message offers micro-batches.

    Examples
    --------
    >>> from pitfalls.images import DataConfig, load_dataset
    >>> from torch import nn
    >>> digits = load_dataset(DataConfig("digits", subset_train=200))
    >>> linear = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    >>> config = TrainConfig(epochs=2, batch_size=50, scheme="constant", rate=0.05, flip="none")
    >>> train(linear, digits, config).steps
    8
    """
    config = settle(config, data, torch.device(device).type)
    check_sizes(config, data)
    if torch.device(device).type == "cpu":
        keep_freed_memory()
    chosen = (
        choose_transforms(config, data.shape[1:])
        if transforms is None
        else [t if isinstance(t, Transform) else PerImage(t) for t in transforms]
    )
    with _own_generators():
        loop = _Loop(model, data, config, rate, chosen, torch.device(device))
        loop.restore(state)
        return loop.run(on_step, on_epoch, on_checkpoint, on_progress)


@contextmanager
def _own_generators() -> Iterator[None]:
    """Leave PyTorch's global generators as they were found."""
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices=devices):
        yield


class _Loop:
    """The parts of a run; `run` is the loop, `step` its body."""

    def __init__(
        self,
        model: nn.Module,
        data: ImageDataset,
        config: TrainConfig,
        rate: Schedule | None,
        transforms: Sequence[Transform],
        device: torch.device,
    ) -> None:
        self.config, self.data, self.device = config, data, device
        layout = torch.channels_last if config.channels_last else torch.contiguous_format
        self.model = model.to(device=device, memory_format=layout)  # type: ignore[call-overload]
        self.parallel: nn.Module = model
        self.batches = Batches(data, config, transforms, device)
        self.rate = rate or schedule(config.scheme, config.epochs, config.rate)
        self.optimizers = make_optimizers(
            model,
            optimizer=config.optimizer,
            momentum=config.momentum,
            nesterov=config.nesterov,
            weight_decay=config.weight_decay,
            muon_rate=config.muon_rate,
            muon_momentum=config.muon_momentum,
            bias_rate=config.bias_rate,
            other_rate=config.other_rate,
        )
        self.average = MovingAverage(config.averaging)
        self.previous = INITIAL_RATE
        self.step_count = 0
        self.sums = [0.0, 0.0, 0.0]  # loss, right answers, images of this epoch so far
        self.epochs: list[EpochRecord] = []
        self.clock = [0.0, 0.0]
        self.last: TrainState | None = None

    # -- state ------------------------------------------------------------------------------------

    def restore(self, state: TrainState | None) -> None:
        """Start from a state, the first process' own, or from the model as it is."""
        tensors, meta = share_from_first((state.tensors, state.meta) if state else ({}, None))
        parts: dict[str, dict[str, Tensor]] = {"model": {}, "optimizer": {}, "average": {}}
        for key, value in tensors.items():
            part, _, name = key.partition("/")
            parts[part][name] = value
        if meta is not None:
            self._load(parts, meta)
        copy_from_first([*self.model.parameters(), *self.model.buffers()])
        self.average.begin(self.model, parts["average"], self.device)
        if world().size > 1:
            self.parallel = nn.parallel.DistributedDataParallel(self.model)

    def _load(self, parts: Mapping[str, Mapping[str, Tensor]], meta: Mapping[str, Any]) -> None:
        expected = {"n_images": self.batches.n_images, "n_batches": self.batches.n_batches}
        came = {key: meta[key] for key in expected}
        if came != expected:
            raise InputError(
                f"train: the state is of a run with {came['n_images']} images in "
                f"{came['n_batches']} batches, this one has {expected['n_images']} in "
                f"{expected['n_batches']}. Start anew, or go on with the same data and batch size."
            )
        try:
            self.model.load_state_dict(parts["model"])
        except RuntimeError as error:
            raise InputError(f"train: the state is of another model: {error}") from error
        load_optimizer_tensors(self.model, self.optimizers, parts["optimizer"])
        self.step_count, self.previous = meta["step"], meta["previous_rate"]
        self.sums, self.clock = list(meta["sums"]), list(meta["clock"])
        self.epochs = [EpochRecord(**record) for record in meta["epochs"]]

    def capture(self) -> TrainState:
        """Copy the run's state."""
        tensors = {f"model/{name}": value for name, value in self.model.state_dict().items()}
        memory = optimizer_tensors(self.model, self.optimizers)
        tensors |= {f"optimizer/{name}": value for name, value in memory.items()}
        tensors |= {f"average/{name}": value for name, value in self.average.tensors.items()}
        tensors = {
            name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
            for name, value in tensors.items()
        }
        meta = {
            "step": self.step_count,
            "previous_rate": self.previous,
            "sums": list(self.sums),
            "clock": list(self.clock),
            "epochs": [vars(record).copy() for record in self.epochs],
            "n_images": self.batches.n_images,
            "n_batches": self.batches.n_batches,
        }
        return TrainState(tensors, meta)

    # -- the loop ---------------------------------------------------------------------------------

    def run(
        self,
        on_step: Callable[[StepRecord], None] | None,
        on_epoch: Callable[[EpochRecord], None] | None,
        on_checkpoint: Callable[[TrainState], None] | None,
        on_progress: Callable[[int, int], None] | None,
    ) -> TrainResult:
        """Train from where the run stands to its end."""
        total = self.config.epochs * self.batches.n_batches
        if not world().writes:
            on_step = on_epoch = on_checkpoint = on_progress = None
        self.model.train()
        while self.step_count < total:
            record = self._timed_step()
            if on_step is not None:
                on_step(record)
            end_of_epoch = self.step_count % self.batches.n_batches == 0
            due = end_of_epoch or self.step_count % self.config.checkpoint_every == 0
            if due:
                self._require_finite()
            if end_of_epoch:
                self.epochs.append(self._finish_epoch())
                if on_epoch is not None:
                    on_epoch(self.epochs[-1])
            if due and on_checkpoint is not None:
                self.last = self.capture()
                on_checkpoint(self.last)
            if on_progress is not None:
                try:
                    on_progress(self.step_count, total)
                except BaseException:
                    if on_checkpoint is not None and not due and self._bad_tensor() is None:
                        on_checkpoint(self.capture())
                    raise
        self.average.write_into(self.model)
        return TrainResult(tuple(self.epochs), total, self.clock[0], self.clock[1])

    def _timed_step(self) -> StepRecord:
        wall, processor = time.perf_counter(), time.process_time()
        try:
            record = self.step()
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            raise ResourceError(_memory_message(self.config)) from error
        self.clock[0] += time.perf_counter() - wall
        self.clock[1] += time.process_time() - processor
        return record

    def step(self) -> StepRecord:
        """Do one step of the optimiser."""
        epoch, batch = divmod(self.step_count, self.batches.n_batches)
        indices = self.batches.indices(epoch, batch)
        n = len(indices)
        inputs, labels = self.batches.share(indices, epoch, self.step_count)
        rate = self._ask_rate(epoch, batch)
        # Dropout and the like: their numbers, too, follow from seed, step and process.
        torch.manual_seed(derived_seed(self.config.seed, "step", self.step_count, world().rank))
        loss, right = gather_sum(
            add_gradients(self.parallel, inputs, labels, n, self.data.n_classes, self.config),
            self.device,
        )
        if not math.isfinite(loss):
            self._diverged(
                f"the loss is {loss / n:g} at step {self.step_count + 1} (epoch {epoch + 1}, rate "
                f"{rate:.3g}): {first_bad_layer(self.model, inputs)}"
            )
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate * group["scale"]
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.average.update(self.model, self.step_count)
        if batch == 0:
            self.sums = [0.0, 0.0, 0.0]
        self.sums = [a + b for a, b in zip(self.sums, (loss, right, n), strict=True)]
        self.previous = rate
        self.step_count += 1
        return StepRecord(self.step_count, epoch, batch, rate, loss / n, right / n)

    def _ask_rate(self, epoch: int, batch: int) -> float:
        rate = self.rate(self.previous, epoch, batch, self.batches.n_batches)
        if not 0 <= rate < math.inf:
            raise InputError(
                "train: the schedule must give rates that are finite and not negative. Got "
                f"{rate} at epoch {epoch}, batch {batch} (counted from 0)."
            )
        return rate

    # -- evaluation -------------------------------------------------------------------------------

    def _finish_epoch(self) -> EpochRecord:
        loss, right, n = self.sums
        record = EpochRecord(
            epoch=self.step_count // self.batches.n_batches - 1,
            step=self.step_count,
            train_loss=loss / n,
            train_accuracy=right / n,
            validation_loss=None,
            validation_accuracy=None,
        )
        # The running averages are the first process', so the others look at the same network.
        copy_from_first([*self.model.buffers(), *self.average.tensors.values()])
        if len(self.data.validation_labels) == 0:
            return record
        model = self.model
        if self.average.tensors:
            model = copy.deepcopy(self.model)
            self.average.write_into(model)
        mean_loss, accuracy = validate(model, self.data, self.device)
        if not math.isfinite(mean_loss):
            self._diverged(
                f"the outputs on the validation images are not finite after epoch {record.epoch + 1}"
            )
        return replace(record, validation_loss=mean_loss, validation_accuracy=accuracy)

    # -- failures ---------------------------------------------------------------------------------

    def _bad_tensor(self) -> str | None:
        """Name the first weight or statistic that is not finite."""
        for name, value in real_tensors(self.model).items():
            if not bool(value.isfinite().all()):
                return name
        return None

    def _require_finite(self) -> None:
        """End the run, in every process, if the last step has left the finite numbers."""
        bad = self._bad_tensor()
        (count,) = gather_sum([float(bad is not None)], self.device)
        if count:
            self._diverged(
                f"the weights are not finite after step {self.step_count} (epoch "
                f"{(self.step_count - 1) // self.batches.n_batches + 1}, rate {self.previous:.3g}): "
                f"{bad or 'those of another process'}"
            )

    def _diverged(self, what: str) -> NoReturn:
        kept = (
            "no state was kept before"
            if self.last is None
            else (f"the state of step {self.last.step} is kept")
        )
        raise DivergenceError(
            f"train: {what}; {kept}. Lower the learning rate, or look at the data.", last=self.last
        )


def _memory_message(config: TrainConfig) -> str:
    size, parts = config.batch_size, config.micro_batches
    more = parts * 2
    return (
        f"train: memory ran out at batch size {size}"
        + (f" in {parts} micro-batches" if parts > 1 else "")
        + f". micro_batches={more} (--micro-batches {more}) takes the same steps with about "
        f"half the memory, {max(size // more // world().size, 1)} images at a time."
    )
