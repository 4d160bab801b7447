"""A small network that learns CIFAR-10 in minutes, and its recipes."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from pitfalls.errors import InputError
from pitfalls.images.data import ImageDataset
from pitfalls.images.networks.inputs import normalize

__all__ = ["FastNet", "whitening_filters"]

PATCH = 2  # pixels, the side of the whitening filters
WHITENING_IMAGES = 5000
WHITENING_EPS = 5e-4
DEAD = 1e-6  # of the largest variance: photographs lie far above it, rounding errors far below


class FastNet(nn.Module):
    """Whitened 2×2 patches, then three groups of two 3×3 convolutions.

    The first layer's weights are fixed: they map each 2×2 patch to its principal coordinates of unit
    variance and their negatives. Call `fit_whitening` on the training set before training. Convolutions
    have no bias and start as the identity on their first input channels, batch normalisation learns a
    shift but no gain, and the logits are divided by the width.

    Parameters
    ----------
    n_classes, in_channels : int
        Outputs; channels of the images.
    widths : (int, int, int)
        Channels of the three groups.
    bias_epochs : int, optional
        Epochs in which the first layer's bias learns (default: all). Without its gradient no step goes
        back through that layer.
    winograd : bool, default=False
        Train the 3×3 convolutions by minimal filtering where it applies: on a CPU, in float32 or
        bfloat16, groups of a multiple of eight channels. A step takes about half as long and its sums
        are rounded otherwise; it can be differentiated once. Evaluation computes the sums directly.

    References
    ----------
    Jordan. 94% on CIFAR-10 in 3.29 seconds on a single GPU. 2024. Lavin, Gray. Fast Algorithms for
    Convolutional Neural Networks. 2016.

    Examples
    --------
    >>> network = FastNet(widths=(8, 8, 8))
    >>> network(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        n_classes: int = 10,
        in_channels: int = 3,
        widths: tuple[int, int, int] = (64, 128, 128),
        bias_epochs: int | None = None,
        *,
        winograd: bool = False,
    ) -> None:
        super().__init__()
        if min(widths) < 1 or n_classes < 1 or in_channels < 1:
            raise InputError(
                f"FastNet: widths, n_classes and in_channels must be positive. Got {widths}, "
                f"{n_classes}, {in_channels} instead."
            )
        self.bias_epochs = bias_epochs
        coordinates = 2 * in_channels * PATCH**2
        self.whitening = nn.Conv2d(in_channels, coordinates, PATCH)
        self.whitening.weight.requires_grad_(False)
        nn.init.zeros_(self.whitening.bias)  # type: ignore[arg-type]
        # The largest shrinkage comes first: after it everything is cheap.
        self.group1 = _Group(coordinates, widths[0], filtered=winograd)
        self.group2 = _Group(widths[0], widths[1], filtered=winograd)
        self.group3 = _Group(widths[1], widths[2], filtered=winograd)
        self.head = nn.Linear(widths[2], n_classes, bias=False)
        with torch.no_grad():
            self.head.weight.div_(self.head.weight.std())

    def fit_whitening(self, data: ImageDataset) -> None:
        """Set the first layer from the first 5,000 training images."""
        if min(data.shape[1:]) < PATCH:
            raise InputError(
                f"FastNet: images must be at least {PATCH} pixels a side. Got "
                f"{data.shape[1]}×{data.shape[2]} instead; enlarge them (size, --size)."
            )
        images = torch.from_numpy(data.train_images[:WHITENING_IMAGES])
        filters = whitening_filters(normalize(images, data.mean, data.std))
        with torch.no_grad():
            self.whitening.weight.copy_(torch.cat([filters, -filters]))

    def set_epoch(self, epoch: int) -> None:
        """Before an epoch, counted from 0: let the first layer's bias learn, or keep it."""
        learns = self.bias_epochs is None or epoch < self.bias_epochs
        self.whitening.bias.requires_grad_(learns)  # type: ignore[union-attr]

    def forward(self, images: Tensor) -> Tensor:
        """Map normalised images (B, C, H, W) of at least 5 pixels a side to logits (B, n_classes)."""
        x = functional.gelu(self.whitening(images))
        x = self.group3(self.group2(self.group1(x)))
        logits: Tensor = self.head(x.amax(dim=(2, 3))) / self.head.in_features
        return logits


class _Group(nn.Module):
    """[3×3 convolution, 2×2 max-pool, norm, GELU, 3×3 convolution, norm, GELU]."""

    def __init__(self, in_channels: int, out_channels: int, *, filtered: bool) -> None:
        super().__init__()
        self.conv1, self.norm1 = _convolution(in_channels, out_channels), _norm(out_channels)
        self.conv2, self.norm2 = _convolution(out_channels, out_channels), _norm(out_channels)
        self.filtered = filtered

    def forward(self, x: Tensor) -> Tensor:
        x = self._convolve(x, self.conv1, pool=min(x.shape[2:]) >= 2)
        x = functional.gelu(self.norm1(x))
        return functional.gelu(self.norm2(self._convolve(x, self.conv2)))

    def _convolve(self, x: Tensor, layer: nn.Conv2d, *, pool: bool = False) -> Tensor:
        if self.filtered and self.training:
            from pitfalls.images.networks import winograd  # compiles what it needs

            if winograd.suits(x, layer.weight):
                return winograd.convolve(x, layer.weight, pool=pool)
        x = layer(x)
        return functional.max_pool2d(x, 2) if pool else x


def _convolution(in_channels: int, out_channels: int) -> nn.Conv2d:
    layer = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
    with torch.no_grad():
        identity = layer.weight[:in_channels]
        nn.init.dirac_(identity)
    return layer


def _norm(channels: int) -> nn.BatchNorm2d:
    layer = nn.BatchNorm2d(channels, eps=1e-12, momentum=0.4)
    layer.weight.requires_grad_(False)
    return layer


def whitening_filters(images: Tensor, eps: float = WHITENING_EPS) -> Tensor:
    """Compute filters that map 2×2 patches to uncorrelated coordinates of unit variance.

    A direction in which no patch varies (three equal channels have eight) has no such coordinate:
    its place is taken by a filter of a direction that has one, because batch normalisation behind it
    would blow rounding errors up to unit variance.

    Parameters
    ----------
    images : Tensor of shape (n, C, H, W)
        Normalised images.
    eps : float
        Added to the variances, so that directions of mere noise are not blown up.

    Returns
    -------
    Tensor of shape (4·C, C, 2, 2)
        The largest variance last.
    """
    patches = images.unfold(2, PATCH, 1).unfold(3, PATCH, 1)  # (n, C, H-1, W-1, 2, 2)
    channels = images.shape[1]
    flat = patches.permute(0, 2, 3, 1, 4, 5).reshape(-1, channels * PATCH**2).double()
    covariance = (flat.T @ flat) / len(flat)
    variances, directions = torch.linalg.eigh(covariance)
    filters = (directions / (variances + eps).sqrt()).T
    alive = torch.nonzero(variances > DEAD * variances.max()).flatten()
    if len(alive):
        # counted from the last, so that those that are alive stay where they are
        place = (torch.arange(len(filters)) - len(filters)) % len(alive)
        filters = filters[alive[place]]
    kernels: Tensor = filters.reshape(-1, channels, PATCH, PATCH).float()
    return kernels
