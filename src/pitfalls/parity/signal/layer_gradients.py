"""How gradients shrink from layer to layer of a deep network (homework 3d).

Write z_l = W_l h_{l-1} + b_l, h_l = phi(z_l), h_0 = x, f = z_{L+1}, and delta_l for the derivative
of a sample's loss in z_l. Backpropagation is delta_l = phi'(z_l) * W_{l+1}^T delta_{l+1}, so with
c = max |phi'| (1/4 for the sigmoid) every layer multiplies the message by at most c ||W_{l+1}||_2:

    ||delta_l|| <= |delta_{L+1}| prod_{j > l} c ||W_j||_2                                     (1)

and, as dR/dW_l = E[delta_l h_{l-1}^T], by Cauchy and Schwarz

    ||dR/dW_l||_F <= rms ||h_{l-1}|| * rms ||delta_l||.                                       (2)

Both are inequalities for every network and every input, not estimates.
"""

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from pitfalls.display import Displayed
from pitfalls.errors import InputError
from pitfalls.parity.checks import require_finite
from pitfalls.parity.deep_network import ACTIVATIONS, DeepNetwork
from pitfalls.parity.loss import Loss, named_loss
from pitfalls.parity.network import is_plain
from pitfalls.parity.threads import one_torch_thread

if TYPE_CHECKING:
    from pitfalls.plots import Axes

__all__ = ["LayerGradients", "layer_gradients"]


@dataclass(frozen=True, eq=False, repr=False)
class LayerGradients(Displayed):
    """Gradients layer by layer, first layer first, the output layer last: L + 1 entries each.

    Attributes
    ----------
    gradient_norm : Tensor
        ||dR/dW_l||_F of the mean loss.
    gradient_bound : Tensor
        The right side of (2), with (1) for the message; never below ``gradient_norm``.
    message_norm : Tensor
        Root mean square over the inputs of ||delta_l||.
    message_bound : Tensor
        The right side of (1), root mean square; never below ``message_norm``.
    spectral_norm : Tensor
        ||W_l||_2.
    """

    gradient_norm: Float[Tensor, " layers"]
    gradient_bound: Float[Tensor, " layers"]
    message_norm: Float[Tensor, " layers"]
    message_bound: Float[Tensor, " layers"]
    spectral_norm: Float[Tensor, " layers"]

    TABLE = ("gradient_norm", "gradient_bound", "message_norm", "message_bound", "spectral_norm")

    def plot(self, ax: "Axes | None" = None) -> "list[Axes]":
        """Draw message and gradient of each layer, their bounds dashed and return the axes.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; its place is divided (default: a new figure).
        """
        from pitfalls.plots import draw_layers, drawing_on

        with drawing_on(ax, 2) as axes:
            for axis, what, norm, bound in zip(
                axes,
                (r"message $\|\delta_l\|$, rms", r"gradient $\|\partial R/\partial W_l\|_F$"),
                (self.message_norm, self.gradient_norm),
                (self.message_bound, self.gradient_bound),
                strict=True,
            ):
                draw_layers(axis, norm[None].numpy(), "measured")
                axis.plot(range(1, len(bound) + 1), bound, "--", label="bound by spectral norms")
                axis.set(yscale="log", ylabel=what)
                axis.legend()
        return list(axes)


@one_torch_thread()
def layer_gradients(
    network: DeepNetwork,
    x: Float[Tensor, "n d"],
    y: Float[Tensor, " n"],
    loss: Loss | None = None,
) -> LayerGradients:
    """Measure the gradient of the mean loss in each layer, beside its bound by spectral norms.

    Parameters
    ----------
    network : DeepNetwork
        Itself, without subclass or hooks, whose layers are the ones below. Not modified;
        differentiated in float64.
    x, y : Tensor of shape (n, d) and (n,)
        Inputs and labels; all 2^d inputs give the gradients of the risk itself.
    loss : Loss, optional
        Hinge by default.

    Raises
    ------
    InputError
        If the network computes something else than its layers say.
    DivergenceError
        If a gradient or a bound is not finite.

    Examples
    --------
    >>> from pitfalls.parity import ParityTask
    >>> task = ParityTask([1, 1, 0, 1, 0])
    >>> x = task.all_inputs()
    >>> network = DeepNetwork(5, [50] * 4, "sigmoid", seed=0)
    >>> seen = layer_gradients(network, x, task.labels(x))
    >>> bool((seen.gradient_norm <= seen.gradient_bound).all())
    True
    >>> bool(seen.message_norm[0] < seen.message_norm[-1] / 500)
    True

    The message shrinks from the last layer to the first; message and gradient stay below their bounds:

    .. plot::
       :include-source:

       from pitfalls.parity import DeepNetwork, ParityTask, layer_gradients

       task = ParityTask([1, 1, 0, 1, 0])
       x = task.all_inputs()
       network = DeepNetwork(5, [50] * 4, "sigmoid", seed=0)
       layer_gradients(network, x, task.labels(x)).plot()
    """
    loss = loss or named_loss("hinge")
    if not is_plain(network, DeepNetwork):
        raise InputError(
            "layer_gradients: network must be a DeepNetwork itself, without subclass, hooks or "
            f"exchanged layers. Got {type(network).__name__}."
        )
    network = copy.deepcopy(network).double()
    for part in network.modules():  # they act on what autograd hands on, not on f
        part._backward_hooks.clear()
        part._backward_pre_hooks.clear()
    h, y = x.double(), y.double()
    phi = ACTIVATIONS[network.activation][0]
    before, inputs = [], []  # z_l and h_{l-1}
    for layer in network.layers:
        inputs.append(h)
        z = layer(h)
        before.append(z)
        h = phi(z)
    per_sample = loss.per_sample(before[-1].squeeze(-1), y)
    messages = torch.autograd.grad(per_sample.sum(), before)
    with torch.no_grad():
        gradients = [delta.T @ h / len(x) for delta, h in zip(messages, inputs, strict=True)]
        norm = torch.stack([gradient.norm() for gradient in gradients])
        require_finite("layer_gradients", gradient_norm=norm.numpy())
        spectral = torch.stack(
            [torch.linalg.matrix_norm(layer.weight, 2) for layer in network.layers]
        )
        rms = torch.stack([_root_mean_square(delta) for delta in messages])
        size = torch.stack([_root_mean_square(h) for h in inputs])
        factor = torch.cat([network.steepest * spectral[1:], spectral.new_ones(1)])
        bound = rms[-1] * factor.flip(0).cumprod(0).flip(0)
        require_finite("layer_gradients", gradient_bound=(size * bound).numpy())
        return LayerGradients(
            gradient_norm=norm,
            gradient_bound=size * bound,
            message_norm=rms,
            message_bound=bound,
            spectral_norm=spectral,
        )


def _root_mean_square(rows: Float[Tensor, "n width"]) -> Float[Tensor, ""]:
    return rows.square().sum(1).mean().sqrt()
