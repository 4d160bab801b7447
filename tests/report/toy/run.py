"""Note the call, and fail when told to."""

from pitfalls.errors import InputError, ResourceError
from pitfalls.progress import Progress
from pitfalls.runs import Run
from tests.report.toy.records import ToyConfig, ToyResult

CALLS: list[int] = []


def run(config: ToyConfig, run: Run, progress: Progress) -> ToyResult:
    CALLS.append(config.seed)
    if config.needs_another:
        raise InputError("toy: the run it looks at holds no network. Train one.")
    if config.fails:
        raise ResourceError("toy: needs 99 GB. Use less.")
    return ToyResult(0.5)
