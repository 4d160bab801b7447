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
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from pitfalls.errors import DivergenceError, InputError, ResourceError
from pitfalls.images.data import ImageDataset
from pitfalls.images.networks import normalize
from pitfalls.images.training.augmentation import (
    AlternatingFlip,
    Draw,
    PerImage,
    RandomCrop,
    RandomHorizontalFlip,
    Transform,
    augment,
    derived_seed,
)
from pitfalls.images.training.distributed import (
    copy_from_first,
    gather_sum,
    share_from_first,
    world,
)
from pitfalls.images.training.evaluation import predict_logits
from pitfalls.images.training.failures import first_bad_layer, is_out_of_memory
from pitfalls.images.training.hardware import keep_freed_memory
from pitfalls.images.training.optimizers import (
    load_optimizer_tensors,
    make_optimizers,
    optimizer_tensors,
)
from pitfalls.images.training.records import (
    EpochRecord,
    StepRecord,
    TrainConfig,
    TrainResult,
    TrainState,
    check_config,
)
from pitfalls.images.training.schedules import INITIAL_RATE, Schedule, never_moves, schedule

__all__ = ["train", "training_warnings"]


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
    check_config(config)
    _check_sizes(config, data)
    if torch.device(device).type == "cpu":
        keep_freed_memory()
    chosen = (
        _transforms(config, data.shape[1:])
        if transforms is None
        else [t if isinstance(t, Transform) else PerImage(t) for t in transforms]
    )
    with _own_generators():
        loop = _Loop(model, data, config, rate, chosen, torch.device(device))
        loop.restore(state)
        return loop.run(on_step, on_epoch, on_checkpoint, on_progress)


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
        self.config, self.data, self.device, self.transforms = config, data, device, transforms
        self.world = world()
        layout = torch.channels_last if config.channels_last else torch.contiguous_format
        self.model = model.to(device=device, memory_format=layout)  # type: ignore[call-overload]
        self.images = torch.from_numpy(data.train_images).to(device)
        self.labels = torch.from_numpy(data.train_labels).to(device)
        self.rate = rate or schedule(config.scheme, config.epochs, config.rate)
        self.n_batches, _ = _batch_sizes(len(self.labels), config.batch_size)
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
        self.average: dict[str, Tensor] = {}
        self.previous = INITIAL_RATE
        self.step_count = 0
        self.sums = [0.0, 0.0, 0.0]  # loss, right answers, images of this epoch so far
        self.epochs: list[EpochRecord] = []
        self.clock = [0.0, 0.0]
        self.order = (-1, torch.empty(0))
        self.last: TrainState | None = None
        self.parallel: nn.Module = model

    # -- state ------------------------------------------------------------------------------------

    def restore(self, state: TrainState | None) -> None:
        """Start from a state, the first process' own, or from the model as it is."""
        tensors, meta = share_from_first((state.tensors, state.meta) if state else ({}, None))
        if meta is not None:
            self._load(tensors, meta)
        copy_from_first([*self.model.parameters(), *self.model.buffers()])
        if self.config.averaging is not None and not self.average:
            self.average = {k: v.clone() for k, v in self._averaged_tensors().items()}
        if self.world.size > 1:
            self.parallel = nn.parallel.DistributedDataParallel(self.model)

    def _load(self, tensors: Mapping[str, Tensor], meta: Mapping[str, Any]) -> None:
        expected = {"n_images": len(self.labels), "n_batches": self.n_batches}
        came = {key: meta[key] for key in expected}
        if came != expected:
            raise InputError(
                f"train: the state is of a run with {came['n_images']} images in "
                f"{came['n_batches']} batches, this one has {expected['n_images']} in "
                f"{expected['n_batches']}. Start anew, or go on with the same data and batch size."
            )
        parts: dict[str, dict[str, Tensor]] = {"model": {}, "optimizer": {}, "average": {}}
        for key, value in tensors.items():
            part, _, name = key.partition("/")
            parts[part][name] = value
        try:
            self.model.load_state_dict(parts["model"])
        except RuntimeError as error:
            raise InputError(f"train: the state is of another model: {error}") from error
        load_optimizer_tensors(self.model, self.optimizers, parts["optimizer"])
        self.average = {k: v.to(self.device, copy=True) for k, v in parts["average"].items()}
        self.step_count, self.previous = meta["step"], meta["previous_rate"]
        self.sums, self.clock = list(meta["sums"]), list(meta["clock"])
        self.epochs = [EpochRecord(**record) for record in meta["epochs"]]

    def capture(self) -> TrainState:
        """Copy the run's state."""
        tensors = {f"model/{name}": value for name, value in self.model.state_dict().items()}
        memory = optimizer_tensors(self.model, self.optimizers)
        tensors |= {f"optimizer/{name}": value for name, value in memory.items()}
        tensors |= {f"average/{name}": value for name, value in self.average.items()}
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
            "n_images": len(self.labels),
            "n_batches": self.n_batches,
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
        total = self.config.epochs * self.n_batches
        if not self.world.writes:
            on_step = on_epoch = on_checkpoint = on_progress = None
        self.model.train()
        while self.step_count < total:
            record = self._timed_step()
            if on_step is not None:
                on_step(record)
            end_of_epoch = self.step_count % self.n_batches == 0
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
        if self.average:
            self._averaged_into_model()
        return TrainResult(tuple(self.epochs), total, self.clock[0], self.clock[1])

    def _timed_step(self) -> StepRecord:
        wall, processor = time.perf_counter(), time.process_time()
        try:
            record = self.step()
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            raise ResourceError(self._memory_message()) from error
        self.clock[0] += time.perf_counter() - wall
        self.clock[1] += time.process_time() - processor
        return record

    def step(self) -> StepRecord:
        """Do one step of the optimiser."""
        epoch, batch = divmod(self.step_count, self.n_batches)
        if self.order[0] != epoch:
            generator = torch.Generator().manual_seed(
                derived_seed(self.config.seed, "order", epoch)
            )
            order = torch.randperm(len(self.labels), generator=generator).to(self.device)
            self.order = (epoch, order)
        stop = None if batch == self.n_batches - 1 else (batch + 1) * self.config.batch_size
        indices = self.order[1][batch * self.config.batch_size : stop]
        share = self.world.share(len(indices))
        inputs, labels = self._inputs(indices, share, epoch), self.labels[indices[share]]
        # Dropout and the like: their numbers, too, follow from seed, step and process.
        torch.manual_seed(derived_seed(self.config.seed, "step", self.step_count, self.world.rank))
        rate = self.rate(self.previous, epoch, batch, self.n_batches)
        if not 0 <= rate < math.inf:
            raise InputError(
                "train: the schedule must give rates that are finite and not negative. Got "
                f"{rate} at epoch {epoch}, batch {batch} (counted from 0)."
            )
        loss, right = self._backward(inputs, labels, len(indices))
        loss, right = gather_sum([loss, right], self.device)
        if not math.isfinite(loss):
            self._diverged(
                f"the loss is {loss / len(indices):g} at step {self.step_count + 1} (epoch "
                f"{epoch + 1}, rate {rate:.3g}): {first_bad_layer(self.model, inputs)}"
            )
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate * group["scale"]
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self._update_average()
        if batch == 0:
            self.sums = [0.0, 0.0, 0.0]
        self.sums = [a + b for a, b in zip(self.sums, (loss, right, len(indices)), strict=True)]
        self.previous = rate
        self.step_count += 1
        n = len(indices)
        return StepRecord(self.step_count, epoch, batch, rate, loss / n, right / n)

    def _inputs(self, indices: Tensor, share: slice, epoch: int) -> Tensor:
        at = Draw(self.config.seed, epoch, self.step_count, indices)
        images = augment(self.images[indices[share]], self.transforms, at, share)
        inputs = normalize(
            images, self.data.mean, self.data.std, channels_last=self.config.channels_last
        )
        sizes = self.config.image_sizes
        if sizes and (size := sizes[min(epoch, len(sizes) - 1)]) != inputs.shape[-1]:
            inputs = functional.interpolate(
                inputs, (size, size), mode="bilinear", align_corners=False, antialias=False
            )
        return inputs

    def _backward(self, inputs: Tensor, labels: Tensor, n: int) -> tuple[float, float]:
        """Add up gradients; return this process' summed loss and right answers."""
        smoothing = self.config.label_smoothing
        # DistributedDataParallel averages over processes; undo it to get the sum over the batch.
        scale = self.world.size / (n if self.config.loss == "mean" else 1)
        # Never fewer than two images: batch normalisation has nothing to divide by.
        pieces = min(self.config.micro_batches, max(len(labels) // 2, 1))
        chunks = list(zip(inputs.tensor_split(pieces), labels.tensor_split(pieces), strict=True))
        total, right = 0.0, 0.0
        for index, (x, y) in enumerate(chunks):
            with self._gradients_stay(index < len(chunks) - 1):
                with torch.autocast(
                    self.device.type,
                    dtype=torch.bfloat16,
                    enabled=self.config.precision == "bfloat16",
                ):
                    logits = self.parallel(x)
                if logits.ndim != 2 or logits.shape[1] < self.data.n_classes:
                    raise InputError(
                        f"train: the model must return logits of shape (B, {self.data.n_classes}), one "
                        f"column a class. Got {tuple(logits.shape)} instead."
                    )
                loss = functional.cross_entropy(
                    logits.float(), y, label_smoothing=smoothing, reduction="sum"
                )
                (loss * scale).backward()  # type: ignore[no-untyped-call]
            total += loss.item()
            right += (logits.detach().argmax(1) == y).sum().item()
        return total, right

    def _gradients_stay(self, wanted: bool) -> Any:
        if wanted and isinstance(self.parallel, nn.parallel.DistributedDataParallel):
            return self.parallel.no_sync()
        return nullcontext()

    # -- averages and evaluation ------------------------------------------------------------------

    def _averaged_tensors(self) -> dict[str, Tensor]:
        return {
            name: value
            for name, value in self.model.state_dict().items()
            if value.is_floating_point()
        }

    def _update_average(self) -> None:
        if self.config.averaging is not None:
            decay = averaging_decay(self.config.averaging, self.step_count)
            for name, value in self._averaged_tensors().items():
                self.average[name].lerp_(value, 1 - decay)

    def _averaged_into_model(self) -> None:
        for name, value in self._averaged_tensors().items():
            value.copy_(self.average[name])

    def _finish_epoch(self) -> EpochRecord:
        loss, right, n = self.sums
        record = EpochRecord(
            epoch=self.step_count // self.n_batches - 1,
            step=self.step_count,
            train_loss=loss / n,
            train_accuracy=right / n,
            validation_loss=None,
            validation_accuracy=None,
        )
        # The running averages are the first process', so the others look at the same network.
        copy_from_first([*self.model.buffers(), *self.average.values()])
        n_validation = len(self.data.validation_labels)
        if n_validation == 0:
            return record
        model = self.model
        if self.average:
            model = copy.deepcopy(self.model)
            model.load_state_dict(self.average, strict=False)
        share = self.world.share(n_validation)
        sums = [0.0, 0.0]
        if share.stop > share.start:
            logits = predict_logits(
                model,
                self.data.validation_images[share],
                self.data.mean,
                self.data.std,
                device=self.device,
            )
            labels = torch.from_numpy(self.data.validation_labels[share])
            sums = [
                functional.cross_entropy(logits.double(), labels, reduction="sum").item(),
                float((logits.argmax(1) == labels).sum()),
            ]
        loss, right = gather_sum(sums, self.device)
        return replace(
            record,
            validation_loss=loss / n_validation,
            validation_accuracy=right / n_validation,
        )

    # -- failures ---------------------------------------------------------------------------------

    def _bad_tensor(self) -> str | None:
        """Name the first weight or statistic that is not finite."""
        for name, value in self._averaged_tensors().items():
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
                f"{(self.step_count - 1) // self.n_batches + 1}, rate {self.previous:.3g}): "
                f"{bad or 'those of another process'}"
            )

    def _diverged(self, what: str) -> None:
        kept = (
            "no state was kept before"
            if self.last is None
            else (f"the state of step {self.last.step} is kept")
        )
        raise DivergenceError(
            f"train: {what}; {kept}. Lower the learning rate, or look at the data.", last=self.last
        )

    def _memory_message(self) -> str:
        size, parts = self.config.batch_size, self.config.micro_batches
        more = parts * 2
        return (
            f"train: memory ran out at batch size {size}"
            + (f" in {parts} micro-batches" if parts > 1 else "")
            + f". micro_batches={more} (--micro-batches {more}) takes the same steps with about "
            f"half the memory, {max(size // more // self.world.size, 1)} images at a time."
        )


def averaging_decay(decay: float, step: int) -> float:
    """Return the decay of the moving average at a step counted from 0.

    It grows as (1 + t)/(10 + t) to its full value: the average is over about the last tenth of the
    run so far. At the full value from the start, .999 say, a run of some hundred steps would end
    near its initial weights.

    References
    ----------
    TensorFlow, ``tf.train.ExponentialMovingAverage``, argument ``num_updates``.
    """
    return min(decay, (1 + step) / (10 + step))


def training_warnings(
    config: TrainConfig, data: ImageDataset, rate: Schedule | None = None
) -> tuple[str, ...]:
    """Say, before a run, what is bound to spoil it.

    Parameters
    ----------
    config, data, rate
        As of `train`.

    Returns
    -------
    tuple of str
        One sentence each; empty where there is nothing to say.
    """
    n_batches, _ = _batch_sizes(len(data.train_labels), config.batch_size)
    chosen = rate or schedule(config.scheme, config.epochs, config.rate)
    if not never_moves(chosen, config.epochs, n_batches):
        return ()
    steps = config.epochs * n_batches
    return (
        f"The learning rate is 0 at every one of the run's {steps} step{'s' * (steps > 1)} "
        f"({'the given schedule' if rate else f'scheme {config.scheme}'}): the weights will not "
        "change. Take more epochs, smaller batches or another scheme.",
    )


def _batch_sizes(n: int, batch_size: int) -> tuple[int, int]:
    """Return how many steps an epoch has and how many images its last one.

    The rule knows nothing of processes: order and schedule are the same whatever their number.
    """
    count, rest = divmod(n, batch_size)
    if count == 0:
        return 1, n
    if rest < max(2, batch_size / 4):
        return count, batch_size + rest
    return count + 1, rest


def _transforms(config: TrainConfig, size: tuple[int, ...]) -> list[Transform]:
    chosen: list[Transform] = []
    padding = size[0] // 8 if config.crop_padding is None else config.crop_padding
    if padding:
        chosen.append(RandomCrop((size[0], size[1]), padding, padding_mode=config.padding_mode))
    if config.flip != "none":
        chosen.append(AlternatingFlip() if config.flip == "alternating" else RandomHorizontalFlip())
    return chosen


@contextmanager
def _own_generators() -> Iterator[None]:
    """Leave PyTorch's global generators as they were found."""
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices=devices):
        yield


def _check_sizes(config: TrainConfig, data: ImageDataset) -> None:
    n, processes = len(data.train_labels), world().size
    if n == 0:
        raise InputError("train: the training set is empty.")
    n_batches, last = _batch_sizes(n, config.batch_size)
    smallest = min(last, config.batch_size) if n_batches > 1 else last
    if smallest < 2 * processes:
        raise InputError(
            f"train: the smallest batch of {n} images in batches of {config.batch_size} has "
            f"{smallest}, too few for {processes} process{'es' if processes > 1 else ''}: batch "
            "normalisation needs two images in each. Give more images, another batch size or "
            "fewer processes."
        )
