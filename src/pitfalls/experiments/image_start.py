"""The weights that a training starts from: drawn by its seed, or those of an earlier run."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pitfalls.errors import InputError
from pitfalls.frame import run_store
from pitfalls.runs import NOT_IDENTITY

if TYPE_CHECKING:
    from torch import nn

    from pitfalls.runs import Run

__all__ = [
    "Start",
    "StartOptions",
    "find_start",
    "start_from",
    "weights_file",
    "weights_recorded",
]


@dataclass(frozen=True)
class StartOptions:
    """Where to start.

    Parameters
    ----------
    start_from : str, optional
        A finished run of train, compare or fast whose weights to start from: its id, a part of it, or
        its folder (default: weights drawn by the seed).
    start_member : int
        Which of that run's trainings, counted from 0.
    """

    start_from: str | None = None
    start_member: int = 0

    def __post_init__(self) -> None:
        if self.start_from is None and self.start_member != 0:
            raise InputError(
                "StartOptions: start_member is of the run that start_from names. Got "
                f"{self.start_member} and no run; give --start-from as well."
            )


@dataclass(frozen=True)
class Start:
    """The weights of an earlier run; none where their hash is empty.

    Attributes
    ----------
    weights_sha256 : str
    folder : str
        Of the run that holds them.
    member : int
    """

    weights_sha256: str = ""
    folder: str = field(default="", metadata=NOT_IDENTITY)
    member: int = field(default=0, metadata=NOT_IDENTITY)


def weights_file(member: int) -> str:
    """Return the file that holds the weights of a run's training of that number."""
    return f"weights-{member}.safetensors"


def weights_recorded(run: "Run", member: int) -> str | None:
    """Return the sha256 of the weights as the run's manifest has it; None where it holds none."""
    recorded = run.manifest.files.get(weights_file(member))
    return None if recorded is None else str(recorded[1])


def find_start(asked: StartOptions) -> Start:
    """Look the run up, and fix which weights it holds."""
    if asked.start_from is None:
        return Start()
    from pitfalls.experiments.image_trained import weights_digest

    run = run_store().find(asked.start_from)
    return Start(weights_digest(run, asked.start_member), str(run.path), asked.start_member)


def start_from(start: Start, network: "nn.Module") -> tuple[str, ...]:
    """Overwrite a network's weights with those of an earlier run; return which it keeps as drawn.

    Tensors of the same name and shape are taken; a last layer for other classes stays as drawn.

    Raises
    ------
    InputError
        If the run has changed since, or none of its weights fits.
    """
    if not start.weights_sha256:
        return ()
    import torch
    from safetensors.torch import load

    from pitfalls.experiments.image_trained import weights_digest
    from pitfalls.runs import RunStore

    run = RunStore(Path(start.folder).parents[1]).find(start.folder)
    if weights_digest(run, start.member) != start.weights_sha256:
        raise InputError(
            f"start: run {run.id} was trained anew since. Give the command again, or other weights."
        )
    earlier = load(run.read_file(weights_file(start.member)))
    own = network.state_dict()
    fitting = {k: v for k, v in earlier.items() if k in own and own[k].shape == v.shape}
    if not fitting:
        raise InputError(
            f"start: none of the weights of run {run.id} fits this network. Start from a run of the "
            "same network."
        )
    with torch.no_grad():
        network.load_state_dict(fitting, strict=False)
    return tuple(name for name in own if name not in fitting)
