"""What a network looks at: integrated gradients of its answer, with the sum that they must have."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from pitfalls.display import Displayed
from pitfalls.errors import needs_extra
from pitfalls.images.networks import normalize
from pitfalls.images.networks.outputs import input_dtype, logits_of

__all__ = ["PixelAttribution", "attribute"]

BATCH = 64  # inputs at a time


@dataclass(frozen=True, repr=False)
class PixelAttribution(Displayed):
    """How much each pixel speaks for an answer.

    Attributes
    ----------
    maps : array of shape (n, H, W), float32
        In units of the logit; negative where a pixel speaks against the answer.
    logits : array of shape (n,)
        The answer's logit, less that of the mean picture.
    gaps : array of shape (n,)
        By how much the maps' sums miss it: the error of integrating along the path by so many steps.
    """

    maps: npt.NDArray[np.float32]
    logits: npt.NDArray[np.float64]
    gaps: npt.NDArray[np.float64]


def attribute(
    network: nn.Module,
    images: npt.NDArray[np.uint8],
    answers: npt.NDArray[np.int64],
    mean: Sequence[float],
    std: Sequence[float],
    *,
    steps: int = 64,
    device: torch.device | str = "cpu",
) -> PixelAttribution:
    """Say how much each pixel speaks for the answer, against a picture of the mean colour.

    Integrated gradients: the gradient of the answer's logit, averaged along the straight way from the
    mean picture to the image, times the difference of the two, added over the channels. They add up
    to the logit's difference.

    Parameters
    ----------
    network : nn.Module
        Maps normalised images to logits. Its mode is put back.
    images : array of shape (n, C, H, W), uint8
    answers : array of shape (n,), int
        The class whose logit is explained.
    mean, std : sequence of float
        Normalisation, one value a channel.
    steps : int, default=64
        Of the integration.
    device : device, default="cpu"
        Where the network is.

    Raises
    ------
    InputError
        If captum is not installed.

    References
    ----------
    Sundararajan, Taly, Yan. Axiomatic attribution for deep networks. ICML 2017.
    """
    with needs_extra("attribution", "attribution"):
        from captum.attr import IntegratedGradients
    dtype = input_dtype(network)

    def outputs(x: Tensor) -> Tensor:
        return logits_of(network(x.to(dtype)), 1, "attribution").float()

    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    maps, logits, gaps = [], [], []
    try:
        for k, answer in enumerate(answers.tolist()):
            # one image at a time: what is computed for one must not depend on those beside it
            x = normalize(torch.as_tensor(images[k : k + 1]).to(device), mean, std)
            found, gap = IntegratedGradients(outputs).attribute(
                x,
                torch.zeros_like(x),
                target=answer,
                n_steps=steps,
                internal_batch_size=BATCH,
                return_convergence_delta=True,
            )
            maps.append(found[0].sum(0).detach().float().cpu().numpy())
            gaps.append(float(gap))
            logits.append(float(found.double().sum()) - float(gap))
    finally:
        for module, training in modes:
            module.training = training
    shape = (len(images), *images.shape[2:])
    return PixelAttribution(
        np.array(maps, dtype=np.float32).reshape(shape), np.array(logits), np.abs(np.array(gaps))
    )
