"""What other tools say of the zoo, in turn with the diagnosis: torchtest2 (a batch), deepchecks (data).

Neither is a dependency. torchtest2 0.1.0 is imported if it is there (a folder on PYTHONPATH will do);
deepchecks 0.19.1 wants older libraries than ours and runs in an environment of its own, whose
interpreter is named: ``pip install deepchecks==0.19.1 "scikit-learn<1.6" "numpy<2" "pandas<2.3"``.
A tool that is not there is recorded as absent.

Run: python -m benchmarks.diagnosis.peers [interpreter with deepchecks]   (a quarter of an hour)
"""

import json
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from benchmarks.record import record

from pitfalls import diagnose
from pitfalls.diagnosis.zoo import Case, Setup, zoo

SEED = 0
BATCH = 64
ALONE = Path(__file__).with_name("deepchecks_alone.py")


def torchtest2_alarms(case: Case) -> list[str]:
    """Run its sanity checks on one batch; WARN and FAIL count as alarms."""
    import torchtest2

    report = torchtest2.check_model(
        case.model, case.x[:BATCH], case.y[:BATCH], loss_fn=case.loss, optimizer=case.optimizer
    )
    return sorted(
        f"{result.name} {result.status}"
        for result in report.results
        if str(result.status) in ("WARN", "FAIL")
    )


class Deepchecks:
    """Its data integrity suite in an interpreter of its own; a failed condition is an alarm."""

    def __init__(self, interpreter: str, folder: Path) -> None:
        self._folder = folder
        self._process = subprocess.Popen(
            [interpreter, "-W", "ignore", str(ALONE)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip

    def alarms(self, case: Case) -> list[str] | None:
        """Hand the data over as a file and wait for the answer; None where the suite fails."""
        path = self._folder / "data.npz"
        np.savez(path, x=case.x.numpy(), y=case.y.numpy())
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{path}\n")
        self._process.stdin.flush()
        found: list[str] | None = json.loads(self._process.stdout.readline())
        return found


@contextmanager
def deepchecks(interpreter: str | None) -> Iterator[Deepchecks | None]:
    """Start deepchecks where an interpreter is named."""
    if interpreter is None:
        yield None
        return
    with TemporaryDirectory() as folder:
        peer = Deepchecks(interpreter, Path(folder))
        try:
            yield peer
        finally:
            peer._process.terminate()
            peer._process.wait()


def timed(function: Any, *values: Any) -> tuple[Any, float]:
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = function(*values)
    return found, time.perf_counter() - began


def own_alarms(case: Case) -> list[str]:
    found = diagnose(case.model, case.loss, case.x, case.y, case.optimizer, seed=SEED)
    return [cause for cause in found.causes if cause not in ("healthy", "unclear")]


def main(interpreter: str | None) -> None:
    rows: dict[str, list[dict[str, Any]]] = {"pitfalls": [], "torchtest2": [], "deepchecks": []}
    versions: dict[str, str | None] = {"pitfalls": version("pitfalls"), "deepchecks": "0.19.1"}
    try:
        versions["torchtest2"] = version("torchtest2")
    except PackageNotFoundError:
        versions["torchtest2"] = None
    with deepchecks(interpreter) as peer:
        if peer is None:
            versions["deepchecks"] = None
        for setup in (
            s for s in zoo() if s.part != "blind"
        ):  # in turn on each set-up, so that a busy machine slows all alike
            rows["pitfalls"].append(_row(setup, *timed(own_alarms, setup.build(SEED))))
            if versions["torchtest2"] is not None:
                rows["torchtest2"].append(_row(setup, *timed(torchtest2_alarms, setup.build(SEED))))
            case = setup.build(SEED)
            if peer is not None and case.x.ndim == 2 and case.y.ndim == 1:
                found, seconds = timed(peer.alarms, case)
                if found is not None:
                    rows["deepchecks"].append(_row(setup, found, seconds))
            print(setup.name, {name: r[-1]["alarms"] for name, r in rows.items() if r}, flush=True)
    record("diagnosis_peers", {"seed": SEED, "versions": versions, "rows": rows})


def _row(setup: Setup, alarms: list[str], seconds: float) -> dict[str, Any]:
    return {
        "setup": setup.name,
        "right": setup.right,
        "part": setup.part,
        "alarms": alarms,
        "seconds": seconds,
    }


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
