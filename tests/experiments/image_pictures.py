"""Made-up pictures, for words at their edges."""

from pitfalls.experiments.image_source import PartSize, Pictures
from pitfalls.images.data.parts import PartName

__all__ = ["pictures"]


def pictures(
    n_classes: int = 10,
    n_train: int = 800,
    n_test: int = 512,
    n_validation: int = 0,
    name: str = "digits",
    side: int | None = None,
) -> Pictures:
    """Return what a result says of its pictures, every class as common as the others."""
    sizes: tuple[tuple[PartName, int], ...] = (
        ("train", n_train),
        ("validation", n_validation),
        ("test", n_test),
    )
    return Pictures(
        name,
        "0" * 64,
        tuple("class " + "abcdefghijklmnopqrstuvwxyz"[k] for k in range(n_classes)),
        (3, 32, 32) if name == "CIFAR-10" and side is None else (1, side or 8, side or 8),
        tuple(PartSize(part, n, n // n_classes) for part, n in sizes if n),
    )
