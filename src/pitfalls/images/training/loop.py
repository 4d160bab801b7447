"""One training loop for every network here: exact to resume, blind to the number of processes.

The order of the images and every random number is a function of (seed, epoch, step) alone, so the
state of a run is its weights, the optimisers' memory, the averages, the previous rate and a few
counters. Nothing else has to be saved, and a resumed run equals an undisturbed one bit for bit (same
build, device, thread count and number of processes; another number of processes rounds otherwise).
"""

import copy
import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, NoReturn

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from pitfalls.errors import DivergenceError, InputError
from pitfalls.generators import seed_torch
from pitfalls.images.data import ImageDataset
from pitfalls.images.training.augmentation import derived_seed
from pitfalls.images.training.averaging import MovingAverage
from pitfalls.images.training.best import Best
from pitfalls.images.training.chain import Change
from pitfalls.images.training.checks import settle
from pitfalls.images.training.config import TrainConfig
from pitfalls.images.training.distributed import (
    copy_from_first,
    gather_sum,
    share_from_first,
    world,
)
from pitfalls.images.training.epochs import CalledModel
from pitfalls.images.training.failures import bad_tensor, first_bad_layer, told_failure
from pitfalls.images.training.gradients import add_gradients
from pitfalls.images.training.hardware import keep_freed_memory
from pitfalls.images.training.losses import LossFunction, summed_loss
from pitfalls.images.training.memory import load_memory, optimizer_memory
from pitfalls.images.training.optimizers import OptimizerFunction, take_step
from pitfalls.images.training.preparing import (
    OwnParts,
    class_weights,
    complete,
    make_batches,
    optimizers_of,
    own_generators,
)
from pitfalls.images.training.records import EpochRecord, StepRecord, TrainResult, TrainState
from pitfalls.images.training.schedules import INITIAL_RATE, Schedule, ask_rate, schedule
from pitfalls.images.training.state import describe_run, refuse_other_run, split_tensors, unwrapped
from pitfalls.images.training.synced_norm import synced_norms
from pitfalls.images.training.unread import PROMPT, UnreadStep, read_steps
from pitfalls.images.training.validation import held_out, validate

__all__ = ["train"]


def train(
    model: nn.Module,
    data: ImageDataset | Dataset[Any] | DataLoader[Any],
    config: TrainConfig,
    *,
    rate: Schedule | None = None,
    optimizer: OptimizerFunction | None = None,
    loss: LossFunction | None = None,
    transforms: Sequence[Change] | None = None,
    validation: Dataset[Any] | DataLoader[Any] | None = None,
    device: torch.device | str = "cpu",
    state: TrainState | None = None,
    on_step: Callable[[StepRecord], None] | None = None,
    on_epoch: Callable[[EpochRecord], None] | None = None,
    on_checkpoint: Callable[[TrainState], None] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> TrainResult:
    """Train a classifier of images.

    Under ``torchrun`` (inside `pitfalls.images.distributed.join`) the processes share every batch;
    order, augmentation and schedule are those of a single process, gradients are averaged, and batch
    normalisation takes the whole batch's statistics. Callbacks run in the first process only.

    Parameters
    ----------
    model : Module
        Maps images (B, C, H, W) to logits (B, n_classes), alone, first in a tuple or as ``logits`` of
        a dict; trained in place. Lazy layers are completed by the first batch; float64, compiled and
        TorchScript modules are taken as they are. Its ``set_epoch(epoch)``, if it has one, is called
        before an epoch's steps, to freeze parameters, say.
    data : ImageDataset, Dataset or DataLoader
        An ImageDataset's training set is learned from, its validation set, if any, is looked at after
        each epoch, its test set is left alone. A Dataset of (image, label) is read in the trainer's
        own order, a DataLoader gives its own batches, whatever the config's batch size. Their bytes
        are scaled to [0, 1], their floats taken as they are, and their own transforms augment:
        the config's crop and flip do not.
    config : TrainConfig
        How to train.
    rate : callable, optional
        ``rate(previous, epoch, batch, n_batches)`` in place of ``config.scheme``.
    optimizer : callable, optional
        ``optimizer(parameters)`` in place of ``config.optimizer``.
    loss : callable, optional
        ``loss(logits, labels)``, one value an image or their mean, in place of ``config.loss``.
    transforms : sequence of callables, optional
        Augmentation in place of ``config.transforms``: `Transform` objects, callables on one uint8
        image (C, H, W) that return another, torchvision's for example, or callables on the images and
        labels of a whole normalised batch. Without ToTensor and Normalize: the trainer scales and
        normalises by itself.
    validation : Dataset or DataLoader, optional
        Looked at after each epoch, beside a Dataset or DataLoader.
    device : device, default="cpu"
        Where to compute.
    state : TrainState, optional
        Go on from here; the model's weights are overwritten.
    on_step, on_epoch, on_checkpoint : callable, optional
        Called for each step (on a GPU once an epoch or checkpoint), after each epoch's evaluation, and
        with a state, in this order: a log that ends at a checkpoint holds the steps of its state.
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
    if torch.device(device).type == "cpu":
        keep_freed_memory()
    own = OwnParts(rate, optimizer, loss, transforms)
    with own_generators(), ExitStack() as stack:
        loop = _Loop(model, data, validation, config, own, torch.device(device))
        stack.enter_context(synced_norms(loop.model))
        loop.restore(state)
        return loop.run(on_step, on_epoch, on_checkpoint, on_progress)


class _Loop:
    """The parts of a run; `run` is the loop, `step` its body."""

    def __init__(
        self,
        model: nn.Module,
        data: Any,
        validation: Any,
        config: TrainConfig,
        own: OwnParts,
        device: torch.device,
    ) -> None:
        self.config, self.device = config, device
        self.held_out = held_out(data, validation)
        self.batches = make_batches(data, config, own.transforms, device)
        layout = torch.channels_last if config.channels_last else torch.contiguous_format
        self.model = unwrapped(model)
        self.wrapped = CalledModel(model, config.seed)
        complete(self.model.to(device), self.batches, config)
        self.model.to(memory_format=layout)  # type: ignore[call-overload]
        self.rate = own.rate or schedule(config.scheme, config.epochs, config.rate)
        self.loss = summed_loss(config, own.loss, class_weights(config, data, device))
        self.optimizers = optimizers_of(self.model, config, own)
        self.model.zero_grad()  # what a caller, or a training that failed, has left
        self.identity = describe_run(config, vars(own))
        self.average = MovingAverage(config.averaging)
        self.best = Best(config, has_validation=self.held_out is not None)
        self.previous = INITIAL_RATE
        self.step_count = 0
        self.sums = [0.0, 0.0, 0.0]  # loss, right answers, images of this epoch so far
        self.unread: list[UnreadStep] = []
        self.epochs: list[EpochRecord] = []
        self.clock = [0.0, 0.0]
        self.last: TrainState | None = None

    # -- state ------------------------------------------------------------------------------------

    def restore(self, state: TrainState | None) -> None:
        """Start from a state, the first process' own, or from the model as it is."""
        tensors, meta = share_from_first((state.tensors, state.meta) if state else ({}, None))
        parts = split_tensors(tensors)
        if meta is not None:
            self._load(parts, meta)
        copy_from_first([*self.model.parameters(), *self.model.buffers()])
        self.average.begin(self.model, parts["average"], self.device)

    def _load(self, parts: Mapping[str, Mapping[str, Tensor]], meta: Mapping[str, Any]) -> None:
        expected = {"n_images": self.batches.n_images, "n_batches": self.batches.n_batches}
        came = {key: meta[key] for key in expected}
        if came != expected:
            raise InputError(
                f"train: the state is of a run with {came['n_images']} images in "
                f"{came['n_batches']} batches, this one has {expected['n_images']} in "
                f"{expected['n_batches']}. Start anew, or go on with the same data and batch size."
            )
        refuse_other_run(meta["run"], self.identity)
        self.wrapped.catch_up(-(-meta["step"] // expected["n_batches"]))
        try:
            self.model.load_state_dict(parts["model"])
        except RuntimeError as error:
            raise InputError(f"train: the state is of another model: {error}") from error
        load_memory(self.model, self.optimizers, parts["optimizer"], meta["memory"])
        self.best.load(meta["best"], parts["best"], self.device)
        self.step_count, self.previous = meta["step"], meta["previous_rate"]
        self.sums, self.clock = list(meta["sums"]), list(meta["clock"])
        self.epochs = [EpochRecord(**record) for record in meta["epochs"]]

    def capture(self) -> TrainState:
        """Copy the run's state."""
        memory, plain = optimizer_memory(self.model, self.optimizers)
        tensors = {
            f"{part}/{name}": value.detach().cpu().clone(memory_format=torch.contiguous_format)
            for part, found in (
                ("model", self.model.state_dict()),
                ("optimizer", memory),
                ("average", self.average.tensors),
                ("best", self.best.tensors),
            )
            for name, value in found.items()
        }
        meta = {
            "step": self.step_count,
            "previous_rate": self.previous,
            "sums": list(self.sums),
            "clock": list(self.clock),
            "epochs": [vars(record).copy() for record in self.epochs],
            "memory": copy.deepcopy(plain),
            "best": self.best.meta,
            "run": self.identity,
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
        self.wrapped.called.train()
        while self.step_count < total and not self.best.ends(len(self.epochs)):
            self._timed(self.step)
            end_of_epoch = self.step_count % self.batches.n_batches == 0
            due = end_of_epoch or self.step_count % self.config.checkpoint_every == 0
            if due or self.device.type in PROMPT:
                self._tell_steps(on_step)
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
                ended = self.best.ends(len(self.epochs))
                try:
                    on_progress(total if ended else self.step_count, total)
                except BaseException:
                    if on_checkpoint is not None and not due and bad_tensor(self.model) is None:
                        self._tell_steps(on_step)
                        on_checkpoint(self.capture())
                    raise
        self.average.write_into(self.model)
        self.best.write_into(self.model)
        return TrainResult(
            tuple(self.epochs), self.step_count, self.clock[0], self.clock[1], self.best.epoch
        )

    def _timed(self, work: Callable[[], Any]) -> Any:
        wall, processor = time.perf_counter(), time.process_time()
        try:
            found = work()
        except (RuntimeError, MemoryError) as error:
            if (told := told_failure(error, self.config)) is None:
                raise
            raise told from error
        self.clock[0] += time.perf_counter() - wall
        self.clock[1] += time.process_time() - processor
        return found

    def step(self) -> None:
        """Do one step of the optimiser; what it gave stays on the device until it is read."""
        at = divmod(self.step_count, self.batches.n_batches)
        self.wrapped.begin(at[0])
        work = self.batches.fetch(*at, self.step_count)
        scheduled, rate = ask_rate(
            self.rate, self.config.warmup, self.previous, *at, self.batches.n_batches
        )
        # Dropout and the like: their numbers, too, follow from seed, step and process.
        seed_torch(derived_seed(self.config.seed, "step", self.step_count, world().rank))
        own = add_gradients(
            self.wrapped.called, work, self.batches.n_classes, self.config, self.loss
        )
        gave = gather_sum(own, self.device)
        done = UnreadStep(self.step_count, *at, rate, work.n, gave)
        if self.device.type in PROMPT and not math.isfinite(float(gave[0])):
            self._diverged(
                f"{done.burst(float(gave[0]))}: {first_bad_layer(self.model, work.inputs)}"
            )
        if self.config.clip is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip)
        for optimizer in self.optimizers:
            take_step(optimizer, rate)
        self.average.update(self.model, self.step_count)
        self.unread.append(done)
        self.previous = scheduled
        self.step_count += 1

    def _tell_steps(self, on_step: Callable[[StepRecord], None] | None) -> None:
        """Read what the last steps gave, in one wait for the device, and hand it on in order."""
        steps, self.unread = self.unread, []
        read = self._timed(lambda: read_steps(steps))
        for done, (loss, right) in zip(steps, read, strict=True):
            if not math.isfinite(loss):
                self._diverged(done.burst(loss))
            if done.batch == 0:
                self.sums = [0.0, 0.0, 0.0]
            self.sums = [a + b for a, b in zip(self.sums, (loss, right, done.n), strict=True)]
            if on_step is not None:
                on_step(done.told(loss, right))

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
        if self.held_out is None:
            return record
        model = self.wrapped.called if world().size == 1 else self.model
        if self.average.tensors:
            model = copy.deepcopy(self.model)
            self.average.write_into(model)
        mean_loss, accuracy = validate(model, self.held_out, self.device)
        if not math.isfinite(mean_loss):
            self._diverged(
                f"the outputs on the validation images are not finite after epoch {record.epoch + 1}"
            )
        record = replace(record, validation_loss=mean_loss, validation_accuracy=accuracy)
        self.best.see(record, unwrapped(model))
        return record

    # -- failures ---------------------------------------------------------------------------------

    def _require_finite(self) -> None:
        """End the run, in every process, if the last step has left the finite numbers."""
        bad = bad_tensor(self.model)
        if gather_sum(torch.tensor(float(bad is not None)), self.device) > 0:
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
