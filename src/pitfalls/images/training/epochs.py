"""What a network is told before an epoch, and what of it the processes then share."""

from torch import nn

from pitfalls.errors import InputError, PitfallsError
from pitfalls.generators import seed_torch
from pitfalls.images.training.augmentation import derived_seed
from pitfalls.images.training.distributed import world
from pitfalls.images.training.state import unwrapped

__all__ = ["CalledModel"]


class CalledModel:
    """A model as a step calls it: alone, or in `DistributedDataParallel`.

    Parameters
    ----------
    model : Module
        Compiled or not.
    seed : int
        The run's: what ``set_epoch`` draws follows from it and the epoch.

    Attributes
    ----------
    called : Module
    """

    def __init__(self, model: nn.Module, seed: int) -> None:
        self.called = self._model = model
        self._seed = seed
        self._told = 0  # epochs that the model was told
        self._trained: tuple[str, ...] | None = None

    def catch_up(self, epochs: int) -> None:
        """Tell a model, before its kept weights are put back, the epochs that its run has begun."""
        for epoch in range(self._told, epochs):
            self._tell(epoch)

    def begin(self, epoch: int) -> None:
        """Before an epoch's first step, call the model's ``set_epoch`` if it has one.

        Processes then share the gradients of what is trained in this epoch.
        """
        if epoch < self._told and self._trained is not None:
            return
        self.catch_up(epoch + 1)
        inner = unwrapped(self._model)
        before, self._trained = self._trained, _trained(inner)
        if not self._trained:
            raise InputError(
                f"train: in epoch {epoch}, from 0, no parameter of the model requires a gradient. "
                "Let its set_epoch leave some."
            )
        if world().size > 1 and self._trained != before:
            self.called = self._model  # the old one's hooks go before there are new ones
            self.called = nn.parallel.DistributedDataParallel(self._model)
            self.called.train()  # type: ignore[no-untyped-call]

    def _tell(self, epoch: int) -> None:
        model = unwrapped(self._model)
        self._told = epoch + 1
        if (told := getattr(model, "set_epoch", None)) is None:
            return
        before = set(model.parameters())
        seed_torch(derived_seed(self._seed, "epoch", epoch))
        try:
            told(epoch)
        except PitfallsError:
            raise
        except Exception as error:
            raise InputError(
                f"train: the model's set_epoch must take the epoch, from 0. set_epoch({epoch}) "
                f"failed with {type(error).__name__}: {error}."
            ) from error
        if set(model.parameters()) != before:
            raise InputError(
                f"train: set_epoch({epoch}) exchanged parameters, which no optimizer knows. Make "
                "them all when the model is made, and let set_epoch freeze or leave out some."
            )


def _trained(model: nn.Module) -> tuple[str, ...]:
    return tuple(name for name, p in model.named_parameters() if p.requires_grad)
