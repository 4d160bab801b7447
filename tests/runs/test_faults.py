"""A sample of the faults and power cuts of ``benchmarks/reliability``, which tries them all."""

import json
import os
import subprocess
import sys

import pytest
from benchmarks.reliability.faults import compiler

from tests.conftest import REPOSITORY

pytestmark = [
    pytest.mark.skipif(compiler() is None, reason="needs a C compiler (cc) to build the faults"),
    pytest.mark.skipif(sys.platform != "linux", reason="the faults are Linux system calls"),
]


@pytest.mark.parametrize(
    ("program", "every", "what"), [("crash", "31", "faults"), ("power", "23", "cuts")]
)
def test_after_a_fault_or_a_power_cut_the_same_command_ends_with_the_same_bytes(
    program, every, what
):
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            f"benchmarks.reliability.{program}",
            "--kinds",
            "small",
            "--every",
            every,
        ],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(REPOSITORY / "src"), *sys.path])},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout[done.stdout.index("{") :])
    assert found["wrong"] == 0
    assert found[what] > 25
