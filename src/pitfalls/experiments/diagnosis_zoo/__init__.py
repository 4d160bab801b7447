"""The diagnosis measured on set-ups whose faults are known."""

from pitfalls.experiments.diagnosis_zoo.records import ZooConfig, ZooResult
from pitfalls.frame import Experiment

__all__ = ["EXPERIMENT", "ZooConfig", "ZooResult"]

# its command is pitfalls diagnose benchmark, beside the diagnosis's own
EXPERIMENT = Experiment(
    name="diagnosis-zoo",
    config=ZooConfig,
    result=ZooResult,
    package=__name__,
)
