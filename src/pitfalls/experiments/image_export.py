"""A trained network leaves its run as one file: pictures as bytes in, probabilities out."""

import copy
import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from pitfalls.errors import InputError, PitfallsError, RunError, needs_extra
from pitfalls.experiments.image_trained import KeptNetwork, Trained, load_trained, weights_of
from pitfalls.images.networks import input_dtype, logits_of
from pitfalls.runs import Run

__all__ = ["Deployed", "Exported", "NetworkFormat", "export_network"]

NetworkFormat = Literal["onnx", "torch", "safetensors"]

ENDINGS = {"onnx": ".onnx", "torch": ".pt2", "safetensors": ".safetensors"}
CHECKED = 100  # pictures
AGREE = 1e-4
"""Largest difference of a probability from the run's own: float32 sums in another order."""

Predict = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


@dataclass(frozen=True)
class Exported:
    """A file that a network became, after it was compared with the run's own predictions.

    Attributes
    ----------
    path : Path
    n : int
        Pictures that were compared.
    pictures : str
        Which.
    difference : float
        Largest difference of a probability.
    """

    path: Path
    n: int
    pictures: str
    difference: float


class Deployed(nn.Module):
    """A network with all that its inputs and outputs need: bytes (B, C, H, W) to probabilities (B, K)."""

    mean: Tensor
    std: Tensor

    def __init__(self, trained: Trained) -> None:
        super().__init__()
        kept = trained.kept
        self.network = trained.network.eval()
        self.n_classes = len(kept.class_names)
        self.temperature = kept.temperature or 1.0
        self.dtype = input_dtype(trained.network)
        # on the scale of bytes, as the training normalises
        self.register_buffer("mean", torch.tensor(kept.mean)[:, None, None] * 255)
        self.register_buffer("std", torch.tensor(kept.std)[:, None, None] * 255)

    def forward(self, images: Tensor) -> Tensor:
        """Map pictures as bytes to probabilities."""
        x = ((images.float() - self.mean) / self.std).to(self.dtype)
        logits = logits_of(self.network(x), self.n_classes, "export").float()
        return (logits[:, : self.n_classes] / self.temperature).softmax(1)


def export_network(
    run: Run, to: NetworkFormat, folder: Path, *, member: int = 0, model: str | None = None
) -> Exported:
    """Write a trained network into a file, read it again and compare it with the run's predictions.

    Parameters
    ----------
    run : Run
        Of ``images-train``, ``images-compare`` or ``images-fast``.
    to : {"onnx", "torch", "safetensors"}
        A model for ONNX Runtime; a program for `torch.export.load`; or the weights alone, with the
        preprocessing in the file's metadata. Each names the classes.
    folder : Path
        Where the file goes, named like the run.
    member : int, default=0
        Which of the run's trainings.
    model : str, optional
        A network of the user's own, named again: its code is run.

    Raises
    ------
    InputError
        If there is such a file, or the extra for it is not installed.
    RunError
        If the file does not predict what the run predicts; it is removed.
    """
    trained = load_trained(run, member, model)
    target = folder / f"{run.path.name}-{member}{ENDINGS[to]}"
    if target.exists():
        raise InputError(f"export: {target} exists. Remove it or name another folder.")
    images, pictures = _pictures(trained.kept)
    write = {"onnx": _write_onnx, "torch": _write_torch, "safetensors": _write_safetensors}[to]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of exporters, about themselves
            predict = write(trained, target)
            found = predict(images)
        difference = float(np.abs(found - trained.predict(images)).max())
        if not difference <= AGREE:
            raise RunError(
                f"export: the file's probabilities differ from the run's by {difference:.2g} on "
                f"{pictures}, more than {AGREE:g}. Choose another form."
            )
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return Exported(target, len(images), pictures, difference)


def _pictures(kept: KeptNetwork) -> tuple[NDArray[np.uint8], str]:
    """Return pictures to compare on: test images of the run's data, or noise if those are gone."""
    try:
        images = kept.source.load().test_images[:CHECKED]
        return images, f"{len(images)} test images of {kept.source.name}"
    except PitfallsError:
        noise = np.random.default_rng(0).integers(0, 256, (CHECKED, *kept.shape), dtype=np.uint8)
        return noise, f"{CHECKED} pictures of noise, as the run's own data are not where they were"


def _facts(kept: KeptNetwork) -> dict[str, str]:
    """Return what a user of the file must know, as texts."""
    return {
        "class_names": json.dumps(kept.class_names, ensure_ascii=False),
        "shape": json.dumps(kept.shape),
        "mean": json.dumps(kept.mean),
        "std": json.dumps(kept.std),
        "temperature": json.dumps(kept.temperature or 1.0),
        "input": "pictures as bytes, (n, channels, height, width)",
        "black_and_white": json.dumps(kept.scale.ends),  # the stored numbers that became 0 and 255
    }


def _example(kept: KeptNetwork) -> tuple[Tensor, dict[str, Any]]:
    images = torch.zeros(2, *kept.shape, dtype=torch.uint8)
    return images, {"images": {0: torch.export.Dim.DYNAMIC}}


def _write_torch(trained: Trained, target: Path) -> Predict:
    images, shapes = _example(trained.kept)
    program = torch.export.export(Deployed(trained), (images,), dynamic_shapes=shapes)
    facts = json.dumps(_facts(trained.kept), ensure_ascii=False)
    torch.export.save(program, target, extra_files={"facts.json": facts})
    loaded = torch.export.load(target).module()

    def predict(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        with torch.no_grad():
            return np.asarray(loaded(torch.tensor(images)).numpy())

    return predict


def _write_onnx(trained: Trained, target: Path) -> Predict:
    with needs_extra("onnx", "export to ONNX"):
        import onnx
        import onnxruntime
        import onnxscript  # noqa: F401  the exporter needs it
    images, shapes = _example(trained.kept)
    torch.onnx.export(
        Deployed(trained),
        (images,),
        target,
        dynamo=True,
        dynamic_shapes=shapes,
        input_names=["images"],
        output_names=["probabilities"],
        external_data=False,
        verbose=False,
    )
    model = onnx.load(target)
    onnx.helper.set_model_props(model, _facts(trained.kept))
    onnx.save(model, target)
    session = onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"])

    def predict(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.asarray(session.run(None, {"images": images})[0])

    return predict


def _write_safetensors(trained: Trained, target: Path) -> Predict:
    kept = trained.kept
    facts_of_it = _facts(kept) | {"network": repr(kept.network)}
    save_file(weights_of(trained.network), target, metadata=facts_of_it)
    network = copy.deepcopy(trained.network)
    for tensor in network.state_dict().values():
        tensor.zero_()  # every number comes from the file
    with safe_open(target, framework="pt") as file:
        facts = {name: json.loads(file.metadata()[name]) for name in ("mean", "std", "temperature")}
        network.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
    read = KeptNetwork(
        kept.network, kept.source, kept.class_names, kept.shape,
        tuple(facts["mean"]), tuple(facts["std"]), kept.code, facts["temperature"],
        kept.scale,
    )  # fmt: skip
    deployed = Deployed(Trained(network, read))

    def predict(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        with torch.no_grad():
            return np.asarray(deployed(torch.tensor(images)).numpy())

    return predict
