"""Random legal settings of every experiment, small enough to be run by the hundred."""

import atexit
import functools
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pitfalls.errors import PitfallsError
from pitfalls.experiments.image_architectures import ArchitecturesConfig
from pitfalls.experiments.image_compare import CompareConfig
from pitfalls.experiments.image_diagram import DiagramConfig, ImageShape
from pitfalls.experiments.image_embed import EmbedConfig
from pitfalls.experiments.image_networks import NetworkConfig
from pitfalls.experiments.image_range import RangeConfig
from pitfalls.experiments.image_regress import RegressConfig
from pitfalls.experiments.image_source import ImageSource, find_images
from pitfalls.experiments.image_train import TrainRunConfig
from pitfalls.experiments.linear_capacity import CapacityConfig
from pitfalls.experiments.linear_classify import ClassifyConfig
from pitfalls.experiments.linear_descend import DescendConfig
from pitfalls.experiments.linear_homework import HomeworkConfig
from pitfalls.experiments.linear_landscape import LandscapeConfig
from pitfalls.experiments.linear_minimum import MinimumConfig
from pitfalls.experiments.linear_ranks import RanksConfig
from pitfalls.experiments.linear_source import Planted, Problem
from pitfalls.experiments.linear_tour import TourConfig
from pitfalls.experiments.parity_along import AlongConfig
from pitfalls.experiments.parity_curves import CurvesConfig
from pitfalls.experiments.parity_depth import DepthConfig
from pitfalls.experiments.parity_exact import ExactConfig
from pitfalls.experiments.parity_gradients import GradientsConfig
from pitfalls.experiments.parity_signal import SignalConfig
from pitfalls.experiments.parity_sweep import SweepConfig
from pitfalls.experiments.parity_targets import TargetsConfig
from pitfalls.experiments.parity_train import ParityTrainConfig
from pitfalls.experiments.verify import VerifyConfig
from pitfalls.images import DataConfig
from pitfalls.images.training.config import TrainConfig as ImageTrainConfig
from pitfalls.parity import LearningConfig

__all__ = ["SETTINGS", "settings_of"]

Draw = Callable[[np.random.Generator], Any]


def one_of(rng: np.random.Generator, *choices: Any) -> Any:
    return choices[int(rng.integers(len(choices)))]


def some(rng: np.random.Generator, choices: tuple[Any, ...], most: int) -> tuple[Any, ...]:
    """Draw one to ``most`` of them, without repetition, in any order."""
    n = int(rng.integers(1, most + 1))
    return tuple(choices[i] for i in rng.permutation(len(choices))[:n])


def problem(rng: np.random.Generator) -> Problem:
    modes = one_of(
        rng, (1.0,), (2.0, 2.0), (3.0, 1.0), (3.0, 2.0, 1e-9), (0.0, 0.0), (5.0, 1.0, 0.0)
    )
    n_features = len(modes) + int(rng.integers(0, 3))
    n_samples = int(rng.integers(n_features + 2, 40))
    planted = Planted(
        modes, n_features, n_samples, one_of(rng, 0.0, 0.05, 2.0), int(rng.integers(99))
    )
    return Problem(planted, bool(rng.integers(2)))


def learning(rng: np.random.Generator, **kept: Any) -> LearningConfig:
    given: dict[str, Any] = {
        "optimizer": one_of(rng, "sgd", "adam"),
        "learning_rate": one_of(rng, 1e-3, 0.1, 100.0),
        "loss": one_of(rng, "hinge", "square", "logistic"),
        "batch_size": one_of(rng, 1, 20),
        "n_iterations": one_of(rng, 1, 60, 200),
        "n_samples": one_of(rng, None, 30),
        "record_every": one_of(rng, 1, 50),
        "seed": int(rng.integers(99)),
    }
    return LearningConfig(**{**given, **kept})


def hidden(rng: np.random.Generator, deepest: int = 2) -> tuple[int, ...]:
    return tuple(int(w) for w in rng.integers(1, 5, int(rng.integers(1, deepest + 1))))


def seed(rng: np.random.Generator) -> int:
    return int(rng.integers(1000))


def widths_for(rng: np.random.Generator, asked: Problem) -> tuple[int, ...] | None:
    source = asked.source
    assert isinstance(source, Planted)
    widths = (source.n_features, *hidden(rng), len(source.modes))
    asked_for: tuple[int, ...] | None = one_of(rng, None, widths)
    return asked_for


def classify(rng: np.random.Generator) -> ClassifyConfig:
    asked = problem(rng)
    held = one_of(rng, None, (), (1,), (2,), (1, 2))
    return ClassifyConfig(asked, widths_for(rng, asked), held, seed=seed(rng))


def landscape(rng: np.random.Generator) -> LandscapeConfig:
    asked = problem(rng)
    held = one_of(rng, (), (1,), (2,))
    return LandscapeConfig(asked, widths_for(rng, asked), held, int(rng.integers(3, 12)), seed(rng))


def descend(rng: np.random.Generator) -> DescendConfig:
    method = one_of(rng, "gradient", "momentum", "flow")
    rate = None if method == "flow" else one_of(rng, None, 1e-4, 1e3)
    start = one_of(rng, "aligned", "random", "saddle")
    strength, steps = one_of(rng, 1e-3, 0.5), one_of(rng, 2, 300)
    return DescendConfig(
        problem(rng), hidden(rng, 3), method, start, strength, rate, steps, seed(rng)
    )


def depth(rng: np.random.Generator) -> DepthConfig:
    return DepthConfig(
        n_features=3,
        weight=int(rng.integers(0, 4)),
        width=int(rng.integers(2, 7)),
        depths=some(rng, (1, 2, 4), 3),
        shown=int(rng.integers(1, 4)),
        activations=some(rng, ("sigmoid", "tanh", "relu"), 3),
        n_seeds=int(rng.integers(1, 3)),
        training=learning(rng),
    )


@functools.cache
def two_classes() -> str:
    """Write sixty pictures of two classes, with a dollar in one name, and a part to look at."""
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    pictures = (rng.integers(0, 90, (60, 6, 6)) + 120 * labels[:, None, None]).astype(np.uint8)
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder)
    path = Path(folder) / "two.npz"
    names = np.array(["a $b", "c_d"])
    np.savez(
        path, x_train=pictures[:40], y_train=labels[:40], x_test=pictures[40:], y_test=labels[40:],
        class_names=names,
    )  # fmt: skip
    return str(path)


def pictures(rng: np.random.Generator) -> ImageSource:
    data = one_of(rng, "digits", two_classes())
    train = int(rng.integers(12, 40))
    asked = DataConfig(
        data,
        subset_train=train,
        subset_val=int(rng.integers(2, 20)),
        validation=one_of(rng, 0, 0, 0.5),
        seed=seed(rng),
    )
    return find_images(asked)


def image_training(rng: np.random.Generator, **kept: Any) -> ImageTrainConfig:
    given: dict[str, Any] = {
        "epochs": one_of(rng, 1, 2, 10),
        "batch_size": one_of(rng, 8, 128),
        "scheme": one_of(rng, "constant", "annealed", "special", "cosine", "one_cycle"),
        "rate": one_of(rng, None, 1e-4, 10.0),
        "flip": one_of(rng, "auto", "none", "random"),
        "averaging": one_of(rng, None, 0.9),
        "seed": seed(rng),
    }
    return ImageTrainConfig(**{**given, **kept})


SMALL = NetworkConfig("fastnet", (4, 4, 4))


def case(rng: np.random.Generator) -> tuple[int, int | None]:
    d = int(rng.integers(2, 7))
    return d, one_of(rng, None, 0, 1, d)


SETTINGS: Mapping[str, Draw] = {
    "linear-homework": lambda rng: HomeworkConfig(seed(rng)),
    "linear-capacity": lambda rng: CapacityConfig(
        tuple(int(w) for w in rng.integers(1, 9, int(rng.integers(2, 6)))),
        int(rng.integers(1, 6)),
        seed(rng),
    ),
    "linear-minimum": lambda rng: MinimumConfig(problem(rng), one_of(rng, None, 1, 2)),
    "linear-classify": classify,
    "linear-landscape": landscape,
    "linear-descend": descend,
    "linear-tour": lambda rng: TourConfig(
        problem(rng), some(rng, (2, 3, 4), 3), one_of(rng, 0.005, 0.05), seed(rng)
    ),
    "linear-ranks": lambda rng: RanksConfig(
        problem(rng),
        int(rng.integers(1, 4)),
        int(rng.integers(1, 4)),
        0.1,
        one_of(rng, 2, 200),
        seed(rng),
    ),
    "parity-exact": lambda rng: ExactConfig(
        some(rng, (1, 2, 3, 4, 5, 7), 4),
        int(rng.integers(1, 8)),
        int(rng.integers(2, 5)),
        one_of(rng, 1, 50),
        seed(rng),
    ),
    "parity-curves": lambda rng: CurvesConfig(
        tuple(case(rng) for _ in range(int(rng.integers(1, 4)))),
        int(rng.integers(1, 4)),
        learning(rng),
        parallel=1,
    ),
    "parity-gradients": lambda rng: GradientsConfig(
        some(rng, (1, 2, 3, 5), 3),
        int(rng.integers(2, 5)),
        some(rng, (0.1, 1.0, 3.0), 2),
        one_of(rng, "relu", "clamp", "max"),
        seed(rng),
    ),
    "parity-signal": lambda rng: SignalConfig(
        some(rng, (1, 2, 3, 4, 6), 4),
        int(rng.integers(1, 5)),
        int(rng.integers(1, 4)),
        one_of(rng, "hinge", "square", "logistic"),
        n_samples=200,
        batch_size=one_of(rng, 1, 100),
        seed=seed(rng),
    ),
    "parity-targets": lambda rng: TargetsConfig(
        int(rng.integers(1, 7)),
        int(rng.integers(1, 4)),
        int(rng.integers(1, 4)),
        one_of(rng, "hinge", "square", "logistic"),
        seed(rng),
    ),
    "parity-along": lambda rng: AlongConfig(
        tuple(case(rng) for _ in range(int(rng.integers(1, 3)))),
        int(rng.integers(2, 5)),
        learning(rng),
    ),
    "parity-sweep": lambda rng: SweepConfig(
        some(rng, (3, 5, 6), 3),
        some(rng, (1, 2, 3, 5), 3),
        some(rng, (4, 8), 2) if rng.integers(2) else (),
        some(rng, (1e-3, 0.1), 2),
        int(rng.integers(1, 3)),
        learning(rng),
        n_jobs=1,
    ),
    "parity-depth": depth,
    "parity-train": lambda rng: ParityTrainConfig(
        tuple(int(b) for b in rng.integers(0, 2, int(rng.integers(1, 7)))), learning(rng)
    ),
    "images-embed": lambda rng: EmbedConfig(
        pictures(rng), one_of(rng, 0.0, 1.0), one_of(rng, 0, 10)
    ),
    "images-regress": lambda rng: RegressConfig(
        pictures(rng), one_of(rng, 0.0, 1.0), one_of(rng, None, True, False)
    ),
    "images-diagram": lambda rng: DiagramConfig(
        one_of(rng, "fastnet", "resnet18"),
        ImageShape((one_of(rng, 1, 3), 8, 8), int(rng.integers(2, 12))),
    ),
    "images-compare": lambda rng: CompareConfig(
        pictures(rng),
        SMALL,
        image_training(rng),
        some(rng, ("constant", "annealed", "special", "one_cycle"), 3),
        int(rng.integers(1, 3)),
    ),
    "images-architectures": lambda rng: ArchitecturesConfig(
        pictures(rng),
        some(rng, ("fastnet", "mlp", "linear"), 3),
        SMALL,
        image_training(rng),
        int(rng.integers(1, 3)),
    ),
    "images-train": lambda rng: TrainRunConfig(pictures(rng), SMALL, image_training(rng)),
    "images-lr-find": lambda rng: RangeConfig(
        pictures(rng),
        SMALL,
        image_training(rng, epochs=1),
        one_of(rng, 1e-5, 1e-2),
        one_of(rng, 0.1, 100.0),
        int(rng.integers(10, 30)),
    ),
    "verify": lambda rng: VerifyConfig(
        some(rng, ("2a-if", "2b-layers-convex", "3a-printed", "3c-iii", "2a-balanced"), 3),
        seed=seed(rng),
    ),
}
"""By experiment: a config drawn with the given generator."""


def settings_of(name: str, n: int, start: int = 0) -> list[Any]:
    """Return ``n`` different legal configs of an experiment, the same ones every time."""
    rng = np.random.default_rng([start, *name.encode()])
    found: list[Any] = []
    for _ in range(100 * n):
        try:
            config = SETTINGS[name](rng)
        except PitfallsError:
            continue  # the drawing does not know every rule
        if config not in found:
            found.append(config)
        if len(found) == n:
            break
    return found
