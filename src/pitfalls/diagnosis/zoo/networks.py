"""Small networks of the kinds that the zoo needs."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

__all__ = ["Attention", "Convolutional", "LastState", "Residual", "Through", "UShaped"]


class Convolutional(nn.Module):
    """Two convolutions with batch norm, mean over positions, a linear layer."""

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1),
            nn.BatchNorm2d(32),
            nn.ReLU(),
        )
        self.head = nn.Linear(32 * 16, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, 1, 8, 8) to (n, classes)."""
        logits: Tensor = self.head(self.body(x).flatten(1))
        return logits


class Residual(nn.Module):
    """Two residual blocks with batch norm whose last gain starts at zero."""

    def __init__(self, n_classes: int, width: int = 16) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, width, 3, padding=1)
        self.blocks = nn.ModuleList()
        for _ in range(2):
            last = nn.BatchNorm2d(width)
            nn.init.zeros_(last.weight)
            self.blocks.append(
                nn.Sequential(
                    nn.Conv2d(width, width, 3, padding=1, bias=False),
                    nn.BatchNorm2d(width),
                    nn.ReLU(),
                    nn.Conv2d(width, width, 3, padding=1, bias=False),
                    last,
                )
            )
        self.head = nn.Linear(width * 16, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, 1, 8, 8) to (n, classes)."""
        h = self.stem(x)
        for block in self.blocks:
            h = torch.relu(h + block(h))
        logits: Tensor = self.head(nn.functional.max_pool2d(h, 2).flatten(1))
        return logits


class LastState(nn.Module):
    """An LSTM and a linear layer on its last state."""

    def __init__(self, n_features: int, width: int, n_classes: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(n_features, width, batch_first=True)
        self.head = nn.Linear(width, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, T, features) to (n, classes)."""
        states, _ = self.lstm(x)
        logits: Tensor = self.head(states[:, -1])
        return logits


class Attention(nn.Module):
    """Embedding, fixed sinusoids kept as a parameter, one encoder layer, mean over places."""

    def __init__(self, n_symbols: int, width: int, n_classes: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(n_symbols, width)
        place = torch.arange(64).float()[:, None]
        speed = torch.exp(torch.arange(0, width, 2) * (-math.log(10000.0) / width))
        table = torch.stack([torch.sin(place * speed), torch.cos(place * speed)], -1).flatten(1)
        self.places = nn.Parameter(table, requires_grad=False)
        self.layer = nn.TransformerEncoderLayer(width, 4, 2 * width, 0.1, batch_first=True)
        self.head = nn.Linear(width, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map symbols (n, T) to (n, classes)."""
        h = self.layer(self.embed(x) + self.places[: x.shape[1]])
        logits: Tensor = self.head(h.mean(1))
        return logits


class UShaped(nn.Module):
    """Down once, up once, with a connection across."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.enter = nn.Sequential(nn.Conv2d(1, width, 3, padding=1), nn.ReLU())
        self.down = nn.Sequential(nn.Conv2d(width, 2 * width, 3, 2, padding=1), nn.ReLU())
        self.up = nn.ConvTranspose2d(2 * width, width, 2, 2)
        self.leave = nn.Conv2d(2 * width, 1, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, 1, h, w) to the same."""
        h = self.enter(x)
        out: Tensor = self.leave(torch.cat([h, torch.relu(self.up(self.down(h)))], 1))
        return out


class Through(nn.Module):
    """A body and a head with something in between."""

    def __init__(
        self, body: nn.Module, head: nn.Module, between: Callable[[Tensor], Tensor]
    ) -> None:
        super().__init__()
        self.body, self.head, self._between = body, head, between

    def forward(self, x: Tensor) -> Tensor:
        """Run the body, what is between, and the head."""
        out: Tensor = self.head(self._between(self.body(x)))
        return out
