"""What a network is told before an epoch, and which of its parameters are then trained."""

from torch import nn

from pitfalls.errors import InputError, PitfallsError
from pitfalls.images.training.distributed import world
from pitfalls.images.training.state import unwrapped

__all__ = ["CalledModel", "thaw"]


def thaw(model: nn.Module, epochs: int) -> None:
    """Let every parameter be trained that is in any epoch: of these the optimisers are made."""
    if not hasattr(model, "set_epoch"):
        return
    trained = {name for epoch in range(epochs) for name in _set_epoch(model, epoch)}
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name in trained)


class CalledModel:
    """A model as a step calls it: alone, or in `DistributedDataParallel`.

    Parameters
    ----------
    model : Module
        Compiled or not.

    Attributes
    ----------
    called : Module
    begun : bool
        Whether an epoch has begun.
    """

    def __init__(self, model: nn.Module) -> None:
        self.called = self._model = model
        self._trained: tuple[str, ...] | None = None

    @property
    def begun(self) -> bool:
        return self._trained is not None

    def begin(self, epoch: int) -> None:
        """Call the model's ``set_epoch``, if it has one; let processes share what is then trained."""
        before, self._trained = self._trained, _set_epoch(unwrapped(self._model), epoch)
        if world().size > 1 and self._trained != before:
            self.called = self._model  # the old one's hooks go before there are new ones
            self.called = nn.parallel.DistributedDataParallel(self._model)
            self.called.train()


def _set_epoch(model: nn.Module, epoch: int) -> tuple[str, ...]:
    """Tell a model the epoch; return the names of what is trained in it."""
    told = getattr(model, "set_epoch", None)
    if told is not None:
        try:
            told(epoch)
        except PitfallsError:
            raise
        except Exception as error:
            raise InputError(
                f"train: the model's set_epoch must take the epoch, from 0. set_epoch({epoch}) "
                f"failed with {type(error).__name__}: {error}."
            ) from error
    return tuple(name for name, p in model.named_parameters() if p.requires_grad)
