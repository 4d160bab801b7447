"""Deepchecks on one data file after another, in an environment of its own: see peers.py.

Reads paths of .npz files (x of shape (n, d), y of shape (n,)) from standard input, a line each, and
answers each with the names of the checks that did not pass, as one line of JSON; null where the
suite itself fails.
"""

import contextlib
import json
import sys

import numpy as np
import pandas as pd
from deepchecks.tabular import Dataset
from deepchecks.tabular.suites import data_integrity

for line in sys.stdin:
    with np.load(line.strip()) as stored:
        frame = pd.DataFrame(stored["x"], columns=[f"x{i}" for i in range(stored["x"].shape[1])])
        frame["y"] = stored["y"]
    names = None
    try:
        with contextlib.redirect_stdout(sys.stderr):  # it draws progress bars
            found = data_integrity().run(Dataset(frame, label="y", cat_features=[]))
        names = sorted({check.get_header() for check in found.get_not_passed_checks()})
    except Exception as error:
        print(f"{line.strip()}: {error}", file=sys.stderr)
    print(json.dumps(names), flush=True)
