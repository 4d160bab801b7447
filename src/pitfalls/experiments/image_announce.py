"""What a command says of trainings before the time is spent."""

from collections.abc import Sequence

from pitfalls.experiments.image_source import ImageSource, Pictures
from pitfalls.frame import complain, remark
from pitfalls.images.training import TrainConfig

__all__ = ["say_beforehand", "say_pictures"]


def say_beforehand(source: ImageSource, trainings: Sequence[TrainConfig]) -> None:
    """Warn of trainings that are bound to learn nothing, and say what decides about mirroring."""
    from pitfalls.images.data import judge_mirror
    from pitfalls.images.training import training_warnings

    data = source.load()
    for text in dict.fromkeys(w for t in trainings for w in training_warnings(t, data)):
        complain(text, kind="warning")
    if any(training.asks_about_mirrors for training in trainings) and data.mirror is None:
        judged = judge_mirror(data)
        if judged.keeps is not None:
            remark(f"--flip {'random' if judged.keeps else 'none'}: {judged.why}")


def say_pictures(pictures: Pictures) -> None:
    """Say how many images each part has."""
    remark(
        f"{pictures.name}: {pictures.n('train'):,} training, {pictures.n('validation'):,} "
        f"validation and {pictures.n('test'):,} test images"
    )
