"""Networks of the set-ups that were written after the rules and diagnosed once."""

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = [
    "Causal",
    "Factors",
    "Gated",
    "GroupNormed",
    "Patches",
    "Recurrent",
    "ResidualMlp",
    "Temporal",
    "TwoTables",
    "Variational",
]


class Causal(nn.Module):
    """Next symbol by masked attention; the head's weights are the embedding's."""

    def __init__(self, n_symbols: int, width: int, length: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(n_symbols, width)
        self.places = nn.Parameter(0.02 * torch.randn(length, width))
        layer = nn.TransformerEncoderLayer(
            width, 4, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True
        )
        self.body = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, n_symbols, bias=False)
        nn.init.normal_(self.embed.weight, std=0.1)
        self.head.weight = self.embed.weight

    def forward(self, x: Tensor) -> Tensor:
        """Map symbols (n, T) to (n, T, symbols)."""
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
        h = self.body(self.embed(x) + self.places[: x.shape[1]], mask=mask, is_causal=True)
        logits: Tensor = self.head(self.norm(h))
        return logits


class Patches(nn.Module):
    """A small vision transformer: patches of two pixels, a class token, two layers."""

    def __init__(self, n_classes: int, width: int = 48) -> None:
        super().__init__()
        self.enter = nn.Conv2d(1, width, 2, 2)
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.places = nn.Parameter(0.02 * torch.randn(1, 17, width))
        layer = nn.TransformerEncoderLayer(
            width, 4, 2 * width, 0.1, "gelu", batch_first=True, norm_first=True
        )
        self.body = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, n_classes))

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, 1, 8, 8) to (n, classes)."""
        h = self.enter(x).flatten(2).transpose(1, 2)
        h = torch.cat([self.token.expand(len(h), -1, -1), h], 1) + self.places
        logits: Tensor = self.head(self.body(h)[:, 0])
        return logits


class Recurrent(nn.Module):
    """A GRU and a linear layer on its last state."""

    def __init__(self, n_features: int, width: int, n_out: int) -> None:
        super().__init__()
        self.gru = nn.GRU(n_features, width, batch_first=True)
        self.head = nn.Linear(width, n_out)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, T, features) to (n, outputs)."""
        out: Tensor = self.head(self.gru(x)[0][:, -1])
        return out


class GroupNormed(nn.Module):
    """Convolutions with SiLU and group norm, mean over positions."""

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1, bias=False),
            nn.GroupNorm(4, 16),
            nn.SiLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1, bias=False),
            nn.GroupNorm(4, 32),
            nn.SiLU(),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
        )
        self.head = nn.Linear(128, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, 1, 8, 8) to (n, classes)."""
        logits: Tensor = self.head(self.body(x))
        return logits


class ResidualMlp(nn.Module):
    """Residual blocks of layer norm, GELU and dropout."""

    def __init__(self, d: int, width: int, n_out: int, depth: int = 3) -> None:
        super().__init__()
        self.enter = nn.Linear(d, width)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.LayerNorm(width),
                nn.Linear(width, 2 * width),
                nn.GELU(),
                nn.Dropout(0.1),
                nn.Linear(2 * width, width),
            )
            for _ in range(depth)
        )
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, n_out))

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, d) to (n, outputs)."""
        h = self.enter(x)
        for block in self.blocks:
            h = h + block(h)
        out: Tensor = self.head(h)
        return out


class Temporal(nn.Module):
    """Dilated convolutions over time with weight norm and leaky ReLU."""

    def __init__(self, n_channels: int, n_classes: int) -> None:
        super().__init__()
        norm = nn.utils.parametrizations.weight_norm
        self.one = norm(nn.Conv1d(n_channels, 16, 3, padding=1))
        self.two = norm(nn.Conv1d(16, 16, 3, padding=2, dilation=2))
        self.head = nn.Linear(16, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, channels, T) to (n, classes)."""
        h = functional.leaky_relu(self.one(x), 0.1)
        h = h + functional.leaky_relu(self.two(h), 0.1)
        logits: Tensor = self.head(h.amax(2))
        return logits


class Factors(nn.Module):
    """Ratings by users and items: embeddings, their product, biases."""

    def __init__(self, n_users: int, n_items: int, width: int = 8) -> None:
        super().__init__()
        self.user, self.item = nn.Embedding(n_users, width), nn.Embedding(n_items, width)
        self.bias = nn.Embedding(n_items, 1)
        for table in (self.user, self.item):
            nn.init.normal_(table.weight, std=0.3)
        nn.init.zeros_(self.bias.weight)

    def forward(self, user: Tensor, item: Tensor) -> Tensor:
        """Map two vectors of ids (n,) to (n,)."""
        rating: Tensor = (self.user(user) * self.item(item)).sum(1) + self.bias(item)[:, 0]
        return rating


class TwoTables(nn.Module):
    """Numbers and kinds, given by name; outputs are a dict with a main and a side answer."""

    def __init__(self, d: int, n_kinds: int, n_classes: int) -> None:
        super().__init__()
        self.kinds = nn.Embedding(n_kinds, 8)
        self.body = nn.Sequential(nn.Linear(d + 8, 64), nn.ReLU())
        self.main, self.side = nn.Linear(64, n_classes), nn.Linear(64, 1)

    def forward(self, numbers: Tensor, kinds: Tensor) -> dict[str, Tensor]:
        """Map (n, d) and (n,) to a dict of (n, classes) and (n, 1)."""
        h = self.body(torch.cat([numbers, self.kinds(kinds)], 1))
        return {"main": self.main(h), "side": self.side(h)}


class Variational(nn.Module):
    """A variational autoencoder: draws its code anew in every pass."""

    def __init__(self, d: int, code: int = 6) -> None:
        super().__init__()
        self.enter = nn.Sequential(nn.Linear(d, 64), nn.ReLU(), nn.Linear(64, 2 * code))
        self.leave = nn.Sequential(nn.Linear(code, 64), nn.ReLU(), nn.Linear(64, d))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map (n, d) to reconstruction, mean and log variance."""
        mean, log_variance = self.enter(x).chunk(2, 1)
        code = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        return self.leave(code), mean, log_variance


class Gated(nn.Module):
    """Three experts and a softmax that weighs them, sample by sample."""

    def __init__(self, d: int, width: int, n_out: int) -> None:
        super().__init__()
        self.gate = nn.Linear(d, 3)
        self.experts = nn.ModuleList(
            nn.Sequential(nn.Linear(d, width), nn.ELU(), nn.Linear(width, n_out)) for _ in range(3)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, d) to (n, outputs)."""
        weights = torch.softmax(self.gate(x), 1)
        answers = torch.stack([expert(x) for expert in self.experts], 1)
        return (weights.unsqueeze(2) * answers).sum(1)
