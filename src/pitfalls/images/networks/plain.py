"""Networks without convolutions: a linear map, a multilayer perceptron, a small transformer."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from pitfalls.errors import InputError

__all__ = ["LinearNet", "PatchTransformer", "Perceptron"]


class LinearNet(nn.Sequential):
    """One linear layer on the pixels: logits are affine in the image.

    Parameters
    ----------
    n_classes : int
    shape : (int, int, int)
        Channels, height and width of an image.

    Examples
    --------
    >>> sum(p.numel() for p in LinearNet(10, (3, 32, 32)).parameters())
    30730
    """

    def __init__(self, n_classes: int, shape: tuple[int, int, int]) -> None:
        n_features = shape[0] * shape[1] * shape[2]
        super().__init__(nn.Flatten(), nn.Linear(n_features, n_classes))


class Perceptron(nn.Sequential):
    """Two hidden layers of rectified units on the pixels, each after batch normalisation.

    Parameters
    ----------
    n_classes : int
    shape : (int, int, int)
        Channels, height and width of an image.
    width : int, default=512
        Units of a hidden layer.

    Examples
    --------
    >>> Perceptron(10, (3, 32, 32))(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(self, n_classes: int, shape: tuple[int, int, int], width: int = 512) -> None:
        n_features = shape[0] * shape[1] * shape[2]
        layers: list[nn.Module] = [nn.Flatten()]
        for entering in (n_features, width):
            layers += [nn.Linear(entering, width, bias=False), nn.BatchNorm1d(width), nn.ReLU()]
        super().__init__(*layers, nn.Linear(width, n_classes))


class PatchTransformer(nn.Module):
    """A small vision transformer: patches as tokens, learned positions, the mean of the tokens.

    A patch's pixels pass through one linear map, the same for all patches; where a patch lies is
    told by a learned vector alone. Attention sees all patches from the first block on.

    Parameters
    ----------
    n_classes : int
    shape : (int, int, int)
        Channels, height and width of an image.
    patch : int, optional
        Side of a patch in pixels (default: an eighth of the image's smaller side, at least 1).
    width, depth, heads : int
        Of a token, blocks, and heads of the attention.

    References
    ----------
    Dosovitskiy et al. An image is worth 16x16 words. ICLR 2021.

    Examples
    --------
    >>> network = PatchTransformer(10, (3, 32, 32))
    >>> network(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        n_classes: int,
        shape: tuple[int, int, int],
        patch: int | None = None,
        width: int = 128,
        depth: int = 4,
        heads: int = 4,
    ) -> None:
        super().__init__()
        channels, height, wide = shape
        self.patch = patch or max(min(height, wide) // 8, 1)
        if width % heads:
            raise InputError(
                f"PatchTransformer: width must be a multiple of heads. Got {width} and {heads}."
            )
        n_tokens = -(-height // self.patch) * -(-wide // self.patch)
        self.embed = nn.Linear(channels * self.patch**2, width)
        self.position = nn.Parameter(torch.randn(1, n_tokens, width) * 0.02)
        self.blocks = nn.Sequential(*(_Block(width, heads) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, n_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Map normalised images (B, C, H, W) to logits (B, n_classes)."""
        height, width = images.shape[2:]
        # a side that is no multiple of the patch gets a border of zeros
        images = functional.pad(images, (0, -width % self.patch, 0, -height % self.patch))
        patches = functional.unfold(images, self.patch, stride=self.patch).transpose(1, 2)
        tokens = self.blocks(self.embed(patches) + self.position)  # (B, n_tokens, width)
        logits: Tensor = self.head(self.norm(tokens).mean(dim=1))
        return logits


class _Block(nn.Module):
    """Attention, then a hidden layer, each after a normalisation and around a shortcut."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.hidden = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        batch, n, width = tokens.shape
        parts = self.query_key_value(self.norm1(tokens))
        split = parts.reshape(batch, n, 3, self.heads, width // self.heads)
        q, k, v = split.permute(2, 0, 3, 1, 4)  # each (B, heads, n, width/heads)
        seen = functional.scaled_dot_product_attention(q, k, v)
        tokens = tokens + self.out(seen.transpose(1, 2).reshape(batch, n, width))
        mixed: Tensor = tokens + self.hidden(self.norm2(tokens))
        return mixed
