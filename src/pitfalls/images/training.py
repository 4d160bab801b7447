"""One training loop for every network here: exact to resume, blind to the number of processes.

The order of the images and every random number is a function of (seed, epoch, step) alone, so the
state of a run is its weights, the optimisers' memory, the averages, the previous rate and two
counters. Nothing else has to be saved, and a resumed run equals an undisturbed one bit for bit (same
build, device, thread count and number of processes).
"""

import copy
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from pitfalls.errors import DivergenceError, InputError, ResourceError
from pitfalls.images.allocator import keep_freed_memory
from pitfalls.images.augmentation import (
    AlternatingFlip,
    Draw,
    PerImage,
    RandomCrop,
    RandomHorizontalFlip,
    Transform,
    augment,
    derived_seed,
)
from pitfalls.images.datasets import ImageDataset
from pitfalls.images.distributed import copy_from_first, gather_sum, share_from_first, world
from pitfalls.images.evaluation import normalize, predict_logits
from pitfalls.images.optimizers import load_optimizer_tensors, make_optimizers, optimizer_tensors
from pitfalls.images.schedules import INITIAL_RATE, Schedule, schedule

__all__ = ["EpochRecord", "StepRecord", "TrainConfig", "TrainResult", "TrainState", "train"]


@dataclass(frozen=True)
class TrainConfig:
    """How to train; the defaults are the homework's.

    Attributes
    ----------
    epochs, batch_size : int
        A batch is what one step of the optimiser sees, over all processes and micro-batches.
        Where the last one would hold fewer than two images a process, they join the one before.
    scheme : str
        Learning-rate scheme: ``constant``, ``annealed``, ``special``, ``one_cycle``, ``cosine``.
    rate : float, optional
        The scheme's rate, factor or peak; its own default if None.
    optimizer : {"sgd", "muon"}
        With Muon the scheme is a factor on the three rates below, so give it ``rate=1``.
    momentum, nesterov, weight_decay
        Of SGD.
    muon_rate, muon_momentum, bias_rate, other_rate : float
        Rates of convolutions, biases and the rest under Muon.
    label_smoothing : float
        Share of the target spread evenly over all classes.
    loss : {"mean", "sum"}
        Whether the loss of a batch is the mean or the sum of its images' losses.
    averaging : float, optional
        Decay, a step, of an exponential moving average of weights and buffers; evaluated and
        returned in place of the last weights.
    precision : {"float32", "bfloat16"}
        bfloat16 is mixed precision: weights, statistics and loss stay in float32.
    channels_last : bool
        Memory format of images and weights; faster on CPUs and on GPUs with tensor cores.
    micro_batches : int
        Split each process' share of a batch to save memory; gradients add up to the same step.
        Batch normalisation sees one micro-batch at a time.
    crop_padding : int, optional
        Border for random crops: an eighth of the image if None; 0 for none.
    padding_mode : {"constant", "reflect", "edge"}
        What the border shows.
    flip : {"random", "alternating", "none"}
        Mirror images at random, or at random once and then in every other epoch.
    image_sizes : tuple of int
        Side in pixels to which the images of epoch 0, 1, ... are scaled; the last one holds from
        there on. Empty: as they are.
    checkpoint_every : int
        Steps between states handed to ``on_checkpoint``; the end of an epoch always hands one.
    seed : int
        Of order and augmentation.
    """

    epochs: int = 1
    batch_size: int = 128
    scheme: str = "special"
    rate: float | None = None
    optimizer: Literal["sgd", "muon"] = "sgd"
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 0.0
    muon_rate: float = 0.24
    muon_momentum: float = 0.6
    bias_rate: float = 0.053
    other_rate: float = 0.67
    label_smoothing: float = 0.0
    loss: Literal["mean", "sum"] = "mean"
    averaging: float | None = None
    precision: Literal["float32", "bfloat16"] = "float32"
    channels_last: bool = True
    micro_batches: int = 1
    crop_padding: int | None = None
    padding_mode: str = "constant"
    flip: Literal["random", "alternating", "none"] = "random"
    image_sizes: tuple[int, ...] = ()
    checkpoint_every: int = 50
    seed: int = 123


@dataclass(frozen=True)
class StepRecord:
    """One step: what it saw and did. Loss and accuracy are those before the update."""

    step: int
    epoch: int
    batch: int
    rate: float
    loss: float
    accuracy: float


@dataclass(frozen=True)
class EpochRecord:
    """One epoch: means over its steps, in training mode, and the validation set's after it.

    The validation values are None where the data have no validation set.
    """

    epoch: int
    step: int
    train_loss: float
    train_accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None


@dataclass(frozen=True)
class TrainState:
    """All that a run needs to go on: tensors by name, and plain JSON values."""

    tensors: dict[str, Tensor]
    meta: dict[str, Any]

    @property
    def step(self) -> int:
        """Steps done."""
        return int(self.meta["step"])


@dataclass(frozen=True)
class TrainResult:
    """A finished run; the model holds the final (or averaged) weights.

    Attributes
    ----------
    epochs : tuple of EpochRecord
    steps : int
    seconds, cpu_seconds : float
        Wall time and this process' processor time of the training steps: everything from picking
        a batch's indices to the update, without evaluation and checkpoints.
    """

    epochs: tuple[EpochRecord, ...]
    steps: int
    seconds: float
    cpu_seconds: float


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
        on one uint8 image (C, H, W), torchvision's for example.
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
    >>> from pitfalls.images import load_dataset
    >>> from torch import nn
    >>> digits = load_dataset("digits", subset_train=200)
    >>> linear = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    >>> config = TrainConfig(epochs=2, batch_size=50, scheme="constant", rate=0.05, flip="none")
    >>> train(linear, digits, config).steps
    8
    """
    _check(config, data)
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
        self.n_batches = _batch_count(len(self.labels), config.batch_size, self.world.size)
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
        """Copy the run's state; refuses one that is not finite."""
        tensors = {
            f"model/{name}": value.detach().cpu().clone()
            for name, value in self.model.state_dict().items()
        }
        for name, value in tensors.items():
            if value.is_floating_point() and not bool(value.isfinite().all()):
                self._diverged(f"{name.removeprefix('model/')} is not finite")
        memory = optimizer_tensors(self.model, self.optimizers)
        tensors |= {f"optimizer/{name}": value.cpu() for name, value in memory.items()}
        tensors |= {f"average/{name}": v.cpu().clone() for name, v in self.average.items()}
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
            if end_of_epoch:
                self.epochs.append(self._finish_epoch())
                if on_epoch is not None:
                    on_epoch(self.epochs[-1])
            due = end_of_epoch or self.step_count % self.config.checkpoint_every == 0
            if due and on_checkpoint is not None:
                self.last = self.capture()
                on_checkpoint(self.last)
            if on_progress is not None:
                try:
                    on_progress(self.step_count, total)
                except BaseException:
                    if on_checkpoint is not None and not due:
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
            if not _out_of_memory(error):
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
        loss, right = self._backward(inputs, labels, len(indices))
        loss, right = gather_sum([loss, right], self.device)
        if not math.isfinite(loss):
            self._diverged(_first_bad_layer(self.model, inputs), loss / len(indices))
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
            for name, value in self._averaged_tensors().items():
                self.average[name].lerp_(value, 1 - self.config.averaging)

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

    def _diverged(self, where: str, loss: float = math.nan) -> None:
        kept = (
            "no state was kept before"
            if self.last is None
            else (f"the state of step {self.last.step} is kept")
        )
        raise DivergenceError(
            f"train: the loss is {loss:g} at step {self.step_count + 1} (epoch "
            f"{self.step_count // self.n_batches + 1}, rate {self.previous:.3g}): {where}; {kept}. "
            "Lower the learning rate, or look at the data.",
            last=self.last,
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


def _batch_count(n: int, batch_size: int, processes: int) -> int:
    """Steps an epoch; a last batch too small for every process joins the one before."""
    count, rest = divmod(n, batch_size)
    return max(count + (rest >= 2 * processes), 1)


def _transforms(config: TrainConfig, size: tuple[int, ...]) -> list[Transform]:
    chosen: list[Transform] = []
    padding = size[0] // 8 if config.crop_padding is None else config.crop_padding
    if padding:
        chosen.append(RandomCrop((size[0], size[1]), padding, config.padding_mode))
    if config.flip != "none":
        chosen.append(AlternatingFlip() if config.flip == "alternating" else RandomHorizontalFlip())
    return chosen


def _check(config: TrainConfig, data: ImageDataset) -> None:
    for name in ("epochs", "batch_size", "micro_batches", "checkpoint_every"):
        if getattr(config, name) < 1:
            raise InputError(
                f"train: {name} must be at least 1. Got {getattr(config, name)} instead."
            )
    for name, choices in (
        ("loss", ("mean", "sum")),
        ("precision", ("float32", "bfloat16")),
        ("flip", ("random", "alternating", "none")),
    ):
        if getattr(config, name) not in choices:
            raise InputError(
                f"train: {name} must be {' or '.join(choices)}. Got {getattr(config, name)!r} "
                "instead."
            )
    for name, value in (
        ("label_smoothing", config.label_smoothing),
        ("averaging", config.averaging),
    ):
        if value is not None and not 0 <= value < 1:
            raise InputError(f"train: {name} must be in [0, 1). Got {value} instead.")
    if any(size < 1 for size in config.image_sizes):
        raise InputError(f"train: image_sizes must be positive. Got {config.image_sizes} instead.")
    n, processes = len(data.train_labels), world().size
    if min(n, config.batch_size) < 2 * processes:
        what = (
            f"{n} training images"
            if n <= config.batch_size
            else (f"a batch of {config.batch_size}")
        )
        raise InputError(
            f"train: {what} for {processes} process{'es' if processes > 1 else ''}; batch "
            "normalisation needs at least two images in each. Give more images, a larger batch or "
            "fewer processes."
        )


def _out_of_memory(error: BaseException) -> bool:
    if isinstance(error, ResourceError):
        return False
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        "can't allocate memory" in str(error) or "not enough memory" in str(error)
    )


def _first_bad_layer(model: nn.Module, inputs: Tensor) -> str:
    """Name the first layer, in the order of computation, whose weights or output are not finite."""
    found: list[str] = []

    def look(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(module: nn.Module, args: Any, output: Any) -> None:
            if found:
                return
            for kind, parameter in module.named_parameters(recurse=False):
                if not bool(parameter.isfinite().all()):
                    found.append(f"the first bad layer is {name}, its {kind} is not finite")
                    return
            if isinstance(output, Tensor) and not bool(output.isfinite().all()):
                found.append(f"the first bad layer is {name}, its output is not finite")

        return hook

    if not bool(inputs.isfinite().all()):
        return "the normalised images are not finite"
    leaves = [(k, m) for k, m in model.named_modules() if not any(m.children())]
    handles = [module.register_forward_hook(look(name or "the model")) for name, module in leaves]
    try:
        with torch.no_grad():
            model(inputs)
    finally:
        for handle in handles:
            handle.remove()
    return found[0] if found else "every layer is finite, the loss itself is not"


@contextmanager
def _own_generators() -> Iterator[None]:
    """Leave PyTorch's global generators as they were found."""
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices=devices):
        yield
