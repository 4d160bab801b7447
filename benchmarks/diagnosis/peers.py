"""What other tools say of the zoo, where they are installed: torchtest2 (one batch), deepchecks (data).

Neither is a dependency: ``pip install torchtest2==0.1.0 deepchecks==0.19.1`` into an environment of
their own, or a folder on PYTHONPATH. A tool that cannot be imported is recorded as absent.
"""

import importlib.util
import warnings
from typing import Any

from pitfalls.diagnosis.zoo import Setup, zoo

SEED = 0
BATCH = 64


def peer_findings() -> dict[str, Any]:
    """Return each tool's alarms on every set-up at one seed, in the order of the zoo."""
    return {"torchtest2": torchtest2_findings(), "deepchecks": deepchecks_findings()}


def torchtest2_findings() -> dict[str, Any]:
    """Run its sanity checks on one batch; WARN and FAIL count as alarms."""
    if importlib.util.find_spec("torchtest2") is None:
        return {"installed": False}
    import torchtest2

    rows = []
    for setup in zoo():
        case = setup.build(SEED)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            report = torchtest2.check_model(
                case.model,
                case.x[:BATCH],
                case.y[:BATCH],
                loss_fn=case.loss,
                optimizer=case.optimizer,
            )
        alarms = sorted(
            f"{result.name} {result.status}"
            for result in report.results
            if str(result.status) in ("WARN", "FAIL")
        )
        rows.append(_row(setup, alarms))
    return {"installed": True, "version": torchtest2.__version__, "n": len(rows), "rows": rows}


def deepchecks_findings() -> dict[str, Any]:
    """Run its data integrity suite on the tabular set-ups; a failed condition counts as an alarm."""
    if importlib.util.find_spec("deepchecks") is None:
        return {"installed": False}
    import deepchecks
    import pandas as pd
    from deepchecks.tabular import Dataset
    from deepchecks.tabular.suites import data_integrity

    rows = []
    for setup in zoo():
        case = setup.build(SEED)
        if case.x.ndim != 2 or case.y.ndim != 1:
            continue
        frame = pd.DataFrame(case.x.numpy(), columns=[f"x{i}" for i in range(case.x.shape[1])])
        frame["y"] = case.y.numpy()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = data_integrity().run(Dataset(frame, label="y", cat_features=[]))
        alarms = sorted({check.get_header() for check in found.get_not_passed_checks()})
        rows.append(_row(setup, alarms))
    return {"installed": True, "version": deepchecks.__version__, "n": len(rows), "rows": rows}


def _row(setup: Setup, alarms: list[str]) -> dict[str, Any]:
    return {"setup": setup.name, "right": setup.right[0], "alarms": alarms}
