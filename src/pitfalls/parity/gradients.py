"""Gradients of a network's output at many inputs, reduced at once to the sums the signal needs."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from pitfalls.errors import InputError
from pitfalls.parity.loss import Loss
from pitfalls.parity.network import TwoLayerReLU

__all__ = ["BatchGradients", "batch_gradients", "gradient_at", "network_outputs"]


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


def network_outputs(network: nn.Module, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
    """Evaluate any module that gives one number an input, as shape (n,) whether or not it squeezes."""
    outputs: Tensor = network(x)
    if outputs.numel() != len(x):
        raise InputError(
            f"network_outputs: the network must give one number an input. Got outputs of shape "
            f"{tuple(outputs.shape)} for {len(x)} inputs."
        )
    return outputs.reshape(len(x))


def _per_sample(network: nn.Module) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """Return x -> (gradients (n, P), outputs (n,)) by vectorised reverse mode."""
    parameters = {name: p.detach() for name, p in network.named_parameters()}
    buffers = dict(network.named_buffers())

    def output(values: dict[str, Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
        f = functional_call(network, (values, buffers), (x[None],)).reshape(())
        return f, f

    derive = vmap(grad(output, has_aux=True), in_dims=(None, 0))

    def gradients(x: Tensor) -> tuple[Tensor, Tensor]:
        parts, outputs = derive(parameters, x)
        return torch.cat([parts[name].flatten(1) for name in parameters], dim=1), outputs.detach()

    return gradients


@torch.no_grad()
def batch_gradients(network: nn.Module, loss: Loss, x: Float[Tensor, "n d"]) -> BatchGradients:
    """Evaluate f and reduce its per-sample gradients at inputs in {0, 1}^d.

    The homework's network goes by its closed form, in O(nk) memory; any other module by
    ``torch.func``, in O(nP).
    """
    if isinstance(network, TwoLayerReLU):
        z: Tensor = network.hidden(x)  # (n, k)
        alpha = network.output.weight[0]
        value = torch.relu(z)
        outputs = value @ alpha + network.output.bias
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
    gradients, outputs = _per_sample(network)(x)
    even, odd = loss.weights(outputs)
    return BatchGradients(outputs, even, odd, gradients.square().sum(1), even @ gradients)


@torch.no_grad()
def gradient_at(network: nn.Module, x: Float[Tensor, "n d"]) -> Float[Tensor, "n P"]:
    """Gradient of f in all parameters at every input."""
    if isinstance(network, TwoLayerReLU):
        return network.per_sample_gradient(x)
    return _per_sample(network)(x)[0]
