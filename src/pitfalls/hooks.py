"""Whether something of its own runs before or after a module's forward pass."""

from torch import nn
from torch.nn.modules import module as everywhere

__all__ = ["is_hooked"]


def is_hooked(module: nn.Module) -> bool:
    """Whether a forward hook, of the module or of all modules, may change what it is given or gives."""
    return any((
        module._forward_hooks,
        module._forward_pre_hooks,
        everywhere._global_forward_hooks,
        everywhere._global_forward_pre_hooks,
    ))  # fmt: skip
