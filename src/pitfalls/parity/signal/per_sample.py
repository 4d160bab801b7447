"""Gradients of a network's output at many inputs, reduced at once to the sums the signal needs."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pitfalls.parity.loss import Loss
from pitfalls.parity.scalar_network import ScalarNetwork

__all__ = ["BatchGradients", "batch_gradients", "batch_size", "gradient_at"]

# numbers in one batch of per-sample gradients: 128 MB in float64
_BATCH_ELEMENTS = 1 << 24


@dataclass(frozen=True)
class BatchGradients:
    """What a batch of inputs says, with A and G the halves of the loss's slope (see ``loss``).

    Attributes
    ----------
    outputs, even, odd, squared_norm : Tensor of shape (n,)
        f, A(f), G(f) and |grad f|^2.
    even_sum : Tensor of shape (P,)
        Sum of A(f) grad f over the batch.
    """

    outputs: Float[Tensor, " n"]
    even: Float[Tensor, " n"]
    odd: Float[Tensor, " n"]
    squared_norm: Float[Tensor, " n"]
    even_sum: Float[Tensor, " P"]


def batch_size(network: ScalarNetwork) -> int:
    """Return how many inputs' gradients are formed at once, to bound memory."""
    wide = network.two_layer.n_hidden if network.two_layer is not None else network.n_parameters
    return max(1, _BATCH_ELEMENTS // wide)


@torch.no_grad()
def batch_gradients(network: ScalarNetwork, loss: Loss, x: Float[Tensor, "n d"]) -> BatchGradients:
    """Evaluate f and reduce its per-sample gradients at inputs in {0, 1}^d.

    The homework's network goes by its closed form, in O(nk) memory; any other module by
    ``torch.func``, in O(nP).
    """
    two_layer = network.two_layer
    if two_layer is not None:
        z: Tensor = two_layer.hidden(x)  # (n, k)
        alpha = two_layer.output.weight[0]
        value = torch.relu(z)
        outputs = value @ alpha + two_layer.output.bias
        even, odd = loss.weights(outputs)
        gate = (z > 0).to(z.dtype)
        norm = 1 + gate @ alpha.square() * (x.sum(-1) + 1) + value.square().sum(-1)
        gated = gate * even[:, None]  # (n, k)
        sums = [
            (alpha[:, None] * (gated.T @ x)).flatten(),
            alpha * gated.sum(0),
            even @ value,
            even.sum()[None],
        ]
        return BatchGradients(outputs, even, odd, norm, torch.cat(sums))
    gradients, outputs = network.gradients(x)
    even, odd = loss.weights(outputs)
    return BatchGradients(outputs, even, odd, gradients.square().sum(1), even @ gradients)


@torch.no_grad()
def gradient_at(network: ScalarNetwork, x: Float[Tensor, "n d"]) -> Float[Tensor, "n P"]:
    """Gradient of f at every input, in the parameters it runs over."""
    if network.two_layer is not None:
        return network.two_layer.per_sample_gradient(x)
    return network.gradients(x)[0]
