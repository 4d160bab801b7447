"""Every statement of the homework, attacked: one verdict a claim."""

from pitfalls.experiments.verify.records import ClaimVerdict, VerifyConfig, VerifyResult
from pitfalls.frame import Experiment

__all__ = ["EXPERIMENT", "ClaimVerdict", "VerifyConfig", "VerifyResult"]

EXPERIMENT = Experiment(
    name="verify",
    config=VerifyConfig,
    result=VerifyResult,
    package=__name__,
    command=("verify",),
    question="claims",
)
