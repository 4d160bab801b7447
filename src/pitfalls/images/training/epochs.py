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
    """

    def __init__(self, model: nn.Module) -> None:
        self.called = self._model = model
        self._epoch: int | None = None
        self._trained: tuple[str, ...] | None = None

    def begin(self, epoch: int) -> None:
        """Before an epoch's first step, call the model's ``set_epoch`` if it has one.

        Processes then share the gradients of what is trained in this epoch.
        """
        if epoch == self._epoch:
            return
        self._epoch = epoch
        before, self._trained = self._trained, _set_epoch(unwrapped(self._model), epoch)
        if world().size > 1 and self._trained != before:
            self.called = self._model  # the old one's hooks go before there are new ones
            self.called = nn.parallel.DistributedDataParallel(self._model)
            self.called.train()  # type: ignore[no-untyped-call]


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
