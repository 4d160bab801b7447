"""The homework's network: one hidden ReLU layer, one linear output, and its gradient by hand."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pitfalls.errors import InputError
from pitfalls.hooks import is_hooked
from pitfalls.integers import as_integer, require_integer

__all__ = ["TwoLayerReLU", "is_plain"]

_PARAMETERS = ["hidden.weight", "hidden.bias", "output.weight", "output.bias"]


def is_plain(network: nn.Module, kind: type[nn.Module]) -> bool:
    """Whether a network is of exactly this class and its own forward pass decides its outputs.

    Subclasses, forward hooks, parametrisations, exchanged layers and an overwritten ``forward``
    all make it another function.
    """
    return type(network) is kind and all(
        type(part) in (kind, nn.Linear, nn.ModuleList)
        and not is_hooked(part)
        and "forward" not in vars(part)
        for part in network.modules()
    )


class TwoLayerReLU(nn.Module):
    """f(x) = sum_i alpha_i max(0, w_i . x + b_i) + beta.

    Parameters
    ----------
    n_features : int
        d, the number of inputs.
    n_hidden : int
        k, the number of hidden units. The homework takes k = 10 d.
    seed : int or torch.Generator, optional
        Where the initial weights come from: PyTorch's default for ``nn.Linear``, uniform on
        +-1/sqrt(fan-in), drawn in the order w, b, alpha, beta. By default PyTorch's global
        generator; a seed gives the same bits as ``torch.manual_seed(seed)`` before two
        ``nn.Linear``.
    dtype : torch.dtype, optional
        Type of the parameters.

    Examples
    --------
    >>> network = TwoLayerReLU(3, 30, seed=0)
    >>> network(torch.zeros(5, 3)).shape
    torch.Size([5])
    >>> network.flat_parameters().shape      # dk + 2k + 1
    torch.Size([151])
    """

    def __init__(
        self,
        n_features: int,
        n_hidden: int,
        *,
        seed: int | torch.Generator | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.n_features = require_integer("TwoLayerReLU", "n_features", n_features, 1)
        self.n_hidden = require_integer("TwoLayerReLU", "n_hidden", n_hidden, 1)
        # built without values, so that the global generator is not touched
        self.hidden = nn.Linear(self.n_features, self.n_hidden, device="meta", dtype=dtype)
        self.output = nn.Linear(self.n_hidden, 1, device="meta", dtype=dtype)
        self.to_empty(device="cpu")
        self.reset_parameters(seed)

    def reset_parameters(self, seed: int | torch.Generator | None = None) -> None:
        """Draw all parameters anew, as ``nn.Linear`` does."""
        number = as_integer(seed)
        generator = seed if number is None else torch.Generator().manual_seed(number)
        if not (generator is None or isinstance(generator, torch.Generator)):
            raise InputError(
                f"TwoLayerReLU: seed must be an integer or a torch.Generator. Got {seed!r} instead."
            )
        for layer in (self.hidden, self.output):
            nn.init.kaiming_uniform_(layer.weight, a=math.sqrt(5), generator=generator)
            bound = 1 / math.sqrt(layer.in_features)
            nn.init.uniform_(layer.bias, -bound, bound, generator=generator)

    @property
    def n_parameters(self) -> int:
        """Length of the parameter vector, dk + 2k + 1."""
        return self.n_hidden * (self.n_features + 2) + 1

    @property
    def is_plain(self) -> bool:
        """Whether f is what this class says: no subclass, hook, parametrisation or other layer."""
        d, k = self.n_features, self.n_hidden
        shapes = [tuple(parameter.shape) for parameter in self.parameters()]
        names = [name for name, _ in self.named_parameters()]
        expected = [(k, d), (k,), (1, k), (1,)]
        return is_plain(self, TwoLayerReLU) and names == _PARAMETERS and shapes == expected

    def _require_plain(self, who: str) -> None:
        if not self.is_plain:
            raise InputError(
                f"{who}: the closed form holds for a TwoLayerReLU itself, without subclass, hooks "
                "or exchanged layers. Use torch.func for this one."
            )

    def forward(self, x: Float[Tensor, "*batch {self.n_features}"]) -> Float[Tensor, "*batch"]:
        """Evaluate f. The output has no trailing axis, so it meets labels of shape (n,)."""
        values: Tensor = self.output(torch.relu(self.hidden(x)))
        return values.squeeze(-1)

    def flat_parameters(self) -> Float[Tensor, " P"]:
        """Return p = [w_1, ..., w_k, b, alpha, beta], the homework's order; a detached copy."""
        return nn.utils.parameters_to_vector(self.parameters()).detach().clone()

    def load_flat(self, p: Float[Tensor, " P"]) -> "TwoLayerReLU":
        """Set all parameters from a vector in the homework's order; returns the network.

        Raises
        ------
        InputError
            If p has another length or holds NaN or infinity.
        """
        if p.shape != (self.n_parameters,):
            raise InputError(
                f"load_flat: p must be of shape ({self.n_parameters},), that is dk + 2k + 1 with "
                f"d = {self.n_features}, k = {self.n_hidden}. Got {tuple(p.shape)} instead."
            )
        if not bool(torch.isfinite(p).all()):
            raise InputError("load_flat: p holds NaN or infinity. Load finite parameters.")
        with torch.no_grad():
            start = 0
            for parameter in self.parameters():
                size = parameter.numel()
                parameter.copy_(p[start : start + size].view_as(parameter))
                start += size
        return self

    @torch.no_grad()
    def per_sample_gradient(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n P"]:
        """Gradient of f(x) in p for every input, in closed form (homework 3c(i)).

        The derivatives are alpha_i 1{z_i > 0} x in w_i, alpha_i 1{z_i > 0} in b_i,
        max(0, z_i) in alpha_i and 1 in beta, with z_i = w_i . x + b_i.

        Returns
        -------
        Tensor of shape (n, dk + 2k + 1)
            Columns in the order of :meth:`flat_parameters`.
        """
        self._require_plain("per_sample_gradient")
        z = self.hidden(x)  # (n, k)
        bias = self.output.weight * (z > 0)  # (n, k)
        weight = bias[:, :, None] * x[:, None, :]  # (n, k, d)
        return torch.cat([weight.flatten(1), bias, torch.relu(z), x.new_ones(len(x), 1)], dim=1)

    @torch.no_grad()
    def gradient_squared_norm(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """Squared norm of the gradient of f in p at inputs in {0, 1}^d, without forming it.

        1 + sum_i [alpha_i^2 1{z_i > 0} (|x|^2 + 1) + max(0, z_i)^2].
        """
        self._require_plain("gradient_squared_norm")
        z: Tensor = self.hidden(x)  # (n, k)
        gates = (z > 0).to(z.dtype) @ self.output.weight[0].square()  # (n,)
        return 1 + gates * (x.square().sum(-1) + 1) + torch.relu(z).square().sum(-1)
