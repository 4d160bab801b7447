"""Look at a trained network: what it confuses, how sure it is, what it gets most wrong."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from safetensors.torch import load
from torch import nn

from pitfalls.errors import InputError, RunError
from pitfalls.experiments.image_networks import NetworkConfig, empty_network
from pitfalls.experiments.image_source import ImageSource
from pitfalls.experiments.registry import experiment
from pitfalls.images.data import DataConfig
from pitfalls.images.training.evaluation import Views, evaluate, predict_logits
from pitfalls.progress import Progress
from pitfalls.runs import NOT_IDENTITY, Run, RunStore

__all__ = ["EvaluateConfig", "Trained", "evaluate_network", "evaluation_of", "load_trained"]

GALLERY = 24  # pictures of the worst mistakes


@dataclass(frozen=True)
class EvaluateConfig:
    """Which trained network, on which part of its data.

    Attributes
    ----------
    trained_run : str
        Id of the run that trained it.
    weights_sha256 : str
        Which weights it must have; empty: whatever that run holds.
    member : int
        Which of the run's trainings.
    trained_folder : str
        The run's folder; empty: beside this one.
    """

    trained_run: str
    weights_sha256: str = ""
    member: int = 0
    part: Literal["validation", "test"] = "test"
    views: Views = "plain"
    trained_folder: str = field(default="", metadata=NOT_IDENTITY)
    device: str = field(default="cpu", metadata=NOT_IDENTITY)


@dataclass(frozen=True)
class Trained:
    """A trained network and what its inputs and outputs mean.

    Attributes
    ----------
    network : Module
    class_names : tuple of str
    shape : (int, int, int)
        Channels, height and width of the images it was trained on.
    mean, std : tuple of float
    """

    network: nn.Module
    class_names: tuple[str, ...]
    shape: tuple[int, int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def predict(
        self,
        images: npt.NDArray[np.uint8],
        *,
        views: Views = "plain",
        device: str = "cpu",
        on_progress: Callable[[int, int], None] | None = None,
    ) -> npt.NDArray[np.float64]:
        """Return the probability of each class, shape (n, n_classes)."""
        logits = predict_logits(
            self.network.to(device),
            images,
            self.mean,
            self.std,
            views=views,
            device=device,
            on_progress=on_progress,
        )
        probabilities: npt.NDArray[np.float64] = logits.double().softmax(1).numpy()
        return probabilities


def load_trained(run: Run, member: int = 0) -> Trained:
    """Load the network that a run has trained.

    Parameters
    ----------
    run : Run
        Of ``images-train``, ``images-compare`` or ``images-fast``.
    member : int, default=0
        Which of its trainings, in the order of its table.
    """
    if run.is_older:  # its weights in the present network might be another function
        raise RunError(f"{run.older_note}. Train it anew before it is looked at.")
    weights = _weights(run, member)
    results = run.results()
    stored = run.config["network"]
    network = empty_network(
        NetworkConfig(stored["kind"], tuple(stored["widths"])),
        len(results["class_names"]),
        results["shape"][0],
    )
    try:
        network.load_state_dict(load(weights))
    except Exception as error:
        raise RunError(f"run {run.id}: its weights fit no such network. Train it anew.") from error
    channels, height, width = results["shape"]
    return Trained(
        network,
        tuple(results["class_names"]),
        (channels, height, width),
        tuple(results["mean"]),
        tuple(results["std"]),
    )


def evaluation_of(
    run: Run,
    *,
    member: int = 0,
    part: Literal["validation", "test"] = "test",
    views: Views = "plain",
    device: str = "cpu",
) -> EvaluateConfig:
    """Return the config that evaluates what a run has trained."""
    digest = hashlib.sha256(_weights(run, member)).hexdigest()
    return EvaluateConfig(run.id, digest, member, part, views, str(run.path), device)


@experiment("images-evaluate")
def evaluate_network(config: EvaluateConfig, run: Run, progress: Progress) -> None:
    """Evaluate a trained network; keep its worst mistakes as pictures in the run folder."""
    trained_run = RunStore(run.path.parents[1]).find(config.trained_folder or config.trained_run)
    network = load_trained(trained_run, config.member).network
    digest = hashlib.sha256(_weights(trained_run, config.member)).hexdigest()
    if config.weights_sha256 not in ("", digest):
        raise RunError(
            f"evaluate: run {trained_run.id} was trained anew meanwhile. Give the command again."
        )
    data = _source(trained_run).load()
    for warning in data.warnings:
        run.warn(warning)
    images, labels = data.images(config.part), data.labels(config.part)
    if len(labels) == 0:
        raise InputError(f"evaluate: the data have no {config.part} set. Choose the other part.")
    with progress("evaluate", unit="images") as advance:
        logits = predict_logits(
            network.to(config.device),
            images,
            data.mean,
            data.std,
            views=config.views,
            device=config.device,
            on_progress=advance,
        )
    result = evaluate(logits, labels)
    worst = result.mistakes[:GALLERY]
    run.save_arrays(
        "evaluation",
        confusion=result.confusion,
        class_accuracy=result.class_accuracy,
        bin_confidence=result.bin_confidence,
        bin_accuracy=result.bin_accuracy,
        bin_count=result.bin_count,
        predictions=result.predictions,
        confidences=result.confidences,
        labels=labels,
        indices=data.indices(config.part),
        mistakes=data.indices(config.part)[result.mistakes],
        worst_images=images[worst],
        worst_labels=labels[worst],
        worst_predictions=result.predictions[worst],
        worst_confidences=result.confidences[worst],
    )
    run.save_results(
        {
            "data": data.name,
            "part": config.part,
            "views": config.views,
            "trained_run": trained_run.id,
            "n": len(labels),
            "class_names": data.class_names,
            "accuracy": result.accuracy,
            "loss": result.loss,
            "calibration_error": result.calibration_error,
            "class_accuracy": [None if np.isnan(a) else a for a in result.class_accuracy],
            "confused_most": _confused_most(result.confusion, data.class_names),
        }
    )


def _source(run: Run) -> ImageSource:
    """Return the pictures that a run was about."""
    stored = run.config["source"]
    asked: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in stored["config"].items()
    }
    return ImageSource(**{**stored, "config": DataConfig(**asked)})


def _confused_most(
    confusion: npt.NDArray[np.int64], names: Sequence[str], n: int = 5
) -> list[dict[str, Any]]:
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:n]
    pairs = [divmod(int(cell), len(names)) for cell in order]
    return [
        {"true": names[i], "predicted": names[j], "images": int(wrong[i, j])}
        for i, j in pairs
        if wrong[i, j]
    ]


def _weights(run: Run, member: int) -> bytes:
    name = f"weights-{member}.safetensors"
    if "network" not in run.config or not run.holds(name):
        raise InputError(
            f"run {run.id} holds no trained network number {member}. Name a finished run of "
            "'images train', 'images compare' or 'images fast'."
        )
    return run.read_file(name)
