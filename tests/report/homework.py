"""The homework's every experiment, as small as it goes: what the whole report is built from in tests."""

from dataclasses import replace

from pitfalls.experiments import all_experiments
from pitfalls.experiments.diagnosis_labs import LabsConfig
from pitfalls.experiments.image_architectures import ArchitecturesConfig
from pitfalls.experiments.image_compare import CompareConfig
from pitfalls.experiments.image_diagram import DiagramConfig, ImageShape
from pitfalls.experiments.image_embed import EmbedConfig
from pitfalls.experiments.image_evaluate import EvaluateConfig
from pitfalls.experiments.image_fast import FastConfig
from pitfalls.experiments.image_networks import NetworkConfig
from pitfalls.experiments.image_regress import RegressConfig
from pitfalls.experiments.image_source import find_images
from pitfalls.experiments.image_train import TrainRunConfig
from pitfalls.experiments.linear_capacity import CapacityConfig
from pitfalls.experiments.linear_descend import DescendConfig
from pitfalls.experiments.linear_homework import HomeworkConfig as LinearHomeworkConfig
from pitfalls.experiments.linear_landscape import LandscapeConfig
from pitfalls.experiments.linear_ranks import RanksConfig
from pitfalls.experiments.linear_source import Problem
from pitfalls.experiments.linear_tour import TourConfig
from pitfalls.experiments.parity_along import AlongConfig
from pitfalls.experiments.parity_curves import CurvesConfig
from pitfalls.experiments.parity_depth import DepthConfig
from pitfalls.experiments.parity_exact import ExactConfig
from pitfalls.experiments.parity_gradients import GradientsConfig
from pitfalls.experiments.parity_signal import SignalConfig
from pitfalls.experiments.parity_sweep import SweepConfig
from pitfalls.experiments.parity_targets import TargetsConfig
from pitfalls.experiments.verify import VerifyConfig
from pitfalls.frame.experiment import run_experiment
from pitfalls.images import DataConfig
from pitfalls.images.training.config import TrainConfig
from pitfalls.parity import LearningConfig
from pitfalls.runs import Run, RunStore, config_hash


def perform_all(store: RunStore) -> list[Run]:
    """Run everything on the digits and small problems, in the report's order."""
    digits = find_images(DataConfig("digits"))
    brief = LearningConfig(n_iterations=400, record_every=100)
    few = find_images(DataConfig("digits", subset_train=128, subset_val=64))
    network = NetworkConfig("fastnet", (8, 8, 8))
    training = TrainConfig(batch_size=32, flip="none")
    command = "pitfalls <b>report</b> --quick"
    further = TrainRunConfig(few, network, replace(training, epochs=2))
    small: dict[str, object] = {
        "linear-homework": LinearHomeworkConfig(),
        "linear-capacity": CapacityConfig(),
        "linear-landscape": LandscapeConfig(grid=9),
        "linear-descend": DescendConfig(),
        "linear-tour": TourConfig(depths=(2, 3)),
        "linear-ranks": RanksConfig(Problem(digits), max_rank=2, steps=300),
        "parity-exact": ExactConfig(proved=(1, 2, 3, 10)),
        "parity-curves": CurvesConfig(cases=((3, None), (8, 7)), n_seeds=2, training=brief),
        "parity-gradients": GradientsConfig(n_features=(3,)),
        "parity-signal": SignalConfig(n_features=(2, 4, 6), n_seeds=2),
        "parity-targets": TargetsConfig(n_features=6, n_seeds=2),
        "parity-along": AlongConfig(cases=((4, 2), (6, 5)), n_probes=3, training=brief),
        "parity-sweep": SweepConfig((3, 6), (1, 4), n_seeds=2, training=brief, n_jobs=1),
        "parity-depth": DepthConfig(
            n_features=3, weight=2, width=6, depths=(1, 2), shown=3, n_seeds=2, training=brief
        ),
        "diagnosis-labs": LabsConfig(budget=2.0),
        "images-embed": EmbedConfig(digits, thumbnails=300),
        "images-regress": RegressConfig(digits),
        "images-diagram": DiagramConfig("fastnet", ImageShape((1, 8, 8))),
        "images-compare": CompareConfig(few, network, training),
        "images-architectures": ArchitecturesConfig(few, ("fastnet", "linear"), network, training),
        "images-train": further,
        "images-fast": FastConfig(few, image_sizes=(8,)),
        "images-evaluate": EvaluateConfig(
            f"images-train/{further.run_name}-{config_hash(further)}"
        ),
        "verify": VerifyConfig(claims=("2b", "3a")),
    }
    return [
        run_experiment(experiment, small[experiment.name], store, command=command).run
        for experiment in all_experiments()
        if experiment.name in small
    ]
