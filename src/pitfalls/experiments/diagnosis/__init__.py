"""The diagnosis of one network and its data: seven cards, and a cause."""

from pitfalls.experiments.diagnosis.records import DiagnosisConfig, DiagnosisResult, SavedCard
from pitfalls.frame import Experiment

__all__ = ["EXPERIMENT", "DiagnosisConfig", "DiagnosisResult", "SavedCard"]

# its command, pitfalls diagnose, names a network and has commands beside it: see command.py
EXPERIMENT = Experiment(
    name="diagnosis",
    config=DiagnosisConfig,
    result=DiagnosisResult,
    package=__name__,
)
