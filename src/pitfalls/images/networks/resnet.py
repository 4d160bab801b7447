"""The homework's ResNet18: a pre-activation residual network with stages 64-128-256-256."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from pitfalls.errors import InputError

__all__ = ["PreActivationBlock", "ResNet18"]


class PreActivationBlock(nn.Module):
    """Two 3×3 convolutions, each after batch normalisation and ReLU, around a shortcut.

    Where the shape changes the shortcut is a 1×1 convolution of the activated input; elsewhere it
    is the input itself.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels that enter and leave.
    stride : int, default=1
        Stride of the first convolution and of the shortcut.

    References
    ----------
    He, Zhang, Ren, Sun. Identity mappings in deep residual networks. ECCV 2016.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.shortcut: nn.Module | None = None
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, in_channels, H, W) to (B, out_channels, ⌈H/stride⌉, ⌈W/stride⌉)."""
        # The ReLU may work in place: batch normalisation keeps its own input, not its output.
        activated = functional.relu(self.norm1(x), inplace=True)
        shortcut = x if self.shortcut is None else self.shortcut(activated)
        hidden = functional.relu(self.norm2(self.conv1(activated)), inplace=True)
        result: Tensor = self.conv2(hidden)
        return result.add_(shortcut)


class ResNet18(nn.Module):
    """The homework's eighteen-layer network; 5,205,962 parameters for ten classes of colour images.

    A 3×3 stem, four stages of two pre-activation blocks, then global average and global maximum
    pooling side by side, then one linear layer. There is no normalisation after the last block.
    Any image size works; 32×32 gives stages of 32, 16, 8 and 4 pixels.

    Parameters
    ----------
    n_classes : int, default=10
        Outputs of the linear layer.
    in_channels : int, default=3
        Channels of the images.

    Examples
    --------
    >>> import torch
    >>> network = ResNet18()
    >>> sum(p.numel() for p in network.parameters())
    5205962
    >>> network(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])

    Its learning curve on forty-eight digits:

    .. plot::
       :include-source:

       import torch
       from pitfalls.images import DataConfig, ResNet18, TrainConfig, load_dataset, train

       digits = load_dataset(DataConfig("digits", subset_train=48))
       torch.manual_seed(0)
       config = TrainConfig(epochs=4, batch_size=16, scheme="constant", rate=0.01, flip="none")
       train(ResNet18(in_channels=1), digits, config).plot()
    """

    def __init__(self, n_classes: int = 10, in_channels: int = 3) -> None:
        super().__init__()
        for name, value in (("n_classes", n_classes), ("in_channels", in_channels)):
            if value < 1:
                raise InputError(f"ResNet18: {name} must be at least 1. Got {value} instead.")
        self.stem = nn.Conv2d(in_channels, 64, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(64)
        self.stage1 = _stage(64, 64, stride=1)
        self.stage2 = _stage(64, 128, stride=2)
        self.stage3 = _stage(128, 256, stride=2)
        self.stage4 = _stage(256, 256, stride=2)
        self.head = nn.Linear(2 * 256, n_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Map normalised images (B, C, H, W) to logits (B, n_classes)."""
        x = functional.relu(self.norm(self.stem(images)), inplace=True)
        x = self.stage4(self.stage3(self.stage2(self.stage1(x))))
        pooled = torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], dim=1)  # (B, 512)
        logits: Tensor = self.head(pooled)
        return logits


def _stage(in_channels: int, out_channels: int, stride: Literal[1, 2]) -> nn.Sequential:
    return nn.Sequential(
        PreActivationBlock(in_channels, out_channels, stride),
        PreActivationBlock(out_channels, out_channels),
    )
