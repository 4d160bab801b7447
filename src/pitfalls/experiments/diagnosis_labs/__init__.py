"""The diagnosis's cards on the labs' own networks, beside what the labs know exactly."""

from pitfalls.experiments.diagnosis_labs.records import LabsConfig, LabsResult
from pitfalls.frame import Experiment

__all__ = ["EXPERIMENT", "LabsConfig", "LabsResult"]

EXPERIMENT = Experiment(
    name="diagnosis-labs",
    config=LabsConfig,
    result=LabsResult,
    package=__name__,
    command=("diagnose", "labs"),
    question="3",
)
