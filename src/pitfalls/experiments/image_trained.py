"""A trained network in the folder of the run that trained it: kept, and loaded to be looked at."""

import hashlib
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from pitfalls.errors import InputError, RunError
from pitfalls.experiments.image_networks import NetworkConfig, empty_network
from pitfalls.experiments.image_source import ImageSource
from pitfalls.experiments.image_start import weights_file
from pitfalls.images.data import BYTES, ImageDataset, ValueScale
from pitfalls.images.training import TEMPERATURES, Views, fit_temperature, predict_logits
from pitfalls.named import is_named, named_digest
from pitfalls.runs import Run

__all__ = [
    "KeptNetwork",
    "Trained",
    "fit_kept_temperature",
    "keep_network",
    "keep_weights",
    "load_trained",
    "read_kept",
    "weights_digest",
    "weights_of",
]

FEWEST_TO_CALIBRATE = 30  # images


@dataclass(frozen=True)
class KeptNetwork:
    """What must be known of a network beside its weights.

    Attributes
    ----------
    network : NetworkConfig
    source : ImageSource
        The pictures that it was trained on.
    class_names : tuple of str
    shape : (int, int, int)
        Channels, height and width of one image.
    mean, std : tuple of float
        By which images are normalised.
    code : str
        Fingerprint of the source of a network of the user's own; else empty.
    temperature : float or None
        By which the logits of single views are divided to be calibrated, fitted on the validation
        images; None where there were fewer than 30 of them, or all of them right.
    scale : ValueScale
        By which the stored numbers of its training images became 0 to 255.
    """

    network: NetworkConfig
    source: ImageSource
    class_names: tuple[str, ...]
    shape: tuple[int, int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    code: str = ""
    temperature: float | None = None
    scale: ValueScale = BYTES

    def __post_init__(self) -> None:
        channels = self.shape[0]
        if not (channels == len(self.mean) == len(self.std) and min(self.shape) > 0):
            raise InputError(
                f"KeptNetwork: shape must be (channels, height, width) with a mean and a std for each "
                f"channel. Got {self.shape}, {len(self.mean)} and {len(self.std)}."
            )
        if not (self.class_names and np.isfinite([*self.mean, *self.std]).all()):
            raise InputError("KeptNetwork: class_names, or a finite mean or std, is missing.")
        if self.temperature is not None and not 0 < self.temperature < np.inf:
            raise InputError(
                f"KeptNetwork: temperature must be positive and finite. Got {self.temperature}."
            )


@dataclass(frozen=True)
class Trained:
    """A trained network, and what its inputs and outputs mean."""

    network: nn.Module
    kept: KeptNetwork

    def predict(
        self,
        images: npt.NDArray[np.uint8],
        *,
        views: Views = "plain",
        device: str = "cpu",
        on_progress: Callable[[int, int], None] | None = None,
    ) -> npt.NDArray[np.float64]:
        """Return the probability of each class, shape (n, n_classes).

        They are calibrated on the validation images where `temperature` is not None.

        Raises
        ------
        RunError
            If an output is not finite: it is no probability.
        """
        logits = self.logits(images, views=views, device=device, on_progress=on_progress)
        if not bool(logits.isfinite().all()):
            raise RunError(
                "predict: the network's outputs on these pictures are not finite, so they say "
                "nothing. Train it anew, at a lower rate."
            )
        temperature = self.temperature(views) or 1.0
        probabilities: npt.NDArray[np.float64] = (logits.double() / temperature).softmax(1).numpy()
        return probabilities

    def logits(
        self,
        images: npt.NDArray[np.uint8],
        *,
        views: Views = "plain",
        device: str = "cpu",
        on_progress: Callable[[int, int], None] | None = None,
    ) -> Tensor:
        """Return the network's outputs, shape (n, n_classes), as they are; of more the first."""
        found = predict_logits(
            self.network.to(device),
            images,
            self.kept.mean,
            self.kept.std,
            views=views,
            device=device,
            on_progress=on_progress,
        )
        return found[:, : len(self.kept.class_names)]

    def temperature(self, views: Views) -> float | None:
        """Return what the logits are divided by: of single views, with which it was fitted."""
        return self.kept.temperature if views == "plain" else None


def keep_network(
    run: Run,
    member: int,
    network: nn.Module,
    config: NetworkConfig,
    source: ImageSource,
    data: ImageDataset,
    code: str,
) -> None:
    """Save a trained network as number ``member`` of a run."""
    temperature = fit_kept_temperature(network, data)
    keep_weights(run, member, save(weights_of(network)), config, source, data, temperature, code)


def weights_of(network: nn.Module) -> dict[str, Tensor]:
    """Return a network's weights and buffers as safetensors takes them: none shares memory."""
    return {
        name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, value in network.state_dict().items()
    }


def keep_weights(
    run: Run,
    member: int,
    weights: bytes,
    config: NetworkConfig,
    source: ImageSource,
    data: ImageDataset,
    temperature: float | None,
    code: str,
) -> None:
    """Save a trained network's weights, as safetensors, as number ``member`` of a run.

    ``code`` is the fingerprint of the source when it was built: the file may have been edited since.
    """
    run.save_file(weights_file(member), weights)
    run.save(
        KeptNetwork(
            config,
            source,
            data.class_names,
            data.shape,
            data.mean,
            data.std,
            code,
            temperature,
            data.reading.scale,
        ),
        part=str(member),
    )


def load_trained(run: Run, member: int = 0, model: str | None = None) -> Trained:
    """Load the network that a run has trained.

    Parameters
    ----------
    run : Run
        Of ``images-train``, ``images-compare`` or ``images-fast``.
    member : int, default=0
        Which of its trainings, in the order of its table.
    model : str, optional
        The network of the user's own that was trained, by name, which runs its code: a run folder
        alone never says what is run.

    Raises
    ------
    InputError
        If it has none of that number.
    RunError
        If a network of the user's own is not named, or other code than the present trained it: in
        the present network its weights might be another function.
    """
    kept = read_kept(run, member, model)
    weights, config = _weights(run, member), kept.network
    ours = not is_named(config.model)
    try:
        # of ours no memory is taken for sizes that the weights do not have
        with torch.device("meta") if ours else nullcontext():
            network = empty_network(config, len(kept.class_names), kept.shape)
        found = load(weights)
        if ours and _types(network.state_dict()) != _types(found):
            raise TypeError("other names, or numbers of other types")
        network.load_state_dict(found, assign=ours)
    except InputError:
        raise
    except Exception as error:
        raise RunError(f"run {run.id}: its weights fit no such network. Train it anew.") from error
    return Trained(network, kept)


def read_kept(run: Run, member: int = 0, model: str | None = None) -> KeptNetwork:
    """Read what is kept of a trained network beside its weights, without building it.

    Parameters
    ----------
    run, member, model
        As of `load_trained`.

    Returns
    -------
    KeptNetwork
        Its network is named as ``model`` names it.

    Raises
    ------
    InputError, RunError
        As of `load_trained`: also if a network of the user's own is not named, or was edited.
    """
    if run.is_older:
        raise RunError(f"{run.older_note}. Train it anew before it is looked at.")
    _require_weights(run, member)
    kept = run.load(KeptNetwork, part=str(member))
    return replace(kept, network=_checked_config(run, kept, model))


def _types(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.dtype]:
    return {name: value.dtype for name, value in weights.items()}


def _checked_config(run: Run, kept: KeptNetwork, model: str | None) -> NetworkConfig:
    """Require the user's word for code of the user's own, and that it is what was trained."""
    own = kept.network.model
    if not is_named(own):
        if model not in (None, own):
            raise InputError(f"run {run.id} has trained {own}, not {model}. Leave model out.")
        return kept.network
    if model is None:
        raise RunError(
            f"run {run.id} has trained a network of your own, {own}. Name it again, which runs its "
            f"code: --model {own} (in Python model={own!r})."
        )
    if model.rpartition(":")[2] != own.rpartition(":")[2] or named_digest(model) != kept.code:
        raise RunError(
            f"run {run.id}: {model} is not the code that it has trained ({own}). Name that, as it was, "
            "or train it anew."
        )
    return replace(kept.network, model=model)


def weights_digest(run: Run, member: int = 0) -> str:
    """Return the sha256 of the weights that a run holds under a number."""
    return hashlib.sha256(_weights(run, member)).hexdigest()


def fit_kept_temperature(network: nn.Module, data: ImageDataset) -> float | None:
    """Fit the temperature on the images that were held out; None where they show none.

    They are too few, the network has no answers, or every image is right: the lower the likelier then.
    """
    labels = data.validation_labels
    if len(labels) < FEWEST_TO_CALIBRATE:
        return None
    device = next((p.device for p in network.parameters()), "cpu")
    logits = predict_logits(network, data.images("validation"), data.mean, data.std, device=device)
    logits = logits[:, : data.n_classes]
    if not bool(logits.isfinite().all()):
        return None
    found = fit_temperature(logits.numpy(), labels)
    return None if found == TEMPERATURES[0] else found


def _weights(run: Run, member: int) -> bytes:
    _require_weights(run, member)
    return run.read_file(weights_file(member))


def _require_weights(run: Run, member: int) -> None:
    if not run.holds(weights_file(member)):
        raise InputError(
            f"run {run.id} holds no trained network number {member}. Name a finished run of "
            "'images train', 'images compare' or 'images fast'."
        )
