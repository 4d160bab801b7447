"""The training images as linear methods take them, read once for the methods of one report."""

from pitfalls.images.data import ImageDataset
from pitfalls.images.linear import TrainingImages, read_training_images
from pitfalls.progress import Progress

__all__ = ["read_training"]

# embedding and least squares need the same pass over the same images
_last: dict[str, TrainingImages] = {}


def read_training(data: ImageDataset, progress: Progress) -> TrainingImages:
    """Read the training images, or take those that were read last if they are the same."""
    if data.fingerprint not in _last:
        with progress("second moments", unit="images") as advance:
            found = read_training_images(data, on_progress=advance)
        _last.clear()
        _last[data.fingerprint] = found
    return _last[data.fingerprint]
